package archive

import (
	"context"
	"fmt"
)

const (
	// manyRows is where a file may pass 4 GiB before compression, when nothing is known of how long the rows are.
	manyRows = 500_000
	// largeRaw is the same in estimated bytes. A format may be longer than what the source says, which is an estimate.
	largeRaw = 2 << 30
)

// Dataset describes rows to add.
type Dataset struct {
	Name    string // lower-case letters, digits, - and _
	Title   string
	Columns []Column
	Source  int64 // how many rows the source counts in the same snapshot
	Bytes   int64 // what they come to, estimated; 0: not known
	// Part is which of the dataset's Parts these rows are, from 1. 0 and 0, or 1 and 1, is a whole dataset.
	Part, Parts int
}

// normal writes a whole dataset in one way only.
func (d Dataset) normal() Dataset {
	if d.Parts <= 1 {
		d.Part, d.Parts = 0, 0
	}
	return d
}

// large reports whether a file of it may pass 4 GiB before compression.
func (d Dataset) large() bool {
	if d.Bytes > 0 {
		return d.Bytes >= largeRaw
	}
	return d.Source > manyRows
}

// path returns where a file of this part lies: data/tasks.part-02.csv.
func (d Dataset) path(folder, ext string) string {
	return partPath(folder+"/"+d.Name, ext, d.Part, d.Parts)
}

// Rows reads a dataset from its beginning, calling yield for each row, as source.Snapshot's method of this name does.
// It may be called once for each format and import file, and must give the same rows each time.
type Rows func(ctx context.Context, yield func(values [][]byte) error) (int64, error)

// AddDataset writes a dataset, or a part of one, in every format chosen, with its schema. A Zip file's entries cannot
// interleave, so it reads once for each, unless the rows are few enough to be remembered. It fails with *CountError when
// the readings or the source's count differ: no archive may come of that.
func (a *Writer) AddDataset(ctx context.Context, d Dataset, rows Rows) error {
	if err := checkNumber("part", d.Part, d.Parts); err != nil {
		return err
	}
	d = d.normal()
	if err := a.claim(d); err != nil {
		return err
	}
	shown := a.newPreview(d.Columns)
	a.previews = append(a.previews, shown)
	rows = a.recent.begin(d, rows)
	var all []*reading
	for _, f := range a.formats(d) {
		r, err := a.read(ctx, d, f, a.recent.again(d, rows), shown)
		if err != nil {
			return fmt.Errorf("archive: dataset %q as %s: %w", d.Name, f.file.Format, err)
		}
		all, shown = append(all, r), nil
		if err := r.agrees(d, all[0]); err != nil {
			return err
		}
	}
	if a.opts.Browse {
		r, err := a.browse(ctx, d, a.recent.again(d, rows))
		if err != nil {
			return fmt.Errorf("archive: dataset %q for the page: %w", d.Name, err)
		}
		if err := r.agrees(d, all[0]); err != nil {
			return err
		}
	}
	count := account(all)
	a.recent.digest = all[0].digest
	a.receipt.Datasets = append(a.receipt.Datasets, count)
	listed := Listed{Name: d.Name, Title: d.Title, Columns: d.Columns, Part: d.Part, Parts: d.Parts, Rows: count.Exported}
	a.manifest.Datasets = append(a.manifest.Datasets, listed)
	return a.addSchema(listed)
}

// output is one way in which rows are written.
type output struct {
	file   File
	format format
	direct direct // instead of format, for one that compresses by itself
	// convert makes the row that is written of the one read, or keeps it out; nil: they are the same. See ImportFile.Row.
	convert func(values [][]byte) (out [][]byte, keep bool, err error)
	width   int // columns of what convert makes
}

func (a *Writer) formats(d Dataset) []output {
	var all []output
	add := func(ext, name string, kind Kind, f format) *output {
		file := File{Path: d.path("data", ext), Kind: kind, Format: name, Dataset: d.Name, Part: d.Part}
		all = append(all, output{file: file, format: f})
		return &all[len(all)-1]
	}
	if a.opts.CSV {
		add(".csv", "csv", KindMachine, newCSV(d.Columns))
	}
	if a.opts.Spreadsheet {
		add(".spreadsheet.csv", "csv", KindSpreadsheet, newSpreadsheet(d.Columns))
	}
	if a.opts.JSONLines {
		add(".jsonl", "jsonl", KindMachine, newJSON(d.Columns))
	}
	if a.opts.Parquet {
		add(".parquet", "parquet", KindMachine, nil).direct = newParquet(d)
	}
	return all
}
