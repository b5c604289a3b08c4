package manager

import (
	"regexp"
	"strings"

	"offramp/internal/locale"
	"offramp/internal/textdiff"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// change is what a version changes of the one before it: first what to note, then whom it touches, then the dates in words, then
// everything else under the name of what it is about.
type change struct {
	l        *locale.Locale
	base     string // what it is compared with
	note     *ui.Banner
	moved    string // title of the dates
	dates    []string
	told     *ui.Table // nil: nobody's own dates move
	toldNone string    // said when dates move for nobody
	groups   []changeGroup
	warnings []string // in English, as operators read them
}

// changeGroup is what changes about one thing.
type changeGroup struct {
	title string
	items []changeItem
}

// changeItem is one value. parts are the merged texts of a long one, in place of was and is.
type changeItem struct {
	label, path string
	was, is     string
	parts       []textdiff.Part
}

func (w words) change(p migration.Proposal) change {
	l := w.v.Locale
	c := change{l: l, base: l.T("console.change.first"), moved: l.T("console.moved.title")}
	if p.Base == 0 {
		c.dates, c.moved = w.firstDates(p.Programme), l.T("console.dates.first")
	}
	if p.Base > 0 {
		c.base = l.T("console.change.base", "Number", p.Base)
		c.dates = w.dates(p)
		if len(c.dates) > 0 {
			if c.told = w.told(p); c.told == nil && p.Version.State == migration.VersionProposed {
				c.toldNone = l.T("console.told.none")
			}
		}
		if n := len(migration.Earlier(p.Moved)); n > 0 {
			c.note = &ui.Banner{Tone: "warn", Title: l.N("console.earlier", n), Text: l.T("console.earlier.text")}
		}
	}
	c.groups = w.groups(p)
	for _, f := range p.Warnings {
		c.warnings = append(c.warnings, f.String())
	}
	return c
}

// firstDates says the dates of a programme that has had none before.
func (w words) firstDates(p *migration.Programme) []string {
	var lines []string
	for _, m := range p.Milestones {
		lines = append(lines, w.v.Locale.T("console.date.of", "Name", page.MilestoneName(w.v.Locale, m), "Date", w.v.DayOf(m.Day)))
	}
	return lines
}

// dates says each moved date in one line, with how far it moves and how many customers have to be told.
func (w words) dates(p migration.Proposal) []string {
	l, told := w.v.Locale, 0
	for _, a := range p.Told {
		told += a.Customers
	}
	var lines []string
	for _, m := range p.Moved {
		milestone, ok := p.Programme.Milestone(m.Milestone)
		if !ok {
			milestone.Key = m.Milestone
		}
		name := page.MilestoneName(l, milestone)
		switch {
		case m.Was.IsZero():
			lines = append(lines, l.T("console.date.new", "Name", name, "Date", w.v.DayOf(m.Day)))
		case m.Day.IsZero():
			lines = append(lines, l.T("console.date.gone", "Name", name, "Date", w.v.DayOf(m.Was)))
		default:
			key, days := "console.date.later", m.Was.DaysUntil(m.Day)
			if days < 0 {
				key, days = "console.date.earlier", -days
			}
			line := l.T("console.moved", "What", name, "Was", w.v.DayOf(m.Was), "Now", w.v.DayOf(m.Day))
			line = l.T("console.date.by", "Line", line, "By", l.N(key, days))
			if told > 0 && p.Version.State == migration.VersionProposed {
				line = l.T("console.date.told", "Line", line, "Told", l.N("console.date.customers", told))
			}
			lines = append(lines, line)
		}
	}
	return lines
}

var pathPart = regexp.MustCompile(`([^.\[\]]+)(?:\[([^\]]*)\])?`)

// groups puts the changes under what they are about, such as "Data: Tasks". Dates that move are told apart already.
func (w words) groups(p migration.Proposal) []changeGroup {
	l := w.v.Locale
	var groups []changeGroup
	at := map[string]int{}
	for _, x := range p.Changes {
		parts := pathPart.FindAllStringSubmatch(x.Path, -1)
		if len(parts) == 0 || strings.HasPrefix(x.Path, "milestones[") && (strings.HasSuffix(x.Path, "].day") || strings.HasSuffix(x.Path, "]")) {
			continue
		}
		title := w.section(parts[0][1])
		if key := parts[0][2]; key != "" {
			title = l.T("console.change.of", "Section", title, "Name", w.entry(p.Programme, parts[0][1], key))
		}
		i, known := at[title]
		if !known {
			i = len(groups)
			at[title], groups = i, append(groups, changeGroup{title: title})
		}
		item := changeItem{label: w.field(parts[1:]), path: x.Path, was: w.value(x.Old), is: w.value(x.New)}
		if len(parts) == 1 {
			item.label = l.T("console.change.whole")
		}
		if x.Old != "" && x.New != "" && !x.Short() {
			item.parts = x.Words()
		}
		groups[i].items = append(groups[i].items, item)
	}
	return groups
}

// value shows what cannot be seen in a text.
func (w words) value(v string) string {
	switch v {
	case "":
		return w.v.Locale.T("console.change.nothing")
	case migration.Present:
		return w.v.Locale.T("console.change.present")
	}
	return textdiff.Visible(v)
}

// section names a part of the programme file.
func (w words) section(key string) string { return w.known("console.section.", key) }

// known is the name of a key of the programme file. What has none, such as a customer tier in a map, stands as it is.
func (w words) known(prefix, key string) string {
	if l := w.v.Locale; l.Has(prefix + key) {
		return l.T(prefix + key)
	}
	return key
}

// field names a place within an entry, such as "Columns › note › Type".
func (w words) field(parts [][]string) string {
	var names []string
	for _, p := range parts {
		names = append(names, w.known("console.field.", p[1]))
		if p[2] != "" {
			names = append(names, p[2])
		}
	}
	return strings.Join(names, " › ")
}

// entry names a list's entry as customers know it, else by its key.
func (w words) entry(p *migration.Programme, section, key string) string {
	l := w.v.Locale
	switch section {
	case "milestones":
		m, ok := p.Milestone(key)
		if !ok {
			m.Key = key
		}
		return page.MilestoneName(l, m)
	case "tiers":
		return page.TierName(l, p, key)
	case "datasets":
		for _, d := range p.Datasets {
			if d.Key == key {
				return l.Pick(d.Name)
			}
		}
	case "replacements":
		if r, ok := p.Replacement(key); ok {
			return l.Pick(r.Name)
		}
	}
	return key
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
