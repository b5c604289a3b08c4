package finance

import (
	"cmp"
	"strconv"
	"strings"

	"offramp/internal/locale"
	"offramp/migration/refund"
	"offramp/portal/console"
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
	more    string
}

func buildImports(v *page.Visit, imports []refund.Import, names people, refused error, layout ui.Page) importsView {
	l := v.Locale
	view := importsView{
		layout: layout, refused: refusal(v, refused), heading: ui.Heading{Title: l.T("finance.bank"), Lead: l.T("finance.bank.lead")},
		file: ui.Input{Field: ui.Field{Locale: l, ID: "file", Label: l.T("finance.bank.file"), Hint: l.T("finance.bank.file.hint")}, Type: "file"},
		send: ui.Button{Label: l.T("finance.bank.send"), Kind: ui.Primary},
	}
	view.fileFaults(v, refused)
	view.table = ui.Table{ID: "imports", Plain: true, Caption: caption(l, "finance.bank.imports"), Empty: l.T("finance.bank.none"), Columns: []ui.Column{
		{Label: l.T("finance.bank.name")},
		{Label: l.T("finance.bank.at")},
		{Label: l.T("finance.bank.by")},
		{Label: l.T("finance.bank.matched"), Numeric: true},
		{Label: l.T("finance.bank.differing"), Numeric: true},
		{Label: l.T("finance.bank.returned"), Numeric: true},
		{Label: l.T("finance.bank.unmatched"), Numeric: true},
		{Label: l.T("finance.bank.passed"), Numeric: true},
		{Label: l.T("finance.bank.open"), Numeric: true},
	}}
	if len(imports) > importsShown {
		imports, view.more = imports[:importsShown], l.T("ui.more.latest", "Count", l.Number(importsShown))
	}
	for _, i := range imports {
		count := func(n int) ui.Cell { return ui.Cell{Text: l.Number(int64(n))} }
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: i.Name, URL: importURL(i.ID)},
			{Text: v.When(i.ImportedAt)},
			{Text: names.of(i.ImportedBy)},
			count(i.Matched), count(i.Differing), count(i.Returned), count(i.Unmatched), count(i.PassedCount()), count(i.Open),
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
	passed  ui.Table
}

// lineCard is one line that somebody has to look at, or looked at.
type lineCard struct {
	card   ui.Card
	facts  []ui.SummaryRow
	note   string // what to do about it
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
	refund.QueueMatched: console.Done, refund.QueueDiffering: console.Problem, refund.QueueReturned: console.Ours, refund.QueueUnmatched: console.Ours,
}

