package profile

import (
	"slices"

	"offramp/internal/locale"
	"offramp/migration"
)

// Kinds of losses.
const (
	LossDeclared = "declared" // the programme says so, about the product as a whole
	LossDataset  = "dataset"  // no file is made from it
	LossFiles    = "files"    // rows are carried, the attachments that they name are not: an import file holds rows only
	LossRows     = "rows"     // where leaves some out
	LossColumn   = "column"   // no column of a file reads it
	LossValues   = "values"   // a map has no place for some of its values, which stay as they are
)

// Loss is one thing that the replacement has no place for.
type Loss struct {
	Dataset string // key; empty: of the product as a whole
	Column  string // of the dataset, or of the file for LossValues; empty: the whole dataset
	Kind    string
	Text    migration.Text // the programme's own sentence; empty: the catalogue's

	dataset, meaning migration.Text
}

// In says the loss in one sentence.
func (l Loss) In(in *locale.Locale) string {
	if text := in.Pick(l.Text); text != "" {
		return text
	}
	column := in.T("profile.column.plain", "Column", l.Column)
	if meaning := in.Pick(l.meaning); meaning != "" {
		column = in.T("profile.column", "Column", l.Column, "Meaning", meaning)
	}
	if l.Kind == LossValues { // the sentence has the quotes
		column = l.Column
	}
	return in.T("profile.loss."+l.Kind, "Dataset", in.Pick(l.dataset), "Column", column)
}

// losses gathers what follows from the files, in the words of what is declared where that names the same thing.
func (c *compiler) losses() []Loss {
	var losses []Loss
	declared := []migration.Loss{}
	if c.replacement.Import != nil {
		declared = c.replacement.Import.Loses
	}
	for _, l := range declared {
		if l.Dataset == "" {
			losses = append(losses, Loss{Kind: LossDeclared, Text: l.Text})
		}
	}
	for _, d := range c.datasets {
		of := c.lossesOf(d)
		for _, l := range declared {
			if l.Dataset == d.Key {
				of = declare(of, l, d)
			}
		}
		losses = append(losses, of...)
	}
	return losses
}

// declare gives the loss that the programme words its text, or adds it.
func declare(losses []Loss, declared migration.Loss, d migration.Dataset) []Loss {
	i := slices.IndexFunc(losses, func(l Loss) bool {
		return l.Column == declared.Column && l.Kind != LossRows && l.Kind != LossValues
	})
	if i >= 0 {
		losses[i].Text = declared.Text
		return losses
	}
	added := Loss{Dataset: d.Key, Column: declared.Column, Kind: LossDataset, Text: declared.Text, dataset: d.Name}
	if declared.Column != "" {
		added.Kind, added.meaning = LossColumn, meaning(d, declared.Column)
	}
	return append(losses, added)
}

func (c *compiler) lossesOf(d migration.Dataset) []Loss {
	read, used := c.read[d.Key]
	if !used {
		return []Loss{{Dataset: d.Key, Kind: LossDataset, dataset: d.Name}}
	}
	var losses []Loss
	if d.Files != nil {
		losses = append(losses, Loss{Dataset: d.Key, Kind: LossFiles, dataset: d.Name})
	}
	if !c.every(d.Key) {
		losses = append(losses, Loss{Dataset: d.Key, Kind: LossRows, dataset: d.Name})
	}
	for _, col := range d.Columns {
		if !read[col.Name] {
			losses = append(losses, Loss{Dataset: d.Key, Column: col.Name, Kind: LossColumn, dataset: d.Name, meaning: col.Meaning})
		}
	}
	for _, f := range c.replacement.Import.Files {
		for _, col := range f.Columns {
			if f.Dataset == d.Key && len(col.Map) > 0 && col.Otherwise == nil {
				losses = append(losses, Loss{Dataset: d.Key, Column: col.Name, Kind: LossValues, dataset: d.Name})
			}
		}
	}
	return losses
}

// every reports whether some file takes all rows of a dataset. Whether several files with conditions do so together cannot
// be told from here.
func (c *compiler) every(dataset string) bool {
	return slices.ContainsFunc(c.replacement.Import.Files, func(f migration.ImportFile) bool { return f.Dataset == dataset && f.Where == "" })
}

func meaning(d migration.Dataset, column string) migration.Text {
	for _, c := range d.Columns {
		if c.Name == column {
			return c.Meaning
		}
	}
	return nil
}
