package notices

import (
	"slices"

	"offramp/migration"
	"offramp/migration/notice"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// dayView is what one day will bring.
type dayView struct {
	layout  ui.Page
	heading ui.Heading
	day     ui.Input
	errors  []ui.FieldError
	nothing *ui.Empty
	notices []dayCard

	outdated *ui.Table // dates in sent messages that are others by now; nil: none
}

type dayCard struct {
	card ui.Card
	held *ui.Banner
	due  ui.Table
	more string
	not  []ui.SummaryRow
}

// whyNot lists why a customer does not get a notice, in the order in which it is told.
var whyNot = []string{"told", "done", "audience", "rule"}

func buildDay(v *page.Visit, day migration.Day, asked string, bad bool, list []notice.Forecast, layout ui.Page) dayView {
	l := v.Locale
	view := dayView{
		layout: layout,
		heading: ui.Heading{
			Title: l.T("notice.day.title"), Lead: l.T("notice.day.lead", "Day", v.OurFullDay(day.Start(v.Programme.Zone))),
		},
		day: ui.Input{Field: ui.Field{Locale: l, ID: "day", Label: l.T("notice.day")}, Type: "date", Value: page.DayValue(day), Width: "medium"},
	}
	if bad {
		view.day.Value, view.day.Error = asked, l.T("notice.day.bad")
		view.errors = []ui.FieldError{{FieldID: "day", Text: view.day.Error}}
	}
	for i, f := range list {
		view.notices = append(view.notices, dayCardOf(v, i, f))
	}
	if len(list) == 0 {
		view.nothing = &ui.Empty{ID: "nothing", Title: l.T("notice.day.nothing"), Text: l.T("notice.day.nothing.text")}
	}
	return view
}

// outdatedTable lists the dates that sent messages name and that are others by now.
func outdatedTable(v *page.Visit, list []notice.Outdated) *ui.Table {
	l := v.Locale
	if len(list) == 0 {
		return nil
	}
	t := &ui.Table{ID: "outdated", Plain: true, Caption: l.T("notice.outdated"), Columns: []ui.Column{
		{Label: l.T("notice.name")},
		{Label: l.T("notice.outdated.date")},
		{Label: l.T("notice.outdated.told")},
		{Label: l.T("notice.outdated.now")},
		{Label: l.T("notice.outdated.customers"), Numeric: true},
		{Label: l.T("notice.outdated.open"), Numeric: true},
	}}
	for _, o := range list {
		m, _ := v.Programme.Milestone(o.Milestone)
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: page.NoticeName(l, v.Programme, o.Notice)},
			{Text: page.MilestoneName(l, m)},
			{Text: v.DayOf(o.Told)},
			{Text: v.DayOf(m.Day)},
			{Text: l.Number(int64(o.Customers))},
			{Text: l.Number(int64(o.Open))},
		}})
	}
	return t
}

func dayCardOf(v *page.Visit, i int, f notice.Forecast) dayCard {
	l := v.Locale
	id := "day-" + string(rune('a'+i%26))
	c := dayCard{
		card: ui.Card{ID: id, Title: title(v, f.Notice), Meta: l.N("notice.day.count", f.Count)},
		due: ui.Table{ID: id + "-t", Plain: true, Caption: l.T("notice.named", "Name", title(v, f.Notice), "Values", l.T("console.customers")), Empty: l.T("notice.day.nobody"), Columns: []ui.Column{
			{Label: l.T("console.customer")}, {Label: l.T("notice.tier")}, {Label: l.T("notice.day.at")}, {Label: l.T("notice.day.there")},
		}},
	}
	if f.Held != "" {
		c.held = &ui.Banner{Tone: "warn", Title: l.T("notice.held." + f.Held)}
	}
	for _, d := range f.Due {
		zone := migration.Location(d.Zone, v.Programme.Zone)
		c.due.Rows = append(c.due.Rows, ui.Row{Cells: []ui.Cell{
			{Text: d.Name + " · " + d.Ref},
			{Text: tierName(v, d.Tier)},
			{Text: v.When(d.At)},
			{Text: v.Dates().There(d.At, zone)},
		}})
	}
	if f.Count > len(f.Due) {
		c.more = l.N("notice.day.more", f.Count-len(f.Due))
	}
	for _, why := range whyNot {
		if f.Not[why] > 0 {
			c.not = append(c.not, ui.SummaryRow{Key: l.T("notice.not." + why), Value: l.Number(int64(f.Not[why]))})
		}
	}
	return c
}

func tierName(v *page.Visit, key string) string {
	i := slices.IndexFunc(v.Programme.Tiers, func(t migration.Tier) bool { return t.Key == key })
	if i < 0 {
		return key
	}
	return v.Locale.Pick(v.Programme.Tiers[i].Name)
}
