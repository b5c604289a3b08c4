package audit

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"offramp/internal/audit"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// list is what was asked for and found.
type list struct {
	filter  filter
	refused error
	rows    []audit.Row
	more    bool // there are older entries
	names   map[string]string
}

// logView is the list of entries.
type logView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	fields  []ui.Input
	check   ui.Action
	table   ui.Table
	pages   ui.Pages
	newest  *ui.Link
	file    ui.Link
	reset   []ui.Link // to the list without a filter
}

func buildLog(v *page.Visit, s list, layout ui.Page) logView {
	l, f := v.Locale, s.filter
	view := logView{
		layout: layout, heading: ui.Heading{Title: l.T("console.audit"), Lead: l.T("console.audit.lead")},
		check: ui.Action{URL: "/console/audit/check", Button: ui.Button{Label: l.T("console.chain.check")}},
		table: table(v, s), pages: ui.Pages{Locale: l},
	}
	wrong := map[string]string{}
	if refused, ok := fault.As(s.refused); ok {
		for _, x := range refused.Fields {
			wrong[x.Name] = l.T(x.Key, "Limit", x.Args["Limit"])
		}
	}
	input := func(name, kind, value string, limit int) {
		label := l.T("console.audit." + name)
		view.fields = append(view.fields, ui.Input{
			Field: ui.Field{Locale: l, ID: name, Label: label, Error: wrong[name]}, Type: kind, Value: value, MaxLength: limit,
		})
		if wrong[name] != "" {
			view.errors = append(view.errors, ui.FieldError{FieldID: name, Label: label, Text: wrong[name]})
		}
	}
	input("actor", "search", f.actor, 100)
	input("customer", "search", f.customer, 60)
	input("object", "search", f.object, 100)
	input("act", "search", f.act, 60)
	input("from", "date", f.from, 0)
	input("to", "date", f.to, 0)
	view.file = ui.Link{Label: l.T("console.audit.export"), URL: "/console/audit.csv" + strings.TrimPrefix(f.url(0), "/console/audit"), Icon: ui.IconDownload, Download: true}
	view.layout.Errors = len(view.errors) > 0
	if s.more {
		view.pages.NextURL = f.url(s.rows[len(s.rows)-1].Seq)
	}
	if f.before > 0 {
		view.newest = &ui.Link{Label: l.T("console.audit.newest"), URL: f.url(0)}
	}
	if f != (filter{}) {
		view.reset = []ui.Link{{Label: l.T("console.audit.reset"), URL: "/console/audit"}}
	}
	return view
}

func table(v *page.Visit, s list) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "log", Caption: l.T("console.audit"), Empty: l.T("console.audit.none"), Columns: []ui.Column{
		{Label: l.T("console.entry.number")},
		{Label: l.T("console.entry.at")},
		{Label: l.T("console.entry.actor")},
		{Label: l.T("console.entry.act")},
		{Label: l.T("console.entry.object")},
	}}
	for _, r := range s.rows {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: fmt.Sprint(r.Seq), URL: entryURL(r.Seq)},
			{Text: v.When(r.At)},
			{Text: who(l, r, s.names)},
			{Text: act(l, r.Act)},
			{Text: r.Object},
		}})
	}
	return t
}

func entryURL(seq int64) string { return fmt.Sprintf("/console/audit/%d", seq) }

// act says an act in words; one that has none yet stands for itself.
func act(l *locale.Locale, key string) string {
	if id := "console.act." + key; l.Has(id) {
		return l.T(id)
	}
	return key
}

// who names an actor with the kind of it.
func who(l *locale.Locale, r audit.Row, names map[string]string) string {
	name := r.Actor
	if names[r.Actor] != "" {
		name = names[r.Actor]
	}
	return l.T("console.entry.who", "Name", name, "Kind", l.T("console.actor."+r.ActorKind))
}

// entryView is one entry in full.
type entryView struct {
	layout  ui.Page
	heading ui.Heading
	rows    []ui.SummaryRow
	detail  string
	links   []ui.Link
}

