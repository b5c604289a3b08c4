package finance

import (
	"offramp/migration/refund"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// importsView lists files of bank results.
type importsView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	refused *ui.Banner
	file    ui.Input
	send    ui.Button
	table   ui.Table
}

func buildImports(v *page.Visit, imports []refund.Import, names people, refused error, layout ui.Page) importsView {
	l := v.Locale
	view := importsView{
		layout: layout, refused: refusal(v, refused), heading: ui.Heading{Title: l.T("finance.bank"), Lead: l.T("finance.bank.lead")},
		file: ui.Input{Field: ui.Field{Locale: l, ID: "file", Label: l.T("finance.bank.file"), Hint: l.T("finance.bank.file.hint"), Error: wrong(v, refused)["file"]}, Type: "file"},
		send: ui.Button{Label: l.T("finance.bank.send"), Kind: ui.Primary},
	}
	if view.file.Error != "" {
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "file", Text: view.file.Error}}, true
	}
	view.table = ui.Table{ID: "imports", Plain: true, Caption: caption(l, "finance.bank.imports"), Empty: l.T("finance.bank.none"), Columns: []ui.Column{
		{Label: l.T("finance.bank.name")},
		{Label: l.T("finance.bank.at")},
		{Label: l.T("finance.bank.by")},
		{Label: l.T("finance.bank.matched"), Numeric: true},
		{Label: l.T("finance.bank.differing"), Numeric: true},
		{Label: l.T("finance.bank.returned"), Numeric: true},
		{Label: l.T("finance.bank.unmatched"), Numeric: true},
		{Label: l.T("finance.bank.open"), Numeric: true},
	}}
	for _, i := range imports {
		count := func(n int) ui.Cell { return ui.Cell{Text: l.Number(int64(n))} }
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: i.Name, URL: importURL(i.ID)},
			{Text: l.DateTime(i.ImportedAt, v.Zone())},
			{Text: names.of(i.ImportedBy)},
			count(i.Matched), count(i.Differing), count(i.Returned), count(i.Unmatched), count(i.Open),
		}})
	}
	return view
}

// importLines is one file as it was asked for.
type importLines struct {
	refund.Import
	lines []refund.BankResult
	queue string
	names people
	bad   lineFault
}

// importView is one file of bank results.
type importView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	refused *ui.Banner
	stats   []ui.Stat
	tabs    []ui.Link
	facts   []ui.SummaryRow
	none    string
	lines   []lineCard
	more    string
}

// lineCard is one line that somebody has to look at, or looked at.
type lineCard struct {
	card   ui.Card
	facts  []ui.SummaryRow
	link   *ui.Link
	match  *lineForm
	settle *lineForm
	reopen *ui.Action
}

type lineForm struct {
	action string
	inputs []ui.Input
	send   ui.Button
}

var queueTones = map[refund.Queue]ui.Tone{
	refund.QueueMatched: ui.ToneCompleted, refund.QueueDiffering: ui.ToneProblem, refund.QueueReturned: ui.ToneActionNeeded, refund.QueueUnmatched: ui.ToneActionNeeded,
}

func buildImport(v *page.Visit, i importLines, layout ui.Page) importView {
	l := v.Locale
	view := importView{
		layout: layout, refused: refusal(v, i.bad.refused),
		heading: ui.Heading{Eyebrow: l.T("finance.bank"), Title: i.Name, Lead: l.DateTime(i.ImportedAt, v.Zone()) + " · " + i.names.of(i.ImportedBy)},
		facts:   []ui.SummaryRow{{Key: "SHA-256", Body: ui.Copyable(l, i.SHA256, l.T("finance.batch.checksum"))}},
	}
	counts := map[refund.Queue]int{refund.QueueMatched: i.Matched, refund.QueueDiffering: i.Differing, refund.QueueReturned: i.Returned, refund.QueueUnmatched: i.Unmatched}
	view.tabs = []ui.Link{{Label: l.T("finance.bank.all"), URL: importURL(i.ID)}}
	for _, q := range queues {
		view.stats = append(view.stats, ui.Stat{Label: l.T("finance.bank." + string(q)), Value: l.Number(int64(counts[q]))})
		view.tabs = append(view.tabs, ui.Link{Label: l.T("finance.bank." + string(q)), URL: importURL(i.ID) + "?queue=" + string(q)})
	}
	for _, line := range i.lines {
		view.lines = append(view.lines, view.line(v, i, line))
	}
	if len(i.lines) == 0 {
		view.none = l.T("finance.bank.lines.none")
	}
	if len(i.lines) == linesShown {
		view.more = l.T("finance.batch.more", "Count", l.Number(linesShown))
	}
	view.layout.Errors = len(view.errors) > 0
	return view
}

