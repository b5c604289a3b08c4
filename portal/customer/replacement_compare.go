package customer

import (
	"slices"

	"github.com/a-h/templ"

	"offramp/migration"
	"offramp/migration/replacement"
)

// compared is what the programme says of some replacements, row by row. It is the same for every customer of a tier but for
// what stands in the slots.
type compared struct {
	products []product
	groups   []compareGroup // what matters first: what it is, its price, how it fits
	further  []compareGroup // behind them: item by item
	hidden   int            // rows left out because all products are alike in them
}

// product heads a column, or a card on a phone.
type product struct {
	key   string
	name  phrase
	kind  string
	url   string
	view  string          // words of the link to it
	badge templ.Component // whether it is chosen or recommended
}

// compareGroup is rows under one heading.
type compareGroup struct {
	title phrase
	rows  []compareRow
}

// compareRow is one thing that the products are compared in, with a cell for each.
type compareRow struct {
	label   phrase
	use     templ.Component // how often the customer uses it; may be nil
	cells   []compareCell
	differs bool
	always  bool // it is the customer's own and never left out
}

// compareCell is what one product is in one row.
type compareCell struct {
	tone  string   // all, part, none; empty: no judgement
	lines []phrase // the first is the answer, the others explain it
	own   templ.Component
}

// slots are the places of what is a customer's own.
type slots struct {
	badge, price, fit map[string]templ.Component // by replacement
	use               map[string]templ.Component // by feature that is counted
}

// maxCompared is how many replacements stand side by side.
const maxCompared = 4

// glanceRows are shown at once: what a product is, and what it costs this customer.
const glanceRows = 2

// compare lays the rows out. With only, rows in which all are alike are left out.
func (w replacementWords) compare(list []migration.Replacement, s slots, only bool) compared {
	c := compared{}
	for _, r := range list {
		c.products = append(c.products, product{
			key: r.Key, name: phrase{text: w.name(r), lang: w.say(r.Name).lang}, kind: w.kind(r), url: replacementURL(r.Key),
			view: w.l.T("choice.view", "Product", w.name(r)), badge: s.badge[r.Key],
		})
	}
	groups := []compareGroup{w.glance(list, s), w.fitRows(list, s), w.data(list)}
	groups = append(groups, w.features(list, s)...)
	for i, g := range append(groups, w.limits(list), w.place(list)) {
		kept := compareGroup{title: g.title}
		for _, row := range g.rows {
			if row.differs = differ(row.cells); only && !row.differs && !row.always {
				c.hidden++
				continue
			}
			kept.rows = append(kept.rows, row)
		}
		switch {
		case len(kept.rows) == 0:
		case i == 0 && len(kept.rows) > glanceRows:
			c.groups = append(c.groups, compareGroup{title: kept.title, rows: kept.rows[:glanceRows]})
			c.further = append(c.further, compareGroup{title: plain(w.l.T("choice.group.terms")), rows: kept.rows[glanceRows:]})
		case i < 2:
			c.groups = append(c.groups, kept)
		default:
			c.further = append(c.further, kept)
		}
	}
	return c
}

// differ reports whether two products are not alike in what the programme says.
func differ(cells []compareCell) bool {
	return slices.ContainsFunc(cells[min(1, len(cells)):], func(c compareCell) bool {
		return c.tone != cells[0].tone || !slices.Equal(c.lines, cells[0].lines)
	})
}

// row makes a row with a cell for each product.
func row(label phrase, list []migration.Replacement, cell func(r migration.Replacement) compareCell) compareRow {
	made := compareRow{label: label}
	for _, r := range list {
		made.cells = append(made.cells, cell(r))
	}
	return made
}

func (w replacementWords) glance(list []migration.Replacement, s slots) compareGroup {
	l := w.l
	texts := func(key string, of func(r migration.Replacement) []phrase) compareRow {
		return row(plain(l.T(key)), list, func(r migration.Replacement) compareCell { return compareCell{lines: of(r)} })
	}
	own := row(plain(l.T("choice.row.pay")), list, func(r migration.Replacement) compareCell { return compareCell{own: s.price[r.Key]} })
	own.always = true
	return compareGroup{plain(l.T("choice.group.glance")), []compareRow{
		texts("choice.row.what", func(r migration.Replacement) []phrase { return w.orNothing(w.note(nil, r.Summary)) }),
		own,
		texts("choice.row.price", w.listPrice),
		texts("choice.row.offer", w.offer),
		texts("choice.row.effort", w.effort),
	}}
}

// fitRows are what the products are for what the customer uses; empty where the programme names no features.
func (w replacementWords) fitRows(list []migration.Replacement, s slots) compareGroup {
	if len(w.p.Features) == 0 {
		return compareGroup{}
	}
	own := row(plain(w.l.T("choice.row.fit")), list, func(r migration.Replacement) compareCell { return compareCell{own: s.fit[r.Key]} })
	own.always = true
	return compareGroup{plain(w.l.T("choice.group.fit")), []compareRow{own}}
}

// data says what becomes of each dataset.
func (w replacementWords) data(list []migration.Replacement) compareGroup {
	g := compareGroup{title: plain(w.l.T("choice.group.data"))}
	for _, d := range w.p.Datasets {
		g.rows = append(g.rows, row(w.dataset(d.Key), list, func(r migration.Replacement) compareCell { return w.moves(r, d.Key) }))
	}
	return g
}

