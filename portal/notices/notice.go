package notices

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"offramp/internal/locale"
	"offramp/internal/sms"
	"offramp/internal/textdiff"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// desk is what was read of one notice.
type desk struct {
	one     notice.Overview
	parts   []notice.Part
	tried   *notice.Trial // what the reader had sent to themselves last
	names   map[string]string
	query   page.Form
	letter  *notice.Letter // nil: no preview was asked for
	text    *textLetter    // nil: the notice goes by no short message
	to      notice.Reader
	unknown bool   // no customer has the number that was asked for
	long    string // what is wrong with that number as it was written; empty: nothing

	reason, wrong string // of a pause that was refused: what was written, and what is wrong with it
}

// textLetter is the short message that a customer would get.
type textLetter struct {
	letter notice.Letter
	to     notice.Reader
	texted bool // somebody of the customer has agreed to short messages
}

// noticeView is the page about one notice.
type noticeView struct {
	layout   ui.Page
	heading  ui.Heading
	alerts   []ui.Banner
	facts    []ui.SummaryRow
	counts   []ui.SummaryRow
	parts    *ui.Table // nil: nothing was planned yet
	words    []wording
	changes  []changed // of what was approved last
	approve  *ui.Action
	approved string
	pause    *pauseForm
	resume   *ui.Action
	customer ui.Input
	language ui.Selection
	preview  *preview
	errors   []ui.FieldError
	url      string
}

// wording is a notice's words for a tier in one language.
type wording struct {
	title string
	tag   string
	rows  []ui.SummaryRow
}

type pauseForm struct {
	url    string
	reason ui.Input
	button ui.Button
}

// preview is what one customer would get.
type preview struct {
	try   *ui.Action // sends it to the reader; nil: no address of theirs is known
	told  string     // where it would go, or why it cannot
	last  string     // what became of the last one
	rows  []ui.SummaryRow
	tag   string
	text  string
	frame string // address of the HTML form
	title string
	sms   *textPreview // nil: the notice goes by no short message
}

// textPreview is the short message that one customer would get.
type textPreview struct {
	rows []ui.SummaryRow
	tag  string
	text string
	note string // that the customer is passed on to the next channel; empty: they are not
}

func textPreviewOf(l *locale.Locale, t *textLetter) *textPreview {
	if t == nil {
		return nil
	}
	length, alphabet := sms.Measure(t.letter.Plain), "gsm"
	if length.Unicode {
		alphabet = "unicode"
	}
	view := &textPreview{tag: t.letter.Bulletin.Tag, text: t.letter.Plain, rows: []ui.SummaryRow{
		{Key: l.T("notice.preview.to"), Value: t.to.Contact + " · " + t.to.Customer},
		{Key: l.T("notice.preview.parts"), Value: l.N("notice.preview.parts."+alphabet, length.Parts, "Characters", l.Number(int64(len([]rune(t.letter.Plain)))))},
		{Key: l.T("notice.preview.text_sum"), Body: ui.Copyable(l, t.letter.Sum, l.T("notice.preview.text_sum"))},
	}}
	if !t.texted {
		view.note = l.T("notice.preview.not_texted")
	}
	return view
}

// changed is one value that differs from what was approved last.
type changed struct {
	label string
	parts []textdiff.Part
}

// changesOf names what changed: the parts of the words in the reader's language, anything else by its place.
func changesOf(v *page.Visit, list []notice.Change) (items []changed) {
	l := v.Locale
	for _, c := range list {
		var names []string
		for _, part := range strings.Split(strings.TrimPrefix(c.Path, "Notice."), ".") {
			switch key := strings.ToLower(part); key {
			case "title", "opening", "next", "sms", "script":
				part = l.T("notice.part." + key)
			case "words", "thanks", "reason", "help", "replacements", "product", "company", "on", "days", "audience", "channels", "moved":
				part = l.T("notice.place." + key)
			}
			if slices.Contains(v.Programme.Locales, part) {
				part = locale.For(part).T("language.name")
			}
			names = append(names, part)
		}
		items = append(items, changed{strings.Join(names, " › "), c.Parts})
	}
	return items
}

