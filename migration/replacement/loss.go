package replacement

import (
	"fmt"
	"slices"

	"offramp/migration"
)

// Loss is something that a customer gives up with a replacement and accepts by choosing it.
type Loss struct {
	Key     string         // stable: what is accepted and stored, such as dataset:comments
	Dataset string         // key; empty: not about a dataset
	Column  string         // of the dataset; empty: all of it
	Feature string         // key; empty: not about a feature
	Partly  bool           // it moves, with loss
	Count   Count          // of a feature
	Name    migration.Text // of the dataset or feature; empty: of the product as a whole
	Text    migration.Text // the programme's words; may be empty
}

// LossesOf lists what a customer gives up with r, in a stable order: datasets, what its import cannot carry, and the
// features that it lacks, save those that the customer is known not to use.
func LossesOf(p *migration.Programme, r migration.Replacement, u Usage) []Loss {
	var list []Loss
	add := func(l Loss) {
		if !slices.ContainsFunc(list, func(o Loss) bool { return o.Key == l.Key }) {
			list = append(list, l)
		}
	}
	for _, m := range r.Datasets {
		if m.Moves == migration.MovesAll {
			continue
		}
		d, _ := p.Dataset(m.Dataset)
		add(Loss{Key: "dataset:" + m.Dataset, Dataset: m.Dataset, Partly: m.Moves == migration.MovesPart, Name: d.Name, Text: m.Text})
	}
	if r.Import != nil {
		for i, l := range r.Import.Loses {
			d, _ := p.Dataset(l.Dataset)
			key := fmt.Sprintf("import:%d", i)
			switch {
			case l.Column != "":
				key = "dataset:" + l.Dataset + "." + l.Column
			case l.Dataset != "":
				key = "dataset:" + l.Dataset
			}
			add(Loss{Key: key, Dataset: l.Dataset, Column: l.Column, Name: d.Name, Text: l.Text})
		}
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

// keysOf lists the losses' keys, sorted.
func keysOf(list []Loss) []string {
	keys := make([]string, len(list))
	for i, l := range list {
		keys[i] = l.Key
	}
	slices.Sort(keys)
	return keys
}
