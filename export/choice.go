package export

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"offramp/export/archive"
	"offramp/export/source"
	"offramp/internal/db"
	"offramp/migration"
)

// sinceOverlap is how much earlier than the last export's instant "changes since" begins: a change is stamped when it
// is made and seen when it is committed, which may be a while later. What falls in between is given twice, and never
// missed.
const sinceOverlap = 15 * time.Minute

// choice is a selection made definite: every job that reads for the export restricts the datasets in the same way.
type choice struct {
	Datasets []string            `json:"datasets,omitempty"` // empty: all
	Filters  map[string][]string `json:"filters,omitempty"`
	From     migration.Day       `json:"from,omitzero"`
	Until    migration.Day       `json:"until,omitzero"`
	Since    map[string]string   `json:"since,omitempty"`     // by dataset: the instant from which changes are read, RFC 3339
	Repair   map[string]mending  `json:"repair,omitempty"`    // by dataset; not nil: no other dataset is read
	SinceOf  string              `json:"since_of,omitempty"`  // reference of the export that Since goes by; empty: there is none
	RepairOf string              `json:"repair_of,omitempty"` // the same of Repair
	MaxRows  int64               `json:"max_rows,omitempty"`
}

// mending is what of a dataset is read again.
type mending struct {
	Files []string `json:"files,omitempty"` // keys of the attachments; empty: the whole dataset
}

// leaves reports whether a dataset is not read at all.
func (c *choice) leaves(dataset string) bool {
	_, mended := c.Repair[dataset]
	return c.Repair != nil && !mended
}

// whole reports whether every dataset that is read is read whole.
func (c *choice) whole() bool {
	return len(c.Filters) == 0 && c.From.IsZero() && c.Until.IsZero() && len(c.Since) == 0 && c.Repair == nil
}

// restrict gives a dataset's query the conditions and bounds. A dataset without a column for a filter, for the period
// or for changes is read whole.
func (c *choice) restrict(q *source.Query, d migration.Dataset, zone *time.Location, columns []source.Column) {
	q.MaxRows = c.MaxRows
	if d.SQL == "" { // conditions are for databases
		return
	}
	for key, column := range d.Filters {
		if values, ok := c.Filters[key]; ok {
			q.Where = append(q.Where, source.Condition{Column: column, In: values})
		}
	}
	if d.Period != "" && !(c.From.IsZero() && c.Until.IsZero()) {
		q.Where = append(q.Where, c.period(d.Period, zone, columns))
	}
	if since := c.Since[d.Key]; since != "" && d.Changed != "" {
		q.Where = append(q.Where, source.Condition{Column: d.Changed, From: since})
	}
	if m := c.Repair[d.Key]; len(m.Files) > 0 && d.Files != nil {
		q.Where = append(q.Where, source.Condition{Column: d.Files.Key, In: m.Files})
	}
	slices.SortFunc(q.Where, func(a, b source.Condition) int { return cmp.Compare(a.Column, b.Column) })
	if len(q.Where) > 0 {
		q.CountSQL = "" // it counts the whole dataset
	}
}

// period restricts a column to the days chosen: as they are where it holds days, else as instants in the programme's
// zone.
func (c *choice) period(column string, zone *time.Location, columns []source.Column) source.Condition {
	days := slices.ContainsFunc(columns, func(x source.Column) bool { return x.Name == column && x.Type == "date" })
	edge := func(d migration.Day) string {
		if days {
			return d.String()
		}
		return d.Start(zone).UTC().Format(time.RFC3339)
	}
	condition := source.Condition{Column: column}
	if !c.From.IsZero() {
		condition.From = edge(c.From)
	}
	if !c.Until.IsZero() {
		condition.Before = edge(c.Until.AddDays(1))
	}
	return condition
}

// choose makes the export's selection definite. What it refers to is looked up within the customer's own exports.
func (b *builder) choose(ctx context.Context, a *attempt) (choice, error) {
	sel := a.Selection
	c := choice{Datasets: sel.Datasets, Filters: sel.Filters, From: sel.From, Until: sel.Until, MaxRows: b.MaxRows}
	if sel.Since == "" && sel.Repair == "" {
		return c, nil
	}
	err := b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		if sel.Since != "" {
			earlier, plan, err := b.earlier(ctx, tx, sel.Since)
			if err != nil {
				return err
			}
			c.Since, c.SinceOf = b.changes(a.programme, earlier, plan), earlier.Reference()
		}
		if sel.Repair != "" {
			earlier, _, err := b.earlier(ctx, tx, sel.Repair)
			if err != nil {
				return err
			}
			c.Repair, c.RepairOf = failed(*earlier.Receipt), earlier.Reference()
		}
		return nil
	})
	return c, err
}

// earlier reads an export that was ready once, and its plan.
func (b *builder) earlier(ctx context.Context, tx *db.Tx, id string) (Export, shared, error) {
	e, err := b.store.lock(ctx, tx, id)
	if err != nil {
		return e, shared{}, err
	}
	if e.Receipt == nil || e.AsOf == nil {
		return e, shared{}, &source.Error{Kind: source.Invalid, Cause: errors.New("the earlier export " + e.Reference() + " was never ready")}
	}
	plan, err := b.store.shared(ctx, tx, e)
	return e, plan, err
}