func buildImport(v *page.Visit, i importLines, layout ui.Page) importView {
	l := v.Locale
	view := importView{
		layout: layout, refused: refusal(v, i.bad.refused),
		heading: ui.Heading{Eyebrow: l.T("finance.bank"), Title: i.Name, Lead: v.When(i.ImportedAt) + " · " + i.names.of(i.ImportedBy)},
		facts:   []ui.SummaryRow{{Key: "SHA-256", Body: ui.Copyable(l, i.SHA256, l.T("finance.batch.checksum"))}},
	}
	counts := map[refund.Queue]int{refund.QueueMatched: i.Matched, refund.QueueDiffering: i.Differing, refund.QueueReturned: i.Returned, refund.QueueUnmatched: i.Unmatched}
	view.tabs = []ui.Link{{Label: l.T("finance.bank.all"), URL: importURL(i.ID)}}
	for _, q := range queues {
		view.stats = append(view.stats, ui.Stat{Label: l.T("finance.bank." + string(q)), Value: l.Number(int64(counts[q]))})
		view.tabs = append(view.tabs, ui.Link{Label: l.T("finance.bank." + string(q)), URL: importURL(i.ID) + "?queue=" + string(q)})
	}
	view.stats = append(view.stats, ui.Stat{Label: l.T("finance.bank.passed"), Value: l.Number(int64(i.PassedCount()))})
	view.passed = passedTable(l, i.Import)
	for _, line := range i.lines {
		view.lines = append(view.lines, view.line(v, i, line))
	}
	if len(i.lines) == 0 {
		view.none = l.T("finance.bank.lines.none")
	}
	if len(i.lines) == linesShown {
		all := map[refund.Queue]int{
			"": i.Matched + i.Differing + i.Returned + i.Unmatched, refund.QueueMatched: i.Matched, refund.QueueDiffering: i.Differing, refund.QueueReturned: i.Returned,
			refund.QueueUnmatched: i.Unmatched,
		}[refund.Queue(i.queue)]
		if all > linesShown {
			view.more = l.T("finance.batch.more", "Count", l.Number(linesShown), "Total", l.Number(int64(all)))
		}
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
	view.whole(l, r, fact)
	fact("refund.amount", l.Money(r.Amount, r.Currency))
	if r.Expected != 0 && r.Expected != r.Amount {
		fact("finance.bank.expected", l.Money(r.Expected, r.Currency))
	}
	state := "finance.bank.booked"
	if !r.Booked {
		state = "finance.bank.came_back"
	}
	if r.Unclear != "" {
		state, card.note = "finance.bank.unclear", l.T("finance.bank.unclear."+string(r.Unclear))
	}
	fact("refund.state", l.T(state))
	fact("finance.bank.reason", codeWord(l, r.Reason))
	fact("finance.bank.detail", r.Detail)
	if !r.Date.IsZero() {
		fact("finance.bank.day", v.OurDay(r.Date))
	}
	fact("finance.bank.bank_ref", r.BankRef)
	if r.SettledAt != nil {
		fact("finance.bank.settled", v.When(*r.SettledAt)+" · "+i.names.of(r.SettledBy))
		fact("finance.note", r.Note)
	}
	switch {
	case r.Ref != "":
		card.link = &ui.Link{Label: r.Ref, URL: refundURL(r.Ref)}
	case r.BatchRef != "":
		card.link = &ui.Link{Label: l.T("finance.batch.one", "Reference", r.BatchRef), URL: batchURL(r.BatchID)}
	}
	if card.note == "" && r.Whole {
		card.note = wholeNote(l, r)
	}
	view.forms(v, i, r, &card)
	return card
}

// whole tells what the bank calls a payment, or a batch that it booked as one.
func (view *importView) whole(l *locale.Locale, r refund.BankResult, fact func(key, value string)) {
	if !r.Whole {
		fact("finance.end_to_end", r.EndToEnd)
		return
	}
	fact("finance.bank.whole", cmp.Or(r.EndToEnd, l.T("finance.bank.whole.unnamed")))
	if r.Payments > 0 {
		fact("finance.bank.payments", l.Number(int64(r.Payments)))
	}
}

// wholeNote says what to do about a batch that was booked as one and does not fit; empty: it does.
func wholeNote(l *locale.Locale, r refund.BankResult) string {
	switch {
	case r.Queue == refund.QueueUnmatched:
		return l.T("finance.bank.whole.open")
	case r.Queue == refund.QueueDiffering && r.Expected == r.Amount && r.Payments == 0:
		return l.T("finance.bank.whole.state")
	case r.Queue == refund.QueueDiffering:
		return l.T("finance.bank.whole.differs")
	}
	return ""
}

// passedTable is what of a file concerns no refund.
func passedTable(l *locale.Locale, i refund.Import) ui.Table {
	t := ui.Table{ID: "passed", Plain: true, Caption: caption(l, "finance.bank.passed.title"), Empty: l.T("finance.bank.passed.none"), Columns: []ui.Column{
		{Label: l.T("finance.bank.passed.why")}, {Label: l.T("finance.bank.passed.count"), Numeric: true}, {Label: l.T("finance.bank.passed.lines")},
	}}
	for _, p := range i.Passed {
		numbers := make([]string, len(p.Lines))
		for n, line := range p.Lines {
			numbers[n] = strconv.Itoa(line)
		}
		lines := strings.Join(numbers, ", ")
		if p.Count > len(p.Lines) {
			lines = l.T("finance.bank.passed.lines.more", "Lines", lines, "Count", l.Number(int64(p.Count-len(p.Lines))))
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: l.T("finance.bank.passed." + string(p.Why))}, {Text: l.Number(int64(p.Count))}, {Text: lines}}})
	}
	return t
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
	if r.Queue != refund.QueueReturned {
		card.match = &lineForm{action: at + "/match", inputs: []ui.Input{input("ref", "ref", ref)}, send: ui.Button{Label: l.T("finance.bank.match")}}
	}
	card.settle = &lineForm{action: at + "/settle", inputs: []ui.Input{input("note", "note", note)}, send: ui.Button{Label: l.T("finance.bank.settle")}}
}
