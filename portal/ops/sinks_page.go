package ops

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"offramp/internal/locale"
	"offramp/migration/writeback"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

var healthTones = map[writeback.Health]ui.Tone{
	writeback.Off: console.Problem, writeback.Unserved: console.Problem, writeback.Failing: console.Ours,
	writeback.Removed: console.Over, writeback.Working: console.Done, writeback.Untried: console.Theirs,
}

// sinksView is every sink at a glance.
type sinksView struct {
	layout   ui.Page
	heading  ui.Heading
	warnings []ui.Banner
	table    ui.Table
}

func buildSinks(v *page.Visit, list []writeback.Summary, layout ui.Page) sinksView {
	l := v.Locale
	view := sinksView{layout: layout, heading: ui.Heading{Title: l.T("ops.sinks"), Lead: l.T("ops.sinks.lead")}, warnings: sinkWarnings(l, list)}
	view.table = ui.Table{ID: "sinks", Caption: l.T("ops.sinks.table"), Empty: l.T("ops.sinks.none"), Columns: []ui.Column{
		{Label: l.T("ops.sink")},
		{Label: l.T("ops.state")},
		{Label: l.T("ops.waiting"), Numeric: true},
		{Label: l.T("ops.oldest"), Numeric: true},
		{Label: l.T("ops.dead.count"), Numeric: true},
		{Label: l.T("ops.sink.delivered")},
	}}
	for _, s := range list {
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: s.Sink, URL: sinkURL(s.Sink)},
			{Body: healthTag(l, s)},
			{Text: l.Number(int64(s.Pending))},
			{Text: waitOf(l, s, v.Now)},
			{Text: l.Number(int64(s.Parked))},
			{Text: when(v, s.DeliveredAt)},
		}})
	}
	return view
}

// sinkWarnings say which sinks get nothing, and what an operator does about it.
func sinkWarnings(l *locale.Locale, list []writeback.Summary) (banners []ui.Banner) {
	for _, s := range list {
		switch s.Health() {
		case writeback.Off:
			banners = append(banners, ui.Banner{Tone: "bad", Title: l.T("ops.sink.off", "Sink", s.Sink), Text: l.T("ops.sink.off.text", "Reason", s.Reason)})
		case writeback.Unserved:
			banners = append(banners, ui.Banner{Tone: "bad", Title: l.T("ops.sink.unserved", "Sink", s.Sink), Text: l.T("ops.sink.unserved.text", "Name", strings.ToUpper(s.Sink))})
		case writeback.Failing:
			banners = append(banners, ui.Banner{Tone: "warn", Title: l.T("ops.sink.failing", "Sink", s.Sink), Text: l.T("ops.sink.failing.text")})
		default:
		}
	}
	return banners
}

func healthTag(l *locale.Locale, s writeback.Summary) templ.Component {
	return ui.Tag("", healthTones[s.Health()], l.T("ops.health."+string(s.Health())))
}

func waitOf(l *locale.Locale, s writeback.Summary, now time.Time) string {
	if s.Oldest == nil {
		return ""
	}
	return l.Duration(s.Lag(now))
}

func when(v *page.Visit, t *time.Time) string {
	if t == nil {
		return ""
	}
	return v.When(*t)
}

// sinkView is one sink.
type sinkView struct {
	layout   ui.Page
	errors   []ui.FieldError
	heading  ui.Heading
	warnings []ui.Banner
	enable   *ui.Action
	facts    []ui.SummaryRow
	answers  ui.Table
	dead     ui.Table
	replay   *ui.Action
	missed   *missedView
}

// missedView asks what the sink has missed and says what was found.
type missedView struct {
	url   string
	since ui.Input
	again ui.Choices
	found string // empty: nothing was asked
	parts string
	send  *ui.Action
}

func buildSink(v *page.Visit, s writeback.Summary, dead []writeback.Delivery, form missedForm, refused error, layout ui.Page) sinkView {
	l := v.Locale
	view := sinkView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("ops.sinks"), Title: s.Sink}, errors: fieldErrors(v, refused),
		warnings: sinkWarnings(l, []writeback.Summary{s}), facts: sinkFacts(v, s), answers: answerTable(v, s.Answers), dead: deadTable(v, s, dead),
	}
	if s.DisabledAt != nil {
		view.enable = &ui.Action{URL: sinkURL(s.Sink) + "/enable", Button: ui.Button{Label: l.T("ops.sink.enable"), Kind: ui.Primary}}
	}
	if s.Parked > 0 {
		view.replay = &ui.Action{URL: sinkURL(s.Sink) + "/replay", Button: ui.Button{Label: l.N("ops.dead.replay", s.Parked)}}
	}
	if s.Named {
		view.missed = buildMissed(v, s, form, view.errors)
		if view.enable != nil && view.missed.send != nil { // one primary button
			view.missed.send.Button.Kind = ui.Plain
		}
	}
	return view
}

func sinkFacts(v *page.Visit, s writeback.Summary) []ui.SummaryRow {
	l := v.Locale
	var able, unable []string
	for _, w := range s.Workers {
		if w.Want == writeback.Nothing {
			able = append(able, w.Worker)
		} else {
			unable = append(unable, l.T("ops.sink.want."+string(w.Want), "Worker", w.Worker))
		}
	}
	rows := []ui.SummaryRow{
		{Key: l.T("ops.state"), Body: healthTag(l, s)},
		{Key: l.T("ops.waiting"), Value: l.Number(int64(s.Pending))},
		{Key: l.T("ops.oldest"), Value: waitOf(l, s, v.Now)},
		{Key: l.T("ops.dead.count"), Value: l.Number(int64(s.Parked))},
		{Key: l.T("ops.sink.delivered"), Value: when(v, s.DeliveredAt)},
		{Key: l.T("ops.sink.served"), Value: strings.Join(able, " · ")},
	}
	if s.FailingSince != nil {
		rows = append(rows, ui.SummaryRow{Key: l.T("ops.sink.failing_since"), Value: when(v, s.FailingSince)})
	}
	if len(unable) > 0 {
		rows = append(rows, ui.SummaryRow{Key: l.T("ops.sink.cannot"), Value: strings.Join(unable, " · ")})
	}
	return rows
}

