package figures

import (
	"strings"
	"time"

	"offramp/internal/spreadsheet"
	count "offramp/migration/figures"
	"offramp/portal/page"
)

// table is what is shown and what a file has: the same rows and columns, for people and for programs.
type table struct {
	title string
	head  []heading
	rows  [][]cell
}

type heading struct {
	label   string
	numeric bool
}

// cell is one value as it is read, and as a file has it.
type cell struct {
	text string // empty: not counted
	file spreadsheet.Cell
}

// tableOf sets a report as a table.
func tableOf(v *page.Visit, r count.Report) table {
	l := v.Locale
	t := table{title: l.T("figures." + r.Key), head: []heading{{label: l.T("figures.week")}}}
	if r.Slot != "" {
		t.head = append(t.head, heading{label: l.T("figures.slot." + r.Slot)})
	}
	for _, m := range r.Measures {
		label := l.T("figures." + r.Key + "." + m.Key)
		t.head = append(t.head, heading{label: label, numeric: true})
		if m.Kind == count.Share && m.Of != r.Measures[0].Key {
			t.head = append(t.head, heading{label: l.T("figures.of", "Name", label), numeric: true})
		}
	}
	for _, row := range r.Rows {
		cells := []cell{{text: v.DayOf(row.Week), file: spreadsheet.Said(page.DayValue(row.Week))}}
		if r.Slot != "" {
			name := slotName(v, r.Slot, row.Slot)
			cells = append(cells, cell{text: name, file: spreadsheet.Said(name)})
		}
		for _, m := range r.Measures {
			cells = append(cells, valueOf(v, r.Spec, row, m))
			if m.Kind == count.Share && m.Of != r.Measures[0].Key {
				cells = append(cells, valueOf(v, r.Spec, row, count.Measure{Key: m.Of, Kind: count.Count}))
			}
		}
		t.rows = append(t.rows, cells)
	}
	return t
}

func valueOf(v *page.Visit, spec count.Spec, row count.Row, m count.Measure) cell {
	l := v.Locale
	n, ok := spec.Of(row, m)
	if !ok {
		return cell{}
	}
	c := cell{text: l.Number(n), file: spreadsheet.Whole(n)}
	switch m.Kind {
	case count.Share:
		if of := row.Values[m.Of]; of > 0 {
			c.text = l.T("figures.share", "Count", c.text, "Percent", l.Percent(n, of))
		}
	case count.Amount:
		c = cell{text: l.Amount(n, row.Slot), file: spreadsheet.Amount(n, row.Slot)}
	case count.Bytes:
		c.text = l.Size(n)
	case count.Seconds:
		c.text = l.Duration(time.Duration(n) * time.Second)
	}
	return c
}

// slotName words what a row is counted by.
func slotName(v *page.Visit, slot, key string) string {
	l := v.Locale
	known := func(id string) string {
		if l.Has(id) {
			return l.T(id)
		}
		return key
	}
	switch slot {
	case "tier":
		if key == "" {
			return l.T("figures.no_tier")
		}
		return page.TierName(l, v.Programme, key)
	case "channel":
		return known("notice.channel." + key)
	case "topic":
		return known("help.topic." + key)
	case "product":
		if decision, reason, ok := strings.Cut(key, ":"); ok {
			why := reason
			if id := "replacement.reason." + reason; l.Has(id) {
				why = l.T(id)
			}
			return l.T("figures.decision."+decision, "Reason", why)
		}
		if r, ok := v.Programme.Replacement(key); ok {
			if name := l.Pick(r.Name); name != "" {
				return name
			}
		}
	}
	return key
}
