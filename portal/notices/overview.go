package notices

import (
	"net/url"
	"slices"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/notice/briefing"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// overviewView is the page about all notices.
type overviewView struct {
	layout  ui.Page
	heading ui.Heading
	links   []ui.Link
	alerts  []ui.Banner
	table   ui.Table
	empty   *ui.Empty
	errors  []ui.FieldError
	rate    ui.Input
	rated   string // how fast mails go out now
	save    ui.Button
}

// setRate shows how many mails begin in a minute, and asks for another number.
func (view *overviewView) setRate(v *page.Visit, rate int, own bool) {
	l := v.Locale
	view.rated = l.N("notice.rate.plan", rate)
	if own {
		view.rated = l.N("notice.rate.set", rate)
	}
	view.rate = ui.Input{
		Field: ui.Field{Locale: l, ID: "rate", Optional: true, Label: l.T("notice.rate"), Hint: l.T("notice.rate.hint", "Plan", l.Number(int64(v.Programme.Notices.Rate)))},
		Width: "short", MaxLength: 12, InputMode: "numeric",
	}
	view.save = ui.Button{Label: l.T("notice.rate.save"), Kind: ui.Plain}
}

func buildOverview(v *page.Visit, list []notice.Overview, layout ui.Page) overviewView {
	l := v.Locale
	view := overviewView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("console.programme"), Title: l.T("notice.title"), Lead: l.T("notice.lead")},
		links: []ui.Link{
			{Label: l.T("notice.day.title"), URL: Path + "/day"}, {Label: l.T("notice.calls"), URL: CallsPath},
		},
	}
	if len(list) == 0 {
		view.empty = &ui.Empty{ID: "none", Title: l.T("notice.none"), Text: l.T("notice.none.text")}
		return view
	}
	view.table = ui.Table{ID: "notices", Caption: l.T("notice.title"), Columns: []ui.Column{
		{Label: l.T("notice.name")},
		{Label: l.T("notice.state")},
		{Label: l.T("notice.meant"), Numeric: true},
		{Label: l.T("notice.planned"), Numeric: true},
		{Label: l.T("notice.sent"), Numeric: true},
		{Label: l.T("notice.bad"), Numeric: true},
		{Label: l.T("notice.reached"), Numeric: true},
	}}
	for _, one := range list {
		tone, word := stateOf(l, one)
		c := one.Counts
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: title(v, one.Notice), URL: Path + "/" + one.Notice.Key},
			{Body: ui.Tag("", tone, word)},
			{Text: l.Number(int64(one.Meant))},
			countCell(l, one.Notice.Key, c, notice.All, ""),
			countCell(l, one.Notice.Key, c, notice.Sent, notice.All),
			countCell(l, one.Notice.Key, c, notice.Bad, notice.All),
			countCell(l, one.Notice.Key, c, notice.Reached, notice.Sent),
		}})
		view.alerts = append(view.alerts, alerts(v, one)...)
	}
	if at := slices.IndexFunc(list, func(o notice.Overview) bool { return o.Held == notice.HeldBriefing }); at >= 0 {
		view.alerts = append([]ui.Banner{unbriefed(l, list[at].Open)}, view.alerts...)
	}
	return view
}

// unbriefed says that talks and the public notice wait for the briefing; nobody: it is not approved.
func unbriefed(l *locale.Locale, open int) ui.Banner {
	b := ui.Banner{Tone: "warn", Title: l.N("notice.alert.briefing", open), Text: l.T("notice.alert.briefing.text"), Link: &ui.Link{Label: l.T("briefing.readers"), URL: briefing.Path + "/readers"}}
	if open == 0 {
		b.Title, b.Link = l.T("notice.alert.briefing.unapproved"), &ui.Link{Label: l.T("briefing.title"), URL: briefing.Path}
	}
	return b
}

// countCell is a number that leads to those whom it counts.
func countCell(l *locale.Locale, key string, c notice.Counts, group, of notice.Group) ui.Cell {
	cell := ui.Cell{Text: share(l, c[group], c[of])}
	if c[group] > 0 {
		cell.URL = messagesURL(key, url.Values{"group": {string(group)}})
	}
	return cell
}