// changes tells for each dataset from when on its changes are read: the instant of the earlier export, by the source's
// clock. Datasets that the earlier export did not hold whole, and those without a column of changes, are read whole.
func (b *builder) changes(p *migration.Programme, earlier Export, plan shared) map[string]string {
	since := map[string]string{}
	for _, d := range p.Datasets {
		held := len(earlier.Selection.Datasets) == 0 || slices.Contains(earlier.Selection.Datasets, d.Key)
		restricted := d.Period != "" && !(earlier.Selection.From.IsZero() && earlier.Selection.Until.IsZero())
		for key := range d.Filters {
			restricted = restricted || len(earlier.Selection.Filters[key]) > 0
		}
		if !held || restricted || d.Changed == "" || earlier.Selection.Repair != "" {
			continue
		}
		at := earlier.AsOf.Add(time.Since(b.DB.Clock.Now())) // of a version that kept no source's clock
		for _, from := range plan.Sources {
			if from.Key == d.Source {
				at = from.AsOf
			}
		}
		since[d.Key] = at.Add(-sinceOverlap).UTC().Format(time.RFC3339)
	}
	return since
}

// Mendable reports whether building again what a receipt names as missing may bring any of it.
func Mendable(r Receipt) bool { return len(failed(r)) > 0 }

// failed lists what a receipt names as not exported and may be mended: datasets with failed rows, which are read whole,
// and attachments by key. More attachments than a receipt spells out are all read again. Rows that only a format cannot
// hold are there.
func failed(r Receipt) map[string]mending {
	again := map[string]mending{}
	for _, c := range r.Attachments {
		if c.Failed == 0 {
			continue
		}
		m := mending{}
		for _, f := range c.Failures {
			if f.Mendable() {
				m.Files = append(m.Files, f.Item)
			}
		}
		if len(m.Files) == 0 && c.Omitted == 0 {
			continue
		}
		if c.Omitted > 0 {
			m.Files = nil
		}
		again[c.Dataset] = m
	}
	for _, c := range r.Datasets {
		if mendable(c.Failures, c.Omitted) {
			again[c.Dataset] = mending{}
		}
	}
	for _, c := range r.Imports {
		if mendable(c.Failures, c.Omitted) {
			again[c.Dataset] = mending{}
		}
	}
	return again
}

func mendable(all []archive.Failure, omitted int64) bool {
	return omitted > 0 || slices.ContainsFunc(all, archive.Failure.Mendable)
}

// narrowings says in which ways the choice makes the export less than everything, and of each way which of the datasets
// that are read come whole all the same.
func (c *choice) narrowings(p *migration.Programme, locale string) (list []archive.Narrowing) {
	read := c.read(p)
	if len(c.Datasets) > 0 {
		list = append(list, archive.Narrowing{By: archive.ByDatasets, Datasets: slices.Clone(c.Datasets)})
	}
	narrow := func(n archive.Narrowing, narrows func(migration.Dataset) bool) {
		n.Datasets = []string{}
		for _, d := range read {
			if d.SQL != "" && narrows(d) { // conditions are for databases
				n.Datasets = append(n.Datasets, d.Key)
			} else {
				n.Whole = append(n.Whole, d.Key)
			}
		}
		list = append(list, n)
	}
	for _, f := range p.Export.Filters {
		values, chosen := c.Filters[f.Key]
		if !chosen {
			continue
		}
		name, _ := f.Name.In(locale, p.Fallback())
		narrow(archive.Narrowing{By: archive.ByFilter, Filter: f.Key, Name: name, Values: values},
			func(d migration.Dataset) bool { return d.Filters[f.Key] != "" })
	}
	if !c.From.IsZero() || !c.Until.IsZero() {
		narrow(archive.Narrowing{By: archive.ByPeriod, From: dayText(c.From), Until: dayText(c.Until)},
			func(d migration.Dataset) bool { return d.Period != "" })
	}
	if c.SinceOf != "" {
		narrow(archive.Narrowing{By: archive.ByChanges, Since: c.SinceOf},
			func(d migration.Dataset) bool { return d.Changed != "" && c.Since[d.Key] != "" })
	}
	if c.RepairOf != "" {
		narrow(archive.Narrowing{By: archive.ByRepair, Since: c.RepairOf},
			func(d migration.Dataset) bool { return d.Files != nil && len(c.Repair[d.Key].Files) > 0 })
	}
	return list
}

// read lists the datasets that are read at all.
func (c *choice) read(p *migration.Programme) (list []migration.Dataset) {
	for _, d := range p.Datasets {
		if (len(c.Datasets) == 0 || slices.Contains(c.Datasets, d.Key)) && !c.leaves(d.Key) {
			list = append(list, d)
		}
	}
	return list
}

// dayText is a day as receipts have it; empty for none.
func dayText(d migration.Day) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}