func buildNotice(v *page.Visit, d desk, layout ui.Page) noticeView {
	l, n, place := v.Locale, d.one.Notice, Path+"/"+d.one.Notice.Key
	view := noticeView{
		layout: layout, url: place, alerts: alerts(v, d.one),
		heading: ui.Heading{Eyebrow: l.T("notice.kind." + n.Kind), Title: title(v, n)},
		facts:   facts(v, d.one), counts: counts(v, n.Key, d.one.Counts), words: wordings(v, n), changes: changesOf(v, d.one.Changes),
	}
	if len(d.parts) > 0 {
		view.parts = partsTable(v, n.Key, d.parts)
	}
	if d.one.Approved {
		view.approved = l.T("notice.approved", "Who", nameOf(d.names, d.one.By), "When", v.When(d.one.At))
	} else {
		view.approve = &ui.Action{
			URL: place + "/approve", Hidden: []ui.Pair{{Name: "hash", Value: d.one.Hash}},
			Button: ui.Button{Label: l.T("notice.approve"), Kind: ui.Primary},
		}
	}
	if d.one.Paused {
		view.resume = &ui.Action{URL: place + "/resume", Button: ui.Button{Label: l.T("notice.resume"), Kind: ui.Primary}}
	} else if d.one.Approved {
		view.pause = &pauseForm{
			url:    place + "/pause",
			reason: ui.Input{Field: ui.Field{Locale: l, ID: "reason", Label: l.T("notice.pause.reason")}, MaxLength: 200, Spellcheck: true},
			button: ui.Button{Label: l.T("notice.pause"), Kind: ui.Danger},
		}
		view.pause.reason.Value, view.pause.reason.Error = d.reason, d.wrong
		view.refuse("reason", d.wrong)
	}
	view.form(v, d)
	return view
}

// form is where a preview is asked for, and what it gave.
func (view *noticeView) form(v *page.Visit, d desk) {
	l := v.Locale
	view.customer = ui.Input{
		Field: ui.Field{Locale: l, ID: "customer", Label: l.T("notice.preview.customer"), Hint: l.T("notice.preview.hint")},
		Value: d.query.Get("customer"), Width: "medium", MaxLength: 64,
	}
	view.language = ui.Selection{
		Field: ui.Field{Locale: l, ID: "locale", Label: l.T("notice.preview.language")}, Width: "medium",
		Options: []ui.Option{{Value: "", Label: l.T("notice.preview.own"), Selected: d.query.Get("locale") == ""}},
	}
	for _, tag := range v.Programme.Locales {
		view.language.Options = append(view.language.Options, ui.Option{Value: tag, Label: locale.For(tag).T("language.name"), Selected: d.query.Get("locale") == tag})
	}
	switch {
	case d.long != "":
		view.customer.Error = d.long
	case d.unknown:
		view.customer.Error = l.T("notice.preview.unknown")
	case d.letter != nil:
		view.preview = &preview{
			tag: d.letter.Bulletin.Tag, text: d.letter.Plain, title: l.T("notice.preview.html"),
			frame: view.url + "/preview?" + url.Values{"customer": {d.query.Get("customer")}, "locale": {d.query.Get("locale")}}.Encode(), rows: []ui.SummaryRow{
				{Key: l.T("notice.preview.to"), Value: d.to.Contact + " · " + d.to.Customer},
				{Key: l.T("notice.preview.subject"), Value: d.letter.Bulletin.Subject},
				{Key: l.T("notice.preview.sum"), Body: ui.Copyable(l, d.letter.Sum, l.T("notice.preview.sum"))},
			},
		}
		view.trial(v, d)
		view.preview.sms = textPreviewOf(l, d.text)
	}
	view.refuse("customer", view.customer.Error)
}