func answerTable(v *page.Visit, answers []writeback.Answer) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "answers", Caption: l.T("ops.answers.table"), Plain: true, Empty: l.T("ops.answers.none"), Columns: []ui.Column{
		{Label: l.T("ops.answer.at")}, {Label: l.T("ops.answer.said")}, {Label: l.T("ops.answer.ms"), Numeric: true}, {Label: l.T("ops.event")},
	}}
	for _, a := range answers {
		said := l.T("ops.answer.ok", "Status", a.Status)
		if a.Fault != "" {
			said = a.Fault
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: when(v, &a.At)}, {Text: said}, {Text: l.Number(a.Took)}, {Text: a.EventID}}})
	}
	return t
}

func deadTable(v *page.Visit, s writeback.Summary, dead []writeback.Delivery) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "dead", Caption: l.T("ops.dead.table"), Plain: true, Empty: l.T("ops.dead.none"), Columns: []ui.Column{
		{Label: l.T("ops.event")},
		{Label: l.T("ops.dead.reason")},
		{Label: l.T("ops.dead.version"), Numeric: true},
		{Label: l.T("ops.dead.since")},
		{Label: l.T("ops.dead.again"), Hidden: true},
	}}
	if len(dead) > deadShown {
		dead, t.Note = dead[:deadShown], l.T("ui.more.latest", "Count", l.Number(deadShown))
	}
	for _, d := range dead {
		again := ui.Action{
			URL: sinkURL(s.Sink) + "/replay", Hidden: []ui.Pair{{Name: "event", Value: d.EventID}},
			Button: ui.Button{Label: l.T("ops.dead.again"), Hidden: d.EventID, Kind: ui.Quiet},
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: d.EventID}, {Text: d.LastError}, {Text: strconv.Itoa(d.Version)}, {Text: when(v, d.DoneAt)}, {Body: ui.PostAction(again)},
		}})
	}
	return t
}

func buildMissed(v *page.Visit, s writeback.Summary, form missedForm, errors []ui.FieldError) *missedView {
	l := v.Locale
	m := &missedView{url: sinkURL(s.Sink), since: ui.Input{Width: "medium", Value: form.since, MaxLength: 40}}
	m.since.Field = ui.Field{
		Locale: l, ID: "since", Label: l.T("ops.sink.since"),
		Hint: l.T("ops.sink.since.hint", "Example", v.Dates().Typed(v.Now.Add(-36*time.Hour)), "Zone", l.ZoneName(v.Zone(), v.Now)),
	}
	if len(errors) > 0 {
		m.since.Error = errors[0].Text
	}
	m.again = ui.Choices{
		Field:   ui.Field{Locale: l, ID: "again", Label: l.T("ops.sink.extent")},
		Options: []ui.Option{{Value: "yes", Label: l.T("ops.sink.again"), Hint: l.T("ops.sink.again.hint"), Selected: form.again}},
	}
	if !form.asked || len(errors) > 0 {
		return m
	}
	n := form.found.Total(form.again)
	m.found = l.N("ops.sink.found", n, "Customers", l.Number(int64(form.found.Customers)))
	m.parts = l.T("ops.sink.parts", "Parked", l.Number(int64(form.found.Parked)), "Waiting", l.Number(int64(form.found.Waiting)),
		"Never", l.Number(int64(form.found.Never)), "Delivered", l.Number(int64(form.found.Delivered)))
	if n == 0 {
		return m
	}
	again := "no"
	if form.again {
		again = "yes"
	}
	m.send = &ui.Action{
		URL: sinkURL(s.Sink) + "/send-missed", Button: ui.Button{Label: l.N("ops.sink.send", n), Kind: ui.Primary},
		Hidden: []ui.Pair{
			{Name: "since", Value: form.span.Since.UTC().Format(time.RFC3339Nano)},
			{Name: "until", Value: form.span.Until.UTC().Format(time.RFC3339Nano)},
			{Name: "again", Value: again},
		},
	}
	return m
}

// queueView frames River's pages.
type queueView struct {
	layout  ui.Page
	heading ui.Heading
	title   string
	source  string
	words   ui.Table
	whole   ui.Link
}

// riverStates are the states of a job as River's pages name them.
var riverStates = []string{"Available", "Running", "Scheduled", "Retryable", "Completed", "Cancelled", "Discarded", "Pending"}

func buildQueue(l *locale.Locale, layout ui.Page) queueView {
	view := queueView{
		layout: layout, heading: ui.Heading{Title: l.T("ops.jobs"), Lead: l.T("ops.jobs.lead")}, title: l.T("ops.jobs.frame"), source: JobsPath + "/",
		whole: ui.Link{Label: l.T("ops.jobs.whole"), URL: JobsPath + "/"},
	}
	view.words = ui.Table{ID: "words", Caption: l.T("ops.jobs.words"), Plain: true, Columns: []ui.Column{
		{Label: l.T("ops.jobs.word")}, {Label: l.T("ops.jobs.meaning")},
	}}
	for _, state := range riverStates {
		view.words.Rows = append(view.words.Rows, ui.Row{Cells: []ui.Cell{{Body: english(state)}, {Text: l.T("ops.job." + strings.ToLower(state))}}})
	}
	return view
}
