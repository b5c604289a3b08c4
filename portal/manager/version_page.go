package manager

import (
	"strings"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// change is what a version changes of the one before it.
type change struct {
	l        *locale.Locale
	base     string // what it is compared with
	lines    ui.Table
	moved    *ui.Table // nil: no date moves
	told     *ui.Table // nil: nobody's own dates move
	toldNone string    // said when dates move for nobody
	warnings []string  // in English, as operators read them
}

// versionView is the page of one version.
type versionView struct {
	layout  ui.Page
	heading ui.Heading
	state   ui.Card
	rows    []ui.SummaryRow
	link    ui.Link
	change  change
}

func buildVersion(v *page.Visit, p migration.Proposal, names map[string]string, layout ui.Page) versionView {
	l, w, version := v.Locale, words{v, names}, p.Version
	return versionView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("console.programme"), Title: l.T("console.version", "Number", version.Number)},
		state: ui.Card{ID: "version", Title: l.T("console.version.about"), Aside: ui.Tag("", tones[version.State], l.T("console.version.state."+version.State))},
		rows:  w.facts(version), link: w.source(version), change: w.change(p),
	}
}

// shownLength bounds how much of a value a line shows, in characters; the file has all of it.
const shownLength = 200

func (w words) change(p migration.Proposal) change {
	l := w.v.Locale
	c := change{l: l, base: l.T("console.change.first")}
	if p.Base > 0 {
		c.base = l.T("console.change.base", "Number", p.Base)
	}
	c.lines = ui.Table{ID: "changes", Caption: l.T("console.change"), Plain: true, Empty: l.T("console.change.none"), Columns: []ui.Column{
		{Label: l.T("console.change.place")}, {Label: l.T("console.change.was")}, {Label: l.T("console.change.is")},
	}}
	for _, x := range p.Changes {
		c.lines.Rows = append(c.lines.Rows, ui.Row{Cells: []ui.Cell{{Text: x.Path}, {Text: short(x.Old)}, {Text: short(x.New)}}})
	}
	if len(p.Moved) > 0 && p.Base > 0 {
		c.moved = w.moved(p.Moved)
		c.told = w.told(p)
		if c.told == nil && p.Version.State == migration.VersionProposed {
			c.toldNone = l.T("console.told.none")
		}
	}
	for _, f := range p.Warnings {
		c.warnings = append(c.warnings, f.String())
	}
	return c
}

// short cuts a value to what a line of the table can show.
func short(value string) string {
	runes := []rune(strings.Join(strings.Fields(value), " "))
	if len(runes) > shownLength {
		return string(runes[:shownLength-1]) + "…"
	}
	return string(runes)
}

func (w words) moved(list []migration.MovedDate) *ui.Table {
	l := w.v.Locale
	t := &ui.Table{ID: "moved", Caption: l.T("console.moved.title"), Plain: true, Columns: []ui.Column{
		{Label: l.T("console.moved.what")}, {Label: l.T("console.change.was")}, {Label: l.T("console.change.is")},
	}}
	for _, m := range list {
		name := page.MilestoneName(l, migration.Milestone{Key: m.Milestone})
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: name}, {Text: m.Was.String()}, {Text: m.Day.String()}}})
	}
	return t
}

func (w words) told(p migration.Proposal) *ui.Table {
	l := w.v.Locale
	t := &ui.Table{ID: "told", Caption: l.T("console.told"), Plain: true, Columns: []ui.Column{
		{Label: l.T("console.tier")}, {Label: l.T("console.customers"), Numeric: true},
	}}
	sum := 0
	for _, a := range p.Told {
		if sum += a.Customers; a.Customers > 0 {
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: page.TierName(l, p.Programme, a.Tier)}, {Text: l.Number(int64(a.Customers))}}})
		}
	}
	if sum == 0 {
		return nil
	}
	t.Total = []ui.Cell{{Text: l.T("export.total")}, {Text: l.Number(int64(sum))}}
	return t
}
