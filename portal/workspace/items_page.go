package workspace

import (
	"fmt"
	"slices"

	"offramp/migration"
	"offramp/migration/governance"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// itemsView is the checklist.
type itemsView struct {
	layout          ui.Page
	heading         ui.Heading
	back, url       string
	by, show, whose ui.Selection
	none            *ui.Empty
	groups          []group
	handOver        *handOverForm
	errors          []ui.FieldError
}

type group struct {
	card  ui.Card
	table ui.Table
}

type handOverForm struct {
	plan     string
	from, to ui.Selection
	button   ui.Button
}

// Values of the filters.
var (
	groupings = []string{"phase", "department", "person", "day"}
	shown     = []string{"open", "late", "all"}
)

func buildItems(v *page.Visit, p governance.Plan, people []governance.Colleague, me governance.By, q page.Form, a asked, layout ui.Page) itemsView {
	l := v.Locale
	by, show := one(groupings, q.Get("by")), one(shown, q.Get("show"))
	view := itemsView{
		layout: layout, back: Path + "/" + p.Template, url: Path + "/" + p.Template + "/items",
		heading: ui.Heading{Eyebrow: l.Pick(p.Name), Title: l.T("workspace.items"), Lead: l.T("workspace.items.lead")},
		by:      selection(v, "by", groupings, by), show: selection(v, "show", shown, show),
	}
	whose := q.Get("whose")
	view.whose = colleagues(v, "whose", people, whose, l.T("workspace.whose.all"))
	view.whose.Options = append(view.whose.Options, ui.Option{Value: "nobody", Label: l.T("workspace.nobody"), Selected: whose == "nobody"})
	names := map[string]string{}
	for _, c := range people {
		names[c.ID] = c.Name
	}
	var list []governance.Item
	for _, i := range p.Items {
		if wanted(i, show, whose, today(v)) {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("workspace.items.none"), Text: l.T("workspace.items.none.text")}
	}
	view.groups = grouped(v, p, list, by, names)
	if me.Manager {
		view.handOver = &handOverForm{
			plan: p.Template, from: colleagues(v, "from", people, a.form.Get("from"), ""), to: colleagues(v, "to", people, a.form.Get("to"), l.T("workspace.nobody")),
			button: ui.Button{Label: l.T("workspace.hand_over"), Kind: ui.Plain},
		}
		view.handOver.from.Label, view.handOver.to.Label = l.T("workspace.from_person"), l.T("workspace.to_person")
		for _, f := range []*ui.Field{&view.handOver.from.Field, &view.handOver.to.Field} {
			if f.Error = a.wrong(l, *f); f.Error != "" {
				view.errors, view.layout.Errors = append(view.errors, ui.FieldError{FieldID: f.ID, Label: f.Label, Text: f.Error}), true
			}
		}
	}
	return view
}

// one is a value of a list, the first where it is none of them.
func one(list []string, value string) string {
	if slices.Contains(list, value) {
		return value
	}
	return list[0]
}

func selection(v *page.Visit, name string, values []string, chosen string) ui.Selection {
	l := v.Locale
	s := ui.Selection{Field: ui.Field{Locale: l, ID: name, Label: l.T("workspace." + name)}, Width: "medium"}
	for _, value := range values {
		s.Options = append(s.Options, ui.Option{Value: value, Label: l.T("workspace." + name + "." + value), Selected: value == chosen})
	}
	return s
}

// colleagues is a choice of one person; without a first word, one has to be chosen.
func colleagues(v *page.Visit, name string, people []governance.Colleague, chosen, first string) ui.Selection {
	l := v.Locale
	s := ui.Selection{Field: ui.Field{Locale: l, ID: name, Label: l.T("workspace." + name)}, Width: "medium"}
	if first != "" {
		s.Options = append(s.Options, ui.Option{Label: first, Selected: chosen == ""})
	}
	for _, c := range people {
		s.Options = append(s.Options, ui.Option{Value: c.ID, Label: c.Name, Selected: c.ID == chosen})
	}
	return s
}

func wanted(i governance.Item, show, whose string, today migration.Day) bool {
	switch {
	case show == "open" && (i.State == governance.Done || i.Waived()), show == "late" && !i.Late(today):
		return false
	case whose == "":
		return true
	case whose == "nobody":
		return i.Owner == ""
	}
	return i.Owner == whose
}

// grouped puts items under headings, in the order of pages, each group by day.
func grouped(v *page.Visit, p governance.Plan, list []governance.Item, by string, names map[string]string) (groups []group) {
	l := v.Locale
	title := func(i governance.Item) string {
		switch by {
		case "department":
			return l.T("workspace.department." + i.Department)
		case "person":
			return named(l, names, i.Owner)
		case "day":
			day := i.Day.Start(v.Programme.Zone)
			return l.T("workspace.month", "Year", day.Year(), "Month", fmt.Sprintf("%02d", day.Month()))
		}
		f, _ := p.Phase(i.Phase)
		return l.Pick(f.Name)
	}
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b governance.Item) int { return b.Day.DaysUntil(a.Day) })
	var order []string
	in := map[string][]governance.Item{}
	source := sorted
	if by == "phase" {
		source = list // phases come in turn, whatever their items' days
	}
	for _, i := range source {
		if t := title(i); !slices.Contains(order, t) {
			order = append(order, t)
		}
	}
	for _, i := range sorted {
		in[title(i)] = append(in[title(i)], i)
	}
	for n, t := range order {
		id := "group-" + string(rune('a'+n%26)) + string(rune('a'+n/26%26))
		g := group{card: ui.Card{ID: id, Title: t, Meta: l.N("workspace.count.items", len(in[t]))}, table: table(v, id, l.T("workspace.items_of", "Group", t), in[t], p, names)}
		groups = append(groups, g)
	}
	return groups
}

func table(v *page.Visit, id, caption string, list []governance.Item, p governance.Plan, names map[string]string) ui.Table {
	l := v.Locale
	t := ui.Table{ID: id + "-t", Caption: caption, Plain: true, Columns: []ui.Column{
		{Label: l.T("workspace.item")},
		{Label: l.T("workspace.state"), Key: true},
		{Label: l.T("workspace.department")},
		{Label: l.T("workspace.owner")},
		{Label: l.T("workspace.due")},
	}}
	for _, i := range list {
		tone, word := stateOf(v, i)
		name := l.Pick(i.Name)
		if !i.Must {
			name = l.T("workspace.optional", "Item", name)
		}
		due := date(v, i.Day)
		if i.State != governance.Done {
			due = deadline(v, i.Day)
		}
		owner := named(l, names, i.Owner)
		if i.Fact != "" && i.Owner == "" {
			owner = l.T("workspace.by_portal")
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: name, URL: itemURL(p.Template, i.Key)},
			{Body: ui.Tag("", tone, word)},
			{Text: l.T("workspace.department." + i.Department)},
			{Text: owner},
			{Text: due},
		}})
	}
	return t
}