// moves says what becomes of a dataset at a replacement, by the same rule as the list of what is given up.
func (w replacementWords) moves(r migration.Replacement, dataset string) compareCell {
	d, _ := w.p.Dataset(dataset)
	how := replacement.Moves(r, d)
	if how == "" {
		return compareCell{lines: []phrase{plain(w.l.T("choice.not_said"))}}
	}
	cell := compareCell{tone: how, lines: []phrase{plain(w.l.T("choice.moves." + how))}}
	for _, m := range r.Datasets {
		if m.Dataset == dataset {
			cell.lines = w.note(cell.lines, m.Text)
		}
	}
	return cell
}

// has says whether a replacement has a feature.
func (w replacementWords) has(r migration.Replacement, feature string) compareCell {
	for _, m := range r.Features {
		if m.Feature == feature {
			return compareCell{tone: m.Has, lines: w.note([]phrase{plain(w.l.T("choice.has." + m.Has))}, m.Text)}
		}
	}
	return compareCell{lines: []phrase{plain(w.l.T("choice.not_said"))}}
}

// features are groups of rows, in the programme's order of the first of each group.
func (w replacementWords) features(list []migration.Replacement, s slots) []compareGroup {
	var groups []compareGroup
	for _, f := range w.p.Features {
		title := w.say(f.Group)
		if title.text == "" {
			title = plain(w.l.T("choice.group.features"))
		}
		at := slices.IndexFunc(groups, func(g compareGroup) bool { return g.title == title })
		if at < 0 {
			groups, at = append(groups, compareGroup{title: title}), len(groups)
		}
		made := row(w.feature(f), list, func(r migration.Replacement) compareCell { return w.has(r, f.Key) })
		made.use = s.use[f.Key]
		groups[at].rows = append(groups[at].rows, made)
	}
	return groups
}

// limits are compared where they have the same name.
func (w replacementWords) limits(list []migration.Replacement) compareGroup {
	g := compareGroup{title: plain(w.l.T("choice.group.limits"))}
	var names []phrase
	for _, r := range list {
		for _, x := range r.Limits {
			if name := w.say(x.Name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		g.rows = append(g.rows, row(name, list, func(r migration.Replacement) compareCell {
			for _, x := range r.Limits {
				if w.say(x.Name) == name {
					return compareCell{lines: []phrase{w.say(x.Value)}}
				}
			}
			return compareCell{lines: []phrase{plain(w.l.T("choice.not_said"))}}
		}))
	}
	return g
}

// place is where the data will lie, and what vouches for it.
func (w replacementWords) place(list []migration.Replacement) compareGroup {
	l := w.l
	return compareGroup{plain(l.T("choice.group.place")), []compareRow{
		row(plain(l.T("choice.row.location")), list, func(r migration.Replacement) compareCell {
			return compareCell{lines: w.orNothing(w.note(nil, r.Location))}
		}),
		row(plain(l.T("choice.row.certifications")), list, func(r migration.Replacement) compareCell {
			lines := make([]phrase, len(r.Certifications))
			for i, name := range r.Certifications {
				lines[i] = plain(name)
			}
			return compareCell{lines: w.orNothing(lines)}
		}),
	}}
}

func (w replacementWords) orNothing(lines []phrase) []phrase {
	if len(lines) == 0 {
		return []phrase{plain(w.l.T("choice.not_said"))}
	}
	return lines
}

// fitLines are the sentences about one replacement: what is lost first, then what needs work, then what stays.
type fitLines struct {
	verdict    string // in a few words
	lost, work []string
	covered    string // names; empty: nothing that is known to be used
	notSaid    []string
	unknown    string // names of what is not known to be used or not
}

// fitLines words how a replacement covers what the customer uses.
func (w replacementWords) fitLines(r migration.Replacement, u replacement.Usage) fitLines {
	l, f, given := w.l, replacement.Of(w.p, r, u), replacement.LossesOf(w.p, r, u)
	f.Unknown = slices.DeleteFunc(f.Unknown, func(x replacement.Line) bool { // it is among what is given up
		return slices.ContainsFunc(given, func(l replacement.Loss) bool { return l.Feature == x.Feature.Key })
	})
	sentences := func(list []replacement.Line) (out []string) {
		for _, x := range list {
			text := l.N(x.Sentence(), int(x.Count.Uses), "Feature", w.feature(x.Feature).text, "Product", w.name(r))
			if why := l.Pick(x.Text); why != "" {
				text = l.T("choice.loss.why", "Loss", text, "Why", why)
			}
			out = append(out, text)
		}
		return out
	}
	names := func(list []replacement.Line) string {
		parts := make([]string, len(list))
		for i, x := range list {
			parts[i] = w.feature(x.Feature).text
			if x.Count.Known {
				parts[i] = l.T("choice.fit.counted", "Feature", parts[i], "Count", l.Number(x.Count.Uses))
			}
		}
		return w.join(parts...)
	}
	out := fitLines{lost: w.losses(given), work: sentences(f.Work), notSaid: sentences(f.NotSaid), covered: names(f.Covered), unknown: names(f.Unknown)}
	switch used := f.Used(); {
	case !f.Known():
		out.verdict = l.T("choice.fit.unknown")
	case used == 0:
		out.verdict = l.T("choice.fit.nothing")
	default:
		out.verdict = l.N("choice.fit.verdict", used, "Covered", len(f.Covered))
	}
	return out
}
