package export

import (
	"context"
	"errors"
	"slices"
	"time"

	"offramp/export/archive"
	"offramp/export/source"
	"offramp/migration"
)

// view is what one job sees of the sources: one snapshot of each, and the datasets that were chosen. Not safe for concurrent
// use.
type view struct {
	sources   *Sources
	programme *migration.Programme
	choice    *choice
	customer  string                     // reference
	snapshots map[string]source.Snapshot // by source
	order     []string                   // of the snapshots' keys
	parts     map[string]*part           // by dataset
}

// part is one dataset as a view shows it.
type part struct {
	dataset migration.Dataset
	query   source.Query
	snap    source.Snapshot
	columns []source.Column
	at      filePlaces
	objects source.Objects
}

func newView(sources *Sources, p *migration.Programme, c *choice, customerRef string) *view {
	return &view{
		sources: sources, programme: p, choice: c, customer: customerRef,
		snapshots: map[string]source.Snapshot{}, parts: map[string]*part{},
	}
}

// snapshot returns the source's snapshot, which is begun when it is first asked for.
func (v *view) snapshot(ctx context.Context, key string) (source.Snapshot, error) {
	if snap, ok := v.snapshots[key]; ok {
		return snap, nil
	}
	return v.begin(ctx, key, "")
}

// begin opens a snapshot, or joins another's.
func (v *view) begin(ctx context.Context, key, join string) (source.Snapshot, error) {
	rows, err := v.sources.Rows(ctx, key)
	if err != nil {
		return nil, err
	}
	snap, err := rows.Begin(ctx, v.customer, join)
	if err != nil {
		return nil, err
	}
	v.snapshots[key] = snap
	v.order = append(v.order, key)
	return snap, nil
}

// datasets lists what was chosen, in the programme's order.
func (v *view) datasets() (list []migration.Dataset, err error) {
	for _, key := range v.choice.Datasets {
		if _, ok := v.programme.Dataset(key); !ok {
			return nil, &source.Error{Kind: source.Schema, Dataset: key, Cause: errors.New("the programme no longer has this dataset")}
		}
	}
	for _, d := range v.programme.Datasets {
		if len(v.choice.Datasets) == 0 || slices.Contains(v.choice.Datasets, d.Key) {
			list = append(list, d)
		}
	}
	return list, nil
}

// part checks a dataset's query and columns, once.
func (v *view) part(ctx context.Context, d migration.Dataset) (*part, error) {
	if pt, ok := v.parts[d.Key]; ok {
		return pt, nil
	}
	snap, err := v.snapshot(ctx, d.Source)
	if err != nil {
		return nil, err
	}
	pt := &part{dataset: d, query: query(d), snap: snap}
	if pt.columns, err = snap.Check(ctx, pt.query); err != nil {
		return nil, err
	}
	v.choice.restrict(&pt.query, d, v.programme.Zone, pt.columns)
	if pt.at, err = places(d, pt.columns); err != nil {
		return nil, err
	}
	if files := filesOf(d); files != nil {
		if pt.objects, err = v.sources.Objects(ctx, files.Source); err != nil {
			return nil, err
		}
	}
	v.parts[d.Key] = pt
	return pt, nil
}

// described are the columns with what the programme says of them, in a reader's language.
func (pt *part) described(locale, fallback string) []archive.Column {
	columns := make([]archive.Column, len(pt.columns))
	for i, c := range pt.columns {
		columns[i] = archive.Column{Name: c.Name, Type: c.Type}
		for _, d := range pt.dataset.Columns {
			if d.Name == c.Name {
				columns[i].Meaning, _ = d.Meaning.In(locale, fallback)
				columns[i].Unit = d.Unit
			}
		}
	}
	return columns
}

// asOf is the instant of the first snapshot, by its source's clock.
func (v *view) asOf() time.Time {
	if len(v.order) == 0 {
		return time.Now()
	}
	return v.snapshots[v.order[0]].Info().AsOf
}

// Close ends the snapshots. Closing again does nothing.
func (v *view) Close() {
	if v == nil {
		return
	}
	for _, s := range v.snapshots {
		s.Close()
	}
}
