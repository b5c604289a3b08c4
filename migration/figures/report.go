package figures

import (
	"slices"
	"time"

	"offramp/internal/fault"
	"offramp/migration"
)

// Kind is how a value is read.
type Kind string

// The kinds of values.
const (
	Count   Kind = "count"
	Share   Kind = "share"   // a count out of another measure
	Amount  Kind = "amount"  // minor units of the currency that is the row's slot
	Bytes   Kind = "bytes"   //
	Seconds Kind = "seconds" // a median
)

// Measure is one column of a report.
type Measure struct {
	Key  string
	Kind Kind
	Of   string // of a Share: the measure that it is a part of
}

// Spec is what a report shows.
type Spec struct {
	Key      string
	Slot     string // what its rows are counted by: tier, channel, topic, product or currency; empty: by nothing
	Measures []Measure
	Drawn    [2]string // measures that are drawn over time, summed up over slots: what there was, and what came of it
	Sparse   bool      // what did not happen in a week was not stored: a count that is missing is zero
	Standing bool      // its values are as things stood in each week, not what happened in it
}

// Specs are the reports, in the order in which they are offered.
var Specs = []Spec{
	{
		Key: "completion", Slot: "tier", Standing: true,
		Measures: []Measure{
			{Key: "customers", Kind: Count},
			{Key: "dates", Kind: Share, Of: "customers"},
			{Key: "export", Kind: Share, Of: "export_of"},
			{Key: "choose", Kind: Share, Of: "choose_of"},
			{Key: "settle", Kind: Share, Of: "settle_of"},
			{Key: "confirm", Kind: Share, Of: "customers"},
		},
		Drawn: [2]string{"export", "confirm"},
	},
	{
		Key: "reach", Slot: "channel",
		Measures: []Measure{
			{Key: "sent", Kind: Count},
			{Key: "accepted", Kind: Share, Of: "sent"},
			{Key: "failed", Kind: Share, Of: "sent"},
			{Key: "unknown", Kind: Share, Of: "sent"},
			{Key: "opened", Kind: Share, Of: "sent"},
			{Key: "followed", Kind: Share, Of: "sent"},
			{Key: "scanned", Kind: Count},
			{Key: "spoken", Kind: Share, Of: "sent"},
		},
		Drawn: [2]string{"sent", "followed"},
	},
	{
		Key: "requests", Sparse: true, Slot: "topic",
		Measures: []Measure{
			{Key: "asked", Kind: Count},
			{Key: "answered", Kind: Count},
			{Key: "answer", Kind: Seconds},
			{Key: "resolved", Kind: Count},
			{Key: "resolve", Kind: Seconds},
		},
		Drawn: [2]string{"asked", "resolved"},
	},
	{
		Key: "exports", Sparse: true,
		Measures: []Measure{
			{Key: "asked", Kind: Count},
			{Key: "ready", Kind: Count},
			{Key: "checked", Kind: Count},
			{Key: "failed", Kind: Count},
			{Key: "cancelled", Kind: Count},
			{Key: "bytes", Kind: Bytes},
			{Key: "took", Kind: Seconds},
		},
		Drawn: [2]string{"asked", "ready"},
	},
	{
		Key: "choices", Slot: "product",
		Measures: []Measure{
			{Key: "chosen", Kind: Count}, {Key: "accepted", Kind: Count}, {Key: "moved", Kind: Count}, {Key: "failed", Kind: Count},
		},
		Drawn: [2]string{"chosen", "moved"},
	},
	{
		Key: "refunds", Sparse: true, Slot: "currency",
		Measures: []Measure{
			{Key: "asked", Kind: Count},
			{Key: "asked_sum", Kind: Amount},
			{Key: "settled", Kind: Count},
			{Key: "settled_sum", Kind: Amount},
			{Key: "declined", Kind: Count},
			{Key: "returned", Kind: Count},
		},
		Drawn: [2]string{"asked", "settled"},
	},
}

// ErrUnknown is met by who asks for a report that there is not.
var ErrUnknown = fault.New(fault.NotFound, "figures.unknown")

// ErrPeriod is met by who asks for weeks that there cannot be.
var ErrPeriod = fault.New(fault.Invalid, "figures.period")

// SpecOf finds a report by its key.
func SpecOf(key string) (Spec, error) {
	i := slices.IndexFunc(Specs, func(s Spec) bool { return s.Key == key })
	if i < 0 {
		return Spec{}, ErrUnknown
	}
	return Specs[i], nil
}

// Row is what was counted in one week under one slot.
type Row struct {
	Week   migration.Day // its Monday
	Slot   string
	Values map[string]int64 // by measure; one that is missing was not counted, which is not zero
}

// Report is what was counted in a period: the latest week first, its slots in order.
type Report struct {
	Spec
	Rows []Row
	At   time.Time // when it was counted; zero: never yet
}

// Monday is the first day of the week of an instant in a zone.
func Monday(at time.Time, zone *time.Location) migration.Day {
	day := migration.DayOf(at.In(zone))
	return day.AddDays(-(int(day.Start(zone).Weekday()) + 6) % 7)
}

// Point is one week of a line.
type Point struct {
	Week  migration.Day
	Value int64
}

// Of returns a measure of a row, and whether it was counted.
func (s Spec) Of(r Row, m Measure) (int64, bool) {
	v, ok := r.Values[m.Key]
	return v, ok || s.Sparse && m.Kind != Seconds
}

// Line is a drawn measure over all weeks of the report, summed up over slots: a week without anything is zero, or, of a standing
// report, as it was before.
func (r Report) Line(measure string) (points []Point) {
	if len(r.Rows) == 0 {
		return nil
	}
	sums := map[string]int64{}
	seen := map[string]bool{}
	for _, row := range r.Rows {
		sums[row.Week.String()] += row.Values[measure]
		seen[row.Week.String()] = true
	}
	last := int64(0)
	for week := r.Rows[len(r.Rows)-1].Week; !week.After(r.Rows[0].Week); week = week.AddDays(7) {
		value := sums[week.String()]
		if r.Standing && !seen[week.String()] {
			value = last
		}
		last = value
		points = append(points, Point{week, value})
	}
	return points
}
