package export

import (
	"context"
	"errors"
	"slices"
	"time"

	"offramp/export/archive"
	"offramp/export/connect"
	"offramp/export/source"
	"offramp/migration"
)

// view is what one job sees of the sources: one snapshot of each, and the datasets that were chosen. Not safe for
// concurrent use.
type view struct {
	sources   *connect.Sources
	programme *migration.Programme
	choice    *choice
	customer  string                     // reference
	snapshots map[string]source.Snapshot // by source
	order     []string                   // of the snapshots' keys
	parts     map[string]*part           // by dataset
	lenient   bool                       // for its parts
}

// part is one dataset as a view shows it.
type part struct {
	dataset migration.Dataset
	query   source.Query
	snap    source.Snapshot
	columns []source.Column
	at      connect.FilePlaces
	objects source.Objects
	held    *source.Gathered // all of it, if it is small
	lenient bool             // a page of a list that keeps failing costs its own rows only
}

func newView(sources *connect.Sources, p *migration.Programme, c *choice, customerRef string) *view {
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
	pt := &part{dataset: d, query: connect.Query(d), snap: snap, lenient: v.lenient}
	if pt.columns, err = snap.Check(ctx, pt.query); err != nil {
		return nil, err
	}
	v.choice.restrict(&pt.query, d, v.programme.Zone, pt.columns)
	return pt, v.locate(ctx, pt)
}

// locate finds a part's attachments, and keeps the part.
func (v *view) locate(ctx context.Context, pt *part) (err error) {
	if pt.at, err = connect.Places(pt.dataset, pt.columns); err != nil {
		return err
	}
	if files := connect.FilesOf(pt.dataset); files != nil {
		if pt.objects, err = v.sources.Objects(ctx, files.Source); err != nil {
			return err
		}
	}
	v.parts[pt.dataset.Key] = pt
	return nil
}

// gatherRoom is how many bytes of rows of one source are read at once into memory.
const gatherRoom = 1 << 20

// gather reads what is small at once, for each source that can. What it does not read is read later, part by part.
func (v *view) gather(ctx context.Context, datasets []migration.Dataset) error {
	if !v.choice.whole() {
		return nil
	}
	bySource := map[string][]migration.Dataset{}
	var order []string
	for _, d := range datasets {
		if len(bySource[d.Source]) == 0 {
			order = append(order, d.Source)
		}
		bySource[d.Source] = append(bySource[d.Source], d)
	}
	for _, key := range order {
		snap, err := v.snapshot(ctx, key)
		if err != nil {
			return err
		}
		if g, ok := snap.(source.Gatherer); ok {
			if err := v.gatherFrom(ctx, g, bySource[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

// gatherFrom ends the source's snapshot when all that is wanted from it was read.
func (v *view) gatherFrom(ctx context.Context, snap source.Gatherer, datasets []migration.Dataset) error {
	queries := make([]source.Query, len(datasets))
	for i, d := range datasets {
		queries[i] = connect.Query(d)
		queries[i].MaxRows = v.choice.MaxRows
	}
	all, err := snap.Gather(ctx, queries, gatherRoom)
	if err != nil || all == nil {
		return err
	}
	for i, d := range datasets {
		pt := &part{dataset: d, query: queries[i], snap: snap, columns: all[i].Columns, held: all[i]}
		if err := v.locate(ctx, pt); err != nil {
			return err
		}
	}
	snap.Close()
	return nil
}

// weigh tells what a part comes to.
func (pt *part) weigh(ctx context.Context) (source.Weight, error) {
	if pt.held != nil {
		return pt.held.Weight, nil
	}
	return pt.snap.Weigh(ctx, pt.reading())
}

// reading is the part's query such that a value that is not of its column's type costs its own row only.
func (pt *part) reading() source.Query {
	q := pt.query
	q.Unconverted = archive.Unconverted
	if pt.lenient {
		q.Lost = &source.Lost{Row: archive.Unread, Rest: archive.UnreadRest}
	}
	return q
}

// rows reads a range of the part.
func (pt *part) rows(ctx context.Context, r source.Range, yield func(values [][]byte) error) (int64, error) {
	if pt.held != nil && r.Whole() {
		return pt.held.Rows(ctx, yield)
	}
	q := pt.reading()
	q.Range = r
	return pt.snap.Rows(ctx, q, yield)
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
