package archive

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// maxFailures bounds the failures that a receipt spells out for one dataset; the rest is in Omitted.
const maxFailures = 10_000

// Receipt accounts for everything that the source had: each row and each attachment is here, or failed for a reason.
type Receipt struct {
	Schema      string    `json:"schema"`
	Export      string    `json:"export"`
	Customer    string    `json:"customer"`
	AsOf        time.Time `json:"as_of"`
	Created     time.Time `json:"created"`
	Volume      int       `json:"volume,omitempty"` // which of several this is about; 0: the whole export
	Of          int       `json:"of,omitempty"`     // how many volumes there are; 0: one
	Complete    bool      `json:"complete"`         // nothing failed
	Datasets    []Count   `json:"datasets"`
	Attachments []Count   `json:"attachments"`
	// Imports are the files for replacements, which hold some of the same rows again.
	Imports []ImportCount `json:"imports,omitempty"`
	Sources []SourceInfo  `json:"sources,omitempty"`
	// Narrowed says what makes the export less than everything: the counts are of what was asked for.
	Narrowed []Narrowing `json:"narrowed,omitempty"`
	// Volumes are the archives themselves, in the whole export's receipt only, since none can hold its own checksum.
	Volumes []VolumeProof `json:"volumes,omitempty"`
}

// VolumeProof is what an archive must be, to the byte.
type VolumeProof struct {
	Number int    `json:"number"` // from 1
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // lower-case hexadecimal
	// Archive is what is within, where the file itself is locked by a password: the archive that this receipt is about.
	Archive *InnerProof `json:"archive,omitempty"`
}

// InnerProof is what an archive must be once its password has opened it.
type InnerProof struct {
	Size   int64  `json:"size"`   // bytes
	SHA256 string `json:"sha256"` // lower-case hexadecimal
}

// Count is the account of one dataset's rows or attachments: Source = Exported + Failed, always.
type Count struct {
	Dataset  string    `json:"dataset"`
	Part     int       `json:"part,omitempty"`  // from 1; 0 when the whole dataset is accounted for
	Parts    int       `json:"parts,omitempty"` //
	Source   int64     `json:"source"`          // by the source's own count
	Exported int64     `json:"exported"`
	Failed   int64     `json:"failed"`
	Failures []Failure `json:"failures,omitempty"`
	Omitted  int64     `json:"omitted,omitempty"` // failures beyond the first ten thousand
	Remarks  []Failure `json:"remarks,omitempty"` // of what was exported, such as a size that differs from the row's
	// Lacking are the formats that some exported rows are not in, because the format has no such value.
	Lacking []Lacking `json:"lacking,omitempty"`
}

// Lacking accounts for rows that are in the archive, but not in the files of one format.
type Lacking struct {
	Format   string    `json:"format"`
	Rows     int64     `json:"rows"`
	Failures []Failure `json:"failures"`
	Omitted  int64     `json:"omitted,omitempty"` // failures beyond the first ten thousand
}

// ImportCount is the account of a file for a replacement: Source = Exported + Skipped + Failed, always.
type ImportCount struct {
	Replacement string    `json:"replacement"` // key
	File        string    `json:"file"`        // its name
	Dataset     string    `json:"dataset"`     // whose rows it is made from
	Part        int       `json:"part,omitempty"`
	Parts       int       `json:"parts,omitempty"`
	Source      int64     `json:"source"`
	Exported    int64     `json:"exported"`
	Skipped     int64     `json:"skipped"` // that the replacement's profile leaves out
	Failed      int64     `json:"failed"`
	Failures    []Failure `json:"failures,omitempty"`
	Omitted     int64     `json:"omitted,omitempty"` // failures beyond the first ten thousand
}

// Failure is one row or attachment that could not be exported as it is. Reason is one of missing, changed, archived, no_key,
// denied, unreadable, size_differs, not_utf8, not_json, not_binary, out_of_range, not_converted,
// page_failed, rest_failed (this row and all behind it, however many), or what an import profile gave.
type Failure struct {
	Volume int    `json:"volume,omitempty"` // in the receipt of an export of several
	Part   int    `json:"part,omitempty"`   // of a dataset in several, in which rows are counted from 1 again
	Item   string `json:"item"`             // a row's number from 1, or an attachment's key
	Name   string `json:"name,omitempty"`   // an attachment's original name
	Column string `json:"column,omitempty"` // of a row
	Reason string `json:"reason"`
	Path   string `json:"path,omitempty"` // what is in the archive all the same
}

// unmendable are the reasons that reading again in the same formats cannot change.
var unmendable = []string{"out_of_range", "rule_failed", "rule_cost"}

// Mendable reports whether building it again may succeed, perhaps after somebody has mended what the reason says.
func (f Failure) Mendable() bool { return !slices.Contains(unmendable, f.Reason) }

func (c *Count) fail(f Failure) {
	c.Failed++
	if len(c.Failures) < maxFailures {
		c.Failures = append(c.Failures, f)
		return
	}
	c.Omitted++
}

func (l *Lacking) fail(f Failure) {
	l.Rows++
	if len(l.Failures) < maxFailures {
		l.Failures = append(l.Failures, f)
		return
	}
	l.Omitted++
}

func (c *Count) remark(f Failure) {
	if len(c.Remarks) < maxFailures {
		c.Remarks = append(c.Remarks, f)
	}
}

// CountError says that two readings which must agree did not. It is never the customer's doing.
type CountError struct {
	Dataset  string
	What     string
	Expected int64
	Actual   int64
}

// Error names the dataset and both numbers.
func (e *CountError) Error() string {
	return fmt.Sprintf("archive: dataset %q: %s: expected %d, got %d", e.Dataset, e.What, e.Expected, e.Actual)
}

// balanced holds a count against itself.
func (c Count) balanced(what string) error {
	if c.Exported+c.Failed != c.Source {
		return &CountError{Dataset: c.Dataset, What: what, Expected: c.Source, Actual: c.Exported + c.Failed}
	}
	if int64(len(c.Failures))+c.Omitted != c.Failed {
		return &CountError{Dataset: c.Dataset, What: "failures listed", Expected: c.Failed, Actual: int64(len(c.Failures)) + c.Omitted}
	}
	for _, l := range c.Lacking {
		if n := int64(len(l.Failures)) + l.Omitted; n != l.Rows || n > c.Exported {
			return &CountError{Dataset: c.Dataset, What: "rows not in " + l.Format, Expected: l.Rows, Actual: n}
		}
	}
	return nil
}

// balanced holds a count against itself.
func (c ImportCount) balanced() error {
	plain := Count{Dataset: c.Dataset, Source: c.Source, Exported: c.Exported + c.Skipped, Failed: c.Failed, Failures: c.Failures, Omitted: c.Omitted}
	return plain.balanced("rows for " + c.File)
}

// Balanced reports whether each of the receipt's counts adds up.
func (r Receipt) Balanced() error {
	var errs []error
	for _, c := range r.Datasets {
		errs = append(errs, c.balanced("rows"))
	}
	for _, c := range r.Attachments {
		errs = append(errs, c.balanced("attachments"))
	}
	for _, c := range r.Imports {
		errs = append(errs, c.balanced())
	}
	return errors.Join(errs...)
}

func (r Receipt) complete() bool {
	for _, all := range [][]Count{r.Datasets, r.Attachments} {
		for _, c := range all {
			if c.Failed > 0 || len(c.Lacking) > 0 {
				return false
			}
		}
	}
	return !slices.ContainsFunc(r.Imports, func(c ImportCount) bool { return c.Failed > 0 })
}
