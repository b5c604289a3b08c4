package archive

import (
	"errors"
	"fmt"
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
	Complete    bool      `json:"complete"` // nothing failed
	Datasets    []Count   `json:"datasets"`
	Attachments []Count   `json:"attachments"`
}

// Count is the account of one dataset's rows or attachments: Source = Exported + Failed, always.
type Count struct {
	Dataset  string    `json:"dataset"`
	Source   int64     `json:"source"` // by the source's own count
	Exported int64     `json:"exported"`
	Failed   int64     `json:"failed"`
	Failures []Failure `json:"failures,omitempty"`
	Omitted  int64     `json:"omitted,omitempty"` // failures beyond the first ten thousand
	Remarks  []Failure `json:"remarks,omitempty"` // of what was exported, such as a size that differs from the row's
}

// Failure is one row or attachment that could not be exported as it is. Reason is one of missing, changed,
// size_differs, not_utf8, not_json, not_binary.
type Failure struct {
	Item   string `json:"item"`             // a row's number from 1, or an attachment's key
	Name   string `json:"name,omitempty"`   // an attachment's original name
	Column string `json:"column,omitempty"` // of a row
	Reason string `json:"reason"`
	Path   string `json:"path,omitempty"` // what is in the archive all the same
}

func (c *Count) fail(f Failure) {
	c.Failed++
	if len(c.Failures) < maxFailures {
		c.Failures = append(c.Failures, f)
		return
	}
	c.Omitted++
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
	return nil
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
	return errors.Join(errs...)
}

func (r Receipt) complete() bool {
	for _, all := range [][]Count{r.Datasets, r.Attachments} {
		for _, c := range all {
			if c.Failed > 0 {
				return false
			}
		}
	}
	return true
}
