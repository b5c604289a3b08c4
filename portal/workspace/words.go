package workspace

import (
	"strings"
	"time"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/governance"
	"offramp/migration/notice"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// enumerate writes a list in one line as the language does.
func enumerate(l *locale.Locale, parts []string) string { return notice.Enumerate(l, parts) }

// date is a day as the programme counts days.
func date(v *page.Visit, day migration.Day) string {
	if day.IsZero() {
		return ""
	}
	return v.OurDay(day.End(v.Programme.Zone))
}

// deadline is a day with how far away it is.
func deadline(v *page.Visit, day migration.Day) string {
	left := migration.DayOf(v.Now.In(v.Programme.Zone)).DaysUntil(day)
	switch {
	case left > 0:
		return v.Locale.N("workspace.in_days", left, "Date", date(v, day))
	case left < 0:
		return v.Locale.N("workspace.days_ago", -left, "Date", date(v, day))
	}
	return v.Locale.T("workspace.today", "Date", date(v, day))
}

// until is the day at whose end an instant lies.
func until(v *page.Visit, at time.Time) string { return v.OurDay(at) }

func named(l *locale.Locale, names map[string]string, id string) string {
	switch {
	case id == "":
		return l.T("workspace.nobody")
	case names[id] != "":
		return names[id]
	}
	return id
}

// stateOf is an item's state in a word.
func stateOf(v *page.Visit, i governance.Item) (ui.Tone, string) {
	l := v.Locale
	switch {
	case i.State == governance.Done:
		return console.Done, l.T("workspace.state.done")
	case i.Waived():
		return console.Over, l.T("workspace.state.waived")
	case i.Late(today(v)):
		return console.Problem, l.T("workspace.state.late")
	case len(i.Waits) > 0:
		return console.Theirs, l.T("workspace.state.waits")
	case i.Fact != "":
		return console.Theirs, l.T("workspace.state.open")
	case i.Owner == "":
		return console.Ours, l.T("workspace.state.unowned")
	}
	return console.Ours, l.T("workspace.state.open")
}

func itemURL(plan, key string) string { return Path + "/" + plan + "/items/" + key }

// waiverView is what stands about a waiver, and what may be done.
type waiverView struct {
	text   string
	acts   []ui.Action
	url    string // where one is asked for; empty: not now
	reason ui.Input
	until  ui.Input
	button ui.Button
}

// buildWaiver words a waiver. form is the name of the form that asks for it, and tells its fields apart from others' on the page.
func buildWaiver(v *page.Visit, plan, item, form string, w *governance.Waiver, names map[string]string, me governance.By, a asked) waiverView {
	l := v.Locale
	if w != nil && !w.Over {
		view := waiverView{}
		hidden := []ui.Pair{{Name: "item", Value: item}}
		url := Path + "/" + plan + "/waivers/" + w.ID
		if w.Counts {
			view.text = l.T("workspace.waived", "Who", named(l, names, w.AskedBy), "Second", named(l, names, w.AgreedBy), "Reason", w.Reason, "Date", until(v, w.Until))
		} else {
			view.text = l.T("workspace.waiver_waits", "Who", named(l, names, w.AskedBy), "Reason", w.Reason, "Date", until(v, w.Until))
		}
		if !me.Manager {
			return view
		}
		if !w.Counts && w.AskedBy != me.ID {
			view.acts = append(view.acts, ui.Action{URL: url + "/agree", Hidden: hidden, Button: ui.Button{Label: l.T("workspace.waiver.agree"), Hidden: w.Reason, Kind: ui.Plain}})
		}
		end := "workspace.waiver.refuse"
		switch {
		case w.Counts:
			end = "workspace.waiver.take_back"
		case w.AskedBy == me.ID:
			end = "workspace.waiver.withdraw"
		}
		view.acts = append(view.acts, ui.Action{URL: url + "/end", Hidden: hidden, Button: ui.Button{Label: l.T(end), Hidden: w.Reason, Kind: ui.Quiet}})
		return view
	}
	if !me.Manager {
		return waiverView{}
	}
	id := strings.ReplaceAll(form, " ", "-")
	view := waiverView{
		reason: ui.Input{Field: ui.Field{Locale: l, ID: id + "-reason", Name: "reason", Label: l.T("workspace.reason")}, MaxLength: 500, Spellcheck: true},
		until:  ui.Input{Field: ui.Field{Locale: l, ID: id + "-until", Name: "until", Label: l.T("workspace.until"), Hint: l.T("workspace.until.hint")}, Type: "date", Width: "medium"},
		button: ui.Button{Label: l.T("workspace.waiver.ask"), Kind: ui.Plain},
	}
	if w != nil {
		view.text = l.T("workspace.waiver_over", "Date", until(v, w.Until))
	}
	a.fill(form, &view.reason, &view.until)
	return view
}

// fill puts what was written back into the fields of the form that was refused, each with its fault.
func (a asked) fill(what string, inputs ...*ui.Input) {
	if a.fault == nil || a.what != what {
		return
	}
	for _, i := range inputs {
		i.Value = a.form.Get(i.Field.Name)
		if i.Field.Name == "" {
			i.Value = a.form.Get(i.ID)
		}
		i.Error = a.wrong(i.Locale, i.Field)
	}
}

// wrong words the fault of a field; empty: none.
func (a asked) wrong(l *locale.Locale, f ui.Field) string {
	name := f.Name
	if name == "" {
		name = f.ID
	}
	for _, one := range fields(a.fault) {
		if one.Name == name {
			return l.T(one.Key, pairs(one.Args)...)
		}
	}
	return ""
}

func pairs(args map[string]any) (kv []any) {
	for k, v := range args {
		kv = append(kv, k, v)
	}
	return kv
}
