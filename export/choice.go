package export

import (
	"context"
	"time"

	"offramp/export/source"
	"offramp/migration"
)

// sinceOverlap is how much earlier than the last export's instant "changes since" begins: a change is stamped when it is made
// and seen when it is committed, which may be a while later.
const sinceOverlap = 15 * time.Minute

// choice is a selection made definite: every later reading of the same export restricts the datasets in the same way.
type choice struct {
	Datasets []string                      `json:"datasets,omitempty"`
	Where    map[string][]source.Condition `json:"where,omitempty"` // by dataset
	MaxRows  int64                         `json:"max_rows,omitempty"`
}

// restrict gives a dataset's query the conditions and bounds.
func (c *choice) restrict(q *source.Query, d migration.Dataset) error {
	q.Key, q.Where, q.MaxRows = d.RowKey, c.Where[d.Key], c.MaxRows
	return nil
}

// leaves reports whether a dataset is not needed at all.
func (c *choice) leaves(string) bool { return false }

// choose makes the export's selection definite.
func (b *builder) choose(_ context.Context, a *attempt) (choice, error) {
	return choice{Datasets: a.Selection.Datasets, MaxRows: b.MaxRows}, nil
}