func (view *importView) line(v *page.Visit, i importLines, r refund.BankResult) lineCard {
	l := v.Locale
	card := lineCard{card: ui.Card{
		ID: lineID(r.Line, "card"), Title: l.T("finance.bank.line", "Number", r.Line), Aside: ui.Tag("", queueTones[r.Queue], l.T("finance.bank."+string(r.Queue))),
	}}
	fact := func(key, value string) {
		if value != "" {
			card.facts = append(card.facts, ui.SummaryRow{Key: l.T(key), Value: value})
		}
	}
	fact("finance.end_to_end", r.EndToEnd)
	fact("refund.amount", l.Money(r.Amount, r.Currency))
	if r.Expected != 0 && r.Expected != r.Amount {
		fact("finance.bank.expected", l.Money(r.Expected, r.Currency))
	}
	state := "finance.bank.booked"
	if !r.Booked {
		state = "finance.bank.came_back"
	}
	fact("refund.state", l.T(state))
	fact("finance.bank.reason", reasonOf(r))
	if !r.Date.IsZero() {
		fact("finance.bank.day", l.ShortDate(r.Date, v.Programme.Zone))
	}
	fact("finance.bank.bank_ref", r.BankRef)
	if r.SettledAt != nil {
		fact("finance.bank.settled", l.DateTime(*r.SettledAt, v.Zone())+" · "+i.names.of(r.SettledBy))
		fact("finance.note", r.Note)
	}
	if r.Ref != "" {
		card.link = &ui.Link{Label: r.Ref, URL: refundURL(r.Ref)}
	}
	view.forms(v, i, r, &card)
	return card
}

func reasonOf(r refund.BankResult) string {
	if r.Detail != "" && r.Reason != "" {
		return r.Reason + " · " + r.Detail
	}
	return r.Reason + r.Detail
}

func (view *importView) forms(v *page.Visit, i importLines, r refund.BankResult, card *lineCard) {
	l, at := v.Locale, importURL(i.ID)+"/lines/"+r.ID
	switch {
	case r.Queue == refund.QueueMatched:
		return
	case r.SettledAt != nil:
		card.reopen = &ui.Action{URL: at + "/reopen", Button: ui.Button{Label: l.T("finance.bank.reopen")}}
		return
	}
	input := func(what, name, value string) ui.Input {
		in := ui.Input{Field: ui.Field{Locale: l, ID: lineID(r.Line, what), Name: name, Label: l.T("finance.bank." + name)}, Value: value, MaxLength: 500}
		if i.bad.line == r.ID {
			if in.Error = wrong(v, i.bad.refused)[name]; name == "note" && in.Error == "" {
				in.Error = wrong(v, i.bad.refused)["text"]
			}
			if in.Error != "" {
				view.errors = append(view.errors, ui.FieldError{FieldID: in.ID, Text: in.Error})
			}
		}
		return in
	}
	ref, note := "", ""
	if i.bad.line == r.ID {
		ref, note = i.bad.ref, i.bad.note
	}
	if r.Queue != refund.QueueReturned && (i.bad.line != r.ID || i.bad.ref != "") {
		card.match = &lineForm{action: at + "/match", inputs: []ui.Input{input("ref", "ref", ref)}, send: ui.Button{Label: l.T("finance.bank.match")}}
	}
	card.settle = &lineForm{action: at + "/settle", inputs: []ui.Input{input("note", "note", note)}, send: ui.Button{Label: l.T("finance.bank.settle")}}
}
