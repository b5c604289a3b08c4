package replacement

import (
	"fmt"
	"maps"
	"slices"

	"offramp/migration"
)

// Loss is something that a customer gives up with a replacement and accepts by choosing it.
type Loss struct {
	Key     string         // stable: what is accepted and stored, such as dataset:comments
	Dataset string         // key; empty: not about a dataset
	Column  string         // of the dataset; empty: all of it. People read Detail, never this.
	Feature string         // key; empty: not about a feature
	Partly  bool           // it moves, with loss
	Count   Count          // of a feature
	Name    migration.Text // of the dataset or feature; empty: of the product as a whole
	Detail  migration.Text // what the column holds; may be empty
	Text    migration.Text // the programme's words; may be empty
}

// LossesOf lists what a customer gives up with r, in a stable order: what concerns the product as a whole, the datasets in the
// programme's order, and the features that it lacks, save those that the customer is known not to use. What every page says of
// what moves, what is covered and what is given up comes from here and from Moves.
//
// What the programme states of a dataset goes before what follows from the import's files.
func LossesOf(p *migration.Programme, r migration.Replacement, u Usage) []Loss {
	var list []Loss
	add := func(losses ...Loss) {
		for _, l := range losses {
			if !slices.ContainsFunc(list, l.repeats) {
				list = append(list, l)
			}
		}
	}
	if r.Import != nil {
		for i, l := range r.Import.Loses {
			if l.Dataset == "" {
				add(Loss{Key: fmt.Sprintf("import:%d", i), Text: l.Text})
			}
		}
	}
	for _, d := range p.Datasets {
		add(datasetLosses(r, d)...)
	}
	for _, m := range r.Features {
		count := u[m.Feature]
		if m.Has != migration.MovesNone || count.Known && count.Uses == 0 {
			continue
		}
		f, _ := p.Feature(m.Feature)
		add(Loss{Key: "feature:" + m.Feature, Feature: m.Feature, Count: count, Name: f.Name, Text: m.Text})
	}
	return list
}

// repeats reports whether o says what l says already.
func (l Loss) repeats(o Loss) bool {
	return o.Key == l.Key || len(l.Text) > 0 && l.Feature == "" && o.Feature == "" && maps.Equal(o.Text, l.Text)
}

// Moves says what becomes of a dataset at r: one of migration.Moves..., or empty where nothing is known. It is all only where
// LossesOf knows no loss of the dataset.
func Moves(r migration.Replacement, d migration.Dataset) string {
	losses := datasetLosses(r, d)
	stated, ok := statedOf(r, d.Key)
	switch {
	case slices.ContainsFunc(losses, func(l Loss) bool { return l.Column == "" && !l.Partly }):
		return migration.MovesNone
	case len(losses) > 0:
		return migration.MovesPart
	case ok:
		return stated.Moves
	case r.Import != nil: // a file holds it
		return migration.MovesAll
	}
	return ""
}

func statedOf(r migration.Replacement, dataset string) (migration.DatasetMove, bool) {
	for _, m := range r.Datasets {
		if m.Dataset == dataset {
			return m, true
		}
	}
	return migration.DatasetMove{}, false
}

// datasetLosses is what r loses of one dataset: what the programme states, what it declares of the import, and, where it states
// nothing, what no file of the import holds.
func datasetLosses(r migration.Replacement, d migration.Dataset) []Loss {
	stated, ok := statedOf(r, d.Key)
	whole := Loss{Key: "dataset:" + d.Key, Dataset: d.Key, Name: d.Name, Text: stated.Text}
	var declared []Loss
	lost := false
	if r.Import != nil {
		for _, l := range r.Import.Loses {
			switch {
			case l.Dataset != d.Key:
			case l.Column != "":
				declared = append(declared, Loss{
					Key: whole.Key + "." + l.Column, Dataset: d.Key, Column: l.Column, Name: d.Name, Detail: meaning(d, l.Column), Text: l.Text,
				})
			default:
				if lost = true; len(whole.Text) == 0 {
					whole.Text = l.Text
				}
			}
		}
		lost = lost || !ok && !slices.ContainsFunc(r.Import.Files, func(f migration.ImportFile) bool { return f.Dataset == d.Key })
	}
	switch {
	case ok && stated.Moves == migration.MovesNone, !ok && lost:
		return []Loss{whole}
	case ok && stated.Moves == migration.MovesPart, lost:
		whole.Partly = true
		return append([]Loss{whole}, declared...)
	}
	return declared
}

func meaning(d migration.Dataset, column string) migration.Text {
	for _, c := range d.Columns {
		if c.Name == column {
			return c.Meaning
		}
	}
	return nil
}

// keysOf lists the losses' keys, sorted.
func keysOf(list []Loss) []string {
	keys := make([]string, len(list))
	for i, l := range list {
		keys[i] = l.Key
	}
	slices.Sort(keys)
	return keys
}