// trial offers to send the preview to whoever reads it, and says what became of the last one.
func (view *noticeView) trial(v *page.Visit, d desk) {
	l := v.Locale
	if t := d.tried; t != nil {
		view.preview.last = l.T("notice.trial."+t.State, "When", v.When(t.AskedAt), "Subject", t.Subject, "Detail", t.Detail)
	}
	if v.Session.Email == "" {
		view.preview.told = l.T("notice.no_address")
		return
	}
	view.preview.told = l.T("notice.trial.text", "Address", v.Session.Email)
	view.preview.try = &ui.Action{
		URL: view.url + "/try", Button: ui.Button{Label: l.T("notice.trial.go")},
		Hidden: []ui.Pair{{Name: "customer", Value: d.query.Get("customer")}, {Name: "locale", Value: d.query.Get("locale")}, {Name: "hash", Value: d.letter.Sum}},
	}
}

// refuse puts what is wrong with a field above the page; empty: nothing is.
func (view *noticeView) refuse(field, text string) {
	if text != "" {
		view.errors, view.layout.Errors = append(view.errors, ui.FieldError{FieldID: field, Text: text}), true
	}
}

func nameOf(names map[string]string, id string) string {
	if name := names[id]; name != "" {
		return name
	}
	return id
}

func facts(v *page.Visit, one notice.Overview) []ui.SummaryRow {
	l, n := v.Locale, one.Notice
	tone, word := stateOf(l, one)
	rows := []ui.SummaryRow{
		{Key: l.T("notice.state"), Body: ui.Tag("", tone, word)},
		{Key: l.T("notice.when"), Value: when(v, n)},
		{Key: l.T("notice.audience"), Value: audienceOf(v, n)},
		{Key: l.T("notice.meant.now"), Value: l.Number(int64(one.Meant))},
	}
	var channels []string
	for _, c := range n.Channels {
		channels = append(channels, l.T("notice.channel."+c))
	}
	return append(rows, ui.SummaryRow{Key: l.T("notice.channels"), Value: strings.Join(channels, " → ")})
}

func audienceOf(v *page.Visit, n migration.Notice) string {
	text := v.Locale.T("notice.everybody")
	if n.Kind == migration.NoticeCorrection {
		var moved []string
		for _, m := range n.Moved {
			milestone, _ := v.Programme.Milestone(m.Milestone)
			moved = append(moved, v.Locale.T("console.moved", "What", page.MilestoneName(v.Locale, milestone), "Was", v.DayOf(m.Was), "Now", v.DayOf(m.Day)))
		}
		return v.Locale.T("notice.moved.audience", "Dates", notice.Enumerate(v.Locale, moved))
	}
	if n.Audience != "" {
		text = n.Audience
	}
	if n.Kind == migration.NoticeReminder {
		text += " · " + v.Locale.T("notice.open_step", "Step", v.Locale.T("step."+n.Step))
	}
	return text
}

// when lists the days on which a notice is due for those to whom the dates are the programme's.
func when(v *page.Visit, n migration.Notice) string {
	l := v.Locale
	m, ok := v.Programme.Milestone(n.On.Milestone)
	if n.Kind == migration.NoticeCorrection {
		return l.T("notice.moved.when")
	}
	if !ok {
		return v.DayOf(n.On.Day)
	}
	days := make([]string, 0, len(n.On.Days))
	for _, d := range n.On.Days {
		days = append(days, fmt.Sprintf("%s (%+d)", v.DayOf(m.Day.AddDays(d)), d))
	}
	return l.T("notice.named", "Name", l.T("milestone."+m.Key), "Values", notice.Enumerate(l, days))
}

