package archive

import (
	"encoding/json"
	"errors"
	"fmt"
)

// checkCounts holds receipt, manifest and the rows counted again against each other.
func (v *verifier) checkCounts() {
	path := v.report.Manifest.Path(ReceiptPath)
	if v.receipt == nil {
		for _, p := range v.report.Problems {
			if p.Path == path {
				return
			}
		}
		v.add(Problem{Trouble: Missing, Path: path, From: -1, To: -1, Note: "the archive has no receipt"})
		return
	}
	var r Receipt
	if err := json.Unmarshal(v.receipt, &r); err != nil || r.Schema != receiptSchema {
		v.add(Problem{Trouble: Counts, Path: path, From: -1, To: -1, Note: "the receipt cannot be understood"})
		return
	}
	v.report.Receipt = r
	m := v.report.Manifest
	if r.Export != m.Export || r.Customer != m.Customer || max(r.Volume, 1) != max(m.Volume, 1) || max(r.Of, 1) != max(m.Volumes, 1) {
		v.add(Problem{Trouble: Counts, Path: path, From: -1, To: -1, Note: "the receipt is of another export or volume"})
	}
	for _, err := range []error{r.Balanced(), m.agrees(r)} {
		if err != nil {
			v.add(Problem{Trouble: Counts, Path: path, From: -1, To: -1, Note: err.Error()})
		}
	}
}

// piece is a dataset, or a part of one, in a receipt or manifest.
type piece struct {
	dataset string
	part    int
}

// agrees holds what the receipt says was exported against the files.
func (m Manifest) agrees(r Receipt) error {
	counts := map[piece]Count{}
	for _, c := range r.Datasets {
		counts[piece{c.Dataset, c.Part}] = c
	}
	imports := map[string]ImportCount{}
	for _, c := range r.Imports {
		imports[c.path()] = c
	}
	var errs []error
	for _, f := range m.Files {
		if f.Rows == nil {
			continue
		}
		want, ok := int64(0), false
		if f.Kind == KindImport {
			var c ImportCount
			c, ok = imports[f.Path]
			want = c.Exported
			delete(imports, f.Path)
		} else {
			var c Count
			c, ok = counts[piece{f.Dataset, f.Part}]
			want = c.Exported - c.lacking(f.Format)
		}
		if !ok || want != *f.Rows {
			errs = append(errs, &CountError{Dataset: f.Dataset, What: "rows in " + f.Path, Expected: want, Actual: *f.Rows})
		}
	}
	for path := range imports {
		errs = append(errs, fmt.Errorf("archive: the receipt counts %s, which is not there", path))
	}
	for _, d := range m.Datasets {
		if c := counts[piece{d.Name, d.Part}]; c.Exported != d.Rows {
			errs = append(errs, &CountError{Dataset: d.Name, What: "rows", Expected: c.Exported, Actual: d.Rows})
		}
	}
	return errors.Join(append(errs, m.agreesOnAttachments(r))...)
}

func (m Manifest) agreesOnAttachments(r Receipt) error {
	left := map[string]int64{}
	for _, c := range r.Attachments {
		left[c.Dataset] = -c.Exported
	}
	for _, f := range m.Files {
		if f.Kind == KindAttachment && !f.Incomplete {
			left[f.Dataset]++
		}
	}
	var errs []error
	for dataset, n := range left {
		if n != 0 {
			errs = append(errs, fmt.Errorf("archive: dataset %q: attachments are %d off the receipt", dataset, n))
		}
	}
	return errors.Join(errs...)
}

// lacking returns how many of the rows exported are not in a format's file.
func (c Count) lacking(format string) int64 {
	for _, l := range c.Lacking {
		if l.Format == format {
			return l.Rows
		}
	}
	return 0
}
