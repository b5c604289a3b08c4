package archive

import (
	"context"
	"fmt"
	"strings"
)

// ImportFile is a file that a replacement imports as it is, made from one dataset's rows.
type ImportFile struct {
	Replacement string   // key: lower-case letters, digits, - and _
	Name        string   // such as issues.csv; safe on every system
	Format      string   // csv or jsonl
	Dataset     string   // whose rows it is made from
	Columns     []Column // of the file; every value is text
	Source      int64    // how many rows the source counts in the same snapshot
	Bytes       int64    // what they come to, estimated; 0: not known
	Part, Parts int      // as in Dataset
	// Row makes a row of the file, valid until the next call, or keeps a row out of it. An error with a method
	// ItemReason() string, and perhaps ItemColumn() string, is about that row alone, which is then named in the receipt;
	// any other ends the export.
	Row func(values [][]byte) (out [][]byte, keep bool, err error)
}

// AddImport writes import/<replacement>/<name>. It reads the dataset in the same snapshot once more, unless it is the one
// added last and small. It fails with *CountError when the reading differs from the source's count.
func (a *Writer) AddImport(ctx context.Context, f ImportFile, rows Rows) error {
	out, err := a.importOutput(f)
	if err != nil {
		return err
	}
	d := Dataset{Name: f.Dataset, Source: f.Source, Bytes: f.Bytes, Part: f.Part, Parts: f.Parts}.normal()
	out.convert, out.width = f.Row, len(f.Columns)
	r, err := a.read(ctx, d, out, a.recent.again(d, rows), nil)
	if err != nil {
		return fmt.Errorf("archive: import file %q for %q: %w", f.Name, f.Replacement, err)
	}
	c := ImportCount{
		Replacement: f.Replacement, File: f.Name, Dataset: f.Dataset, Part: d.Part, Parts: d.Parts, Source: f.Source,
		Exported: r.count.Exported, Skipped: r.skipped, Failed: r.count.Failed, Failures: r.count.Failures, Omitted: r.count.Omitted,
	}
	if err := c.balanced(); err != nil {
		return err
	}
	if a.recent.is(d) && a.recent.digest != r.digest {
		return errUnsteady(f.Dataset)
	}
	a.receipt.Imports = append(a.receipt.Imports, c)
	return nil
}

// path returns where the file lies.
func (c ImportCount) path() string {
	stem, ext := split(c.File)
	return partPath("import/"+c.Replacement+"/"+stem, ext, c.Part, c.Parts)
}

// importOutput checks a file's name, which must be safe where it is unpacked, and tells how it is written.
func (a *Writer) importOutput(f ImportFile) (output, error) {
	_, ext := split(f.Name)
	switch {
	case !datasetName.MatchString(f.Replacement) || reserved.MatchString(f.Replacement):
		return output{}, fmt.Errorf("archive: %q is no key for a replacement", f.Replacement)
	case len(f.Name) > maxName || clean(f.Name) != f.Name:
		return output{}, fmt.Errorf("archive: %q is no name for a file on every system", f.Name)
	case f.Row == nil || len(f.Columns) == 0:
		return output{}, fmt.Errorf("archive: import file %q has no columns", f.Name)
	}
	if err := checkNumber("part", f.Part, f.Parts); err != nil {
		return output{}, err
	}
	file := File{
		Path: ImportCount{Replacement: f.Replacement, File: f.Name, Part: f.Part, Parts: f.Parts}.path(),
		Kind: KindImport, Format: f.Format, Dataset: f.Dataset, For: f.Replacement,
	}
	if f.Parts > 1 {
		file.Part = f.Part
	}
	key := fold(file.Path)
	if a.imports[key] {
		return output{}, fmt.Errorf("archive: import file %q is here already", file.Path)
	}
	a.imports[key] = true
	texts := make([]Column, len(f.Columns))
	for i, c := range f.Columns {
		texts[i] = Column{Name: c.Name, Type: "text"}
	}
	switch {
	case f.Format == "csv" && strings.EqualFold(ext, ".csv"):
		return output{file: file, format: newCSV(texts)}, nil
	case f.Format == "jsonl" && strings.EqualFold(ext, ".jsonl"):
		return output{file: file, format: newJSON(texts)}, nil
	}
	return output{}, fmt.Errorf("archive: import file %q cannot be written as %q", f.Name, f.Format)
}