func buildEntry(v *page.Visit, r audit.Row, names map[string]string, layout ui.Page) entryView {
	l := v.Locale
	view := entryView{layout: layout, heading: ui.Heading{Eyebrow: l.T("console.audit"), Title: l.T("console.entry", "Number", r.Seq)}}
	view.rows = []ui.SummaryRow{
		{Key: l.T("console.entry.at"), Value: v.When(r.At) + " · " + l.ZoneName(v.Zone(), r.At)},
		{Key: l.T("console.entry.exact"), Value: r.At.UTC().Format("2006-01-02T15:04:05.000000Z07:00")},
		{Key: l.T("console.entry.actor"), Value: who(l, r, names)},
		{Key: l.T("console.entry.actor_id"), Value: r.Actor},
		{Key: l.T("console.entry.act"), Value: act(l, r.Act) + " · " + r.Act},
		{Key: l.T("console.entry.object"), Value: r.Object},
		{Key: l.T("console.entry.customer"), Value: r.CustomerID},
		{Key: l.T("console.entry.session"), Value: r.Recorded.Session},
		{Key: l.T("console.entry.recorded"), Value: recorded(l, r.Recorded)},
		{Key: l.T("console.entry.hash"), Body: ui.Copyable(l, hex.EncodeToString(r.Hash), l.T("console.entry.hash"))},
	}
	if len(r.Detail) > 0 {
		if text, err := json.MarshalIndent(r.Detail, "", "  "); err == nil { // it was read from JSON
			view.detail = string(text)
		}
	}
	view.links = []ui.Link{{Label: l.T("console.entry.same_actor"), URL: filter{actor: r.Actor}.url(0)}, {Label: l.T("console.entry.same_object"), URL: filter{object: r.Object}.url(0)}}
	return view
}

// recorded says when the database wrote an entry, and as whom.
func recorded(l *locale.Locale, r audit.Recorded) string {
	if r.At.IsZero() {
		return l.T("console.entry.recorded.none")
	}
	return l.T("console.entry.recorded.by", "At", r.At.UTC().Format("2006-01-02T15:04:05.000000Z07:00"), "Role", r.By)
}

// chainView is what a check of the chain found.
type chainView struct {
	layout  ui.Page
	heading ui.Heading
	verdict ui.Banner
	rows    []ui.SummaryRow
	place   *ui.Link // to the entry at which the chain does not hold
}

// strayed says how many entries bear another time than the database's, and which is the first.
func strayed(l *locale.Locale, r audit.Report) string {
	if r.Strayed == 0 {
		return l.T("console.chain.strayed.none")
	}
	return l.T("console.chain.strayed.some", "Count", r.Strayed, "Number", r.FirstStrayed)
}

func buildChain(v *page.Visit, r audit.Checked, layout ui.Page) chainView {
	l := v.Locale
	view := chainView{layout: layout, heading: ui.Heading{Eyebrow: l.T("console.audit"), Title: l.T("console.chain")}}
	view.verdict = ui.Banner{Tone: "ok", Title: l.T("console.chain.whole"), Text: l.T("console.chain.whole.text")}
	switch {
	case len(r.Strange) > 0:
		view.verdict = ui.Banner{Tone: "bad", Title: l.T("console.chain.strange"), Text: l.T("console.chain.strange.text", "Names", strings.Join(r.Strange, ", "))}
	case r.Since != nil:
		view.verdict.Text = l.T("console.chain.since", "Head", r.Since.Head, "Day", v.When(r.Since.At))
	}
	if b := r.Break; b != nil {
		view.verdict = ui.Banner{Tone: "bad", Title: l.T("console.chain.broken", "Number", b.Seq), Text: l.T("console.chain." + b.Kind)}
		if b.Kind == audit.Edited || b.Kind == audit.OutOfOrder {
			view.place = &ui.Link{Label: l.T("console.entry", "Number", b.Seq), URL: entryURL(b.Seq)}
		}
	}
	view.rows = []ui.SummaryRow{
		{Key: l.T("console.chain.checked"), Value: l.Number(r.Checked)},
		{Key: l.T("console.chain.at"), Value: v.When(v.Now)},
		{Key: l.T("console.chain.strayed"), Value: strayed(l, r.Report)},
		{Key: l.T("console.chain.head"), Body: ui.Copyable(l, r.Head.String(), l.T("console.chain.head"))},
	}
	return view
}