// share writes a part with its whole and percentage.
func share(l *locale.Locale, part, whole int) string {
	if whole == 0 {
		return l.Number(int64(part))
	}
	return l.T("notice.share", "Part", l.Number(int64(part)), "Whole", l.Number(int64(whole)), "Percent", l.Percent(int64(part), int64(whole)))
}

// title is what staff call a notice: its title with the variables left open, or the key of one that is spoken.
func title(v *page.Visit, n migration.Notice) string {
	return page.NoticeName(v.Locale, v.Programme, n.Key)
}

// stateOf says in a word how a notice stands.
func stateOf(l *locale.Locale, one notice.Overview) (ui.Tone, string) {
	switch {
	case !one.Approved:
		return console.Ours, l.T("notice.state.unapproved")
	case one.Paused:
		return console.Problem, l.T("notice.state.paused")
	case one.Held == notice.HeldBriefing:
		return console.Ours, l.T("notice.state.briefing")
	case one.Held == notice.HeldTalks:
		return console.Ours, l.T("notice.state.talks")
	case one.Held == notice.HeldGate:
		return console.Ours, l.T("notice.state.gate")
	case one.Counts[notice.Waiting] > 0:
		return console.Theirs, l.T("notice.state.sending")
	case one.Counts[notice.All] == 0:
		return console.Theirs, l.T("notice.state.ahead")
	}
	return console.Done, l.T("notice.state.done")
}

// alerts are what somebody has to look at.
func alerts(v *page.Visit, one notice.Overview) (list []ui.Banner) {
	l, name := v.Locale, title(v, one.Notice)
	if one.Paused && one.Reason == "bounces" {
		list = append(list, ui.Banner{Tone: "bad", Title: l.T("notice.alert.bounces", "Notice", name), Text: l.T("notice.alert.bounces.text")})
	}
	if one.Notice.Kind == migration.NoticeCorrection && !one.Approved {
		list = append(list, ui.Banner{
			Tone: "warn", Title: l.N("notice.alert.correction", one.Meant), Text: l.T("notice.alert.correction.text"),
			Link: &ui.Link{Label: l.T("notice.alert.correction.open"), URL: Path + "/" + one.Notice.Key},
		})
	}
	if one.Held == notice.HeldTalks {
		list = append(list, ui.Banner{
			Tone: "warn", Title: l.N("notice.alert.talks", one.Open), Text: l.T("notice.alert.talks.text"),
			Link: &ui.Link{Label: l.T("notice.calls"), URL: CallsPath},
		})
	}
	if one.Held == notice.HeldGate && one.Notice.Kind == migration.NoticePublic {
		list = append(list, ui.Banner{
			Tone: "warn", Title: l.T("notice.alert.gate", "Notice", name), Text: l.T("notice.alert.gate.text"),
			Link: &ui.Link{Label: l.T("console.place.workspace"), URL: "/console/workspace"},
		})
	}
	if one.Failed > 0 {
		list = append(list, ui.Banner{Tone: "warn", Title: l.N("notice.alert.rule", one.Failed, "Notice", name), Text: l.T("notice.alert.rule.text")})
	}
	if one.Meant == 0 && one.Failed == 0 {
		list = append(list, ui.Banner{Tone: "warn", Title: l.T("notice.alert.nobody", "Notice", name), Text: l.T("notice.alert.nobody.text")})
	}
	if n := one.Counts[notice.NoResult]; n > 0 {
		list = append(list, ui.Banner{
			Tone: "warn", Title: l.N("notice.alert.no_result", n, "Notice", name), Text: l.T("notice.alert.no_result.text"),
		})
	}
	if n := one.Counts[notice.Failed] - one.Counts[notice.NoResult]; n > 0 {
		list = append(list, ui.Banner{
			Tone: "warn", Title: l.N("notice.alert.failed", n, "Notice", name), Text: l.T("notice.alert.failed.text"),
		})
	}
	return list
}