// counted are the groups of a notice's page with the group that each is a part of.
var counted = []struct{ group, of notice.Group }{
	{notice.All, ""},
	{notice.Waiting, notice.All},
	{notice.Sent, notice.All},
	{notice.Accepted, notice.All},
	{notice.Refused, notice.All},
	{notice.Bounced, notice.All},
	{notice.Complained, notice.All},
	{notice.Deferred, notice.All},
	{notice.Unknown, notice.All},
	{notice.Calls, notice.All},
	{notice.Dropped, notice.All},
	{notice.Failed, notice.All},
	{notice.Followed, notice.Sent},
	{notice.Scanned, notice.Sent},
	{notice.Opened, notice.Sent},
	{notice.Loaded, notice.Sent},
	{notice.Reached, notice.Sent},
	{notice.Silent, notice.Sent},
}

// reported are groups that only some mail gateways tell of.
var reported = []notice.Group{notice.Opened, notice.Loaded}

// counts lists what became of a notice's messages; each number leads to those whom it counts.
func counts(v *page.Visit, key string, c notice.Counts) (rows []ui.SummaryRow) {
	for _, x := range counted {
		if c[x.group] == 0 && slices.Contains(reported, x.group) {
			continue
		}
		row := ui.SummaryRow{Key: v.Locale.T("notice." + string(x.group)), Value: share(v.Locale, c[x.group], c[x.of])}
		if c[x.group] > 0 {
			row.Body = ui.A(ui.Link{Label: row.Value, URL: messagesURL(key, url.Values{"group": {string(x.group)}})})
		}
		rows = append(rows, row)
	}
	return rows
}

// partsTable counts a notice's messages by channel, tier and language; each number leads to those whom it counts.
func partsTable(v *page.Visit, key string, parts []notice.Part) *ui.Table {
	l := v.Locale
	t := &ui.Table{ID: "parts", Plain: true, Caption: l.T("console.table", "Title", l.T("notice.parts")), Columns: []ui.Column{
		{Label: l.T("notice.part")},
		{Label: l.T("notice.planned"), Numeric: true},
		{Label: l.T("notice.sent"), Numeric: true},
		{Label: l.T("notice.accepted"), Numeric: true},
		{Label: l.T("notice.refused"), Numeric: true},
		{Label: l.T("notice.bounced"), Numeric: true},
		{Label: l.T("notice.reached"), Numeric: true},
	}}
	for _, p := range parts {
		cells := []ui.Cell{{Text: l.T("notice.named", "Name", l.T("notice.by."+p.By), "Values", partName(v, p.By, p.Value))}}
		for _, x := range []struct{ group, of notice.Group }{
			{notice.All, ""},
			{notice.Sent, notice.All},
			{notice.Accepted, notice.All},
			{notice.Refused, notice.All},
			{notice.Bounced, notice.All},
			{notice.Reached, notice.Sent},
		} {
			cell := ui.Cell{Text: share(l, p.Counts[x.group], p.Counts[x.of])}
			if p.Counts[x.group] > 0 {
				cell.URL = messagesURL(key, url.Values{"group": {string(x.group)}, p.By: {queryOf(p)}})
			}
			cells = append(cells, cell)
		}
		t.Rows = append(t.Rows, ui.Row{Cells: cells})
	}
	return t
}

func wordings(v *page.Visit, n migration.Notice) (list []wording) {
	l := v.Locale
	for _, w := range n.Words {
		tier := l.T("notice.every_tier")
		for _, t := range v.Programme.Tiers {
			if t.Key == w.Tier {
				tier = l.Pick(t.Name)
			}
		}
		for _, tag := range v.Programme.Locales {
			one := wording{title: tier + " · " + locale.For(tag).T("language.name"), tag: tag}
			for _, part := range []struct {
				key  string
				text migration.Text
			}{{"title", w.Title}, {"opening", w.Opening}, {"next", w.Next}, {"sms", w.SMS}, {"script", w.Script}} {
				if part.text[tag] != "" {
					one.rows = append(one.rows, ui.SummaryRow{Key: l.T("notice.part." + part.key), Value: part.text[tag]})
				}
			}
			list = append(list, one)
		}
	}
	return list
}
