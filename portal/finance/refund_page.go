package finance

import (
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"offramp/auth"
	"offramp/internal/audit"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration/refund"
	"offramp/migration/refund/quote"
	"offramp/portal/console"
	"offramp/portal/document"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// refundView is one refund for those who decide about it.
type refundView struct {
	layout    ui.Page
	heading   ui.Heading
	errors    []ui.FieldError
	refused   *ui.Banner
	late      string
	tag       ui.Card         // of the request, with the state beside its title
	sum       string          // the main figure
	money     []ui.SummaryRow // what is decided about: where the money goes, and what was promised
	facts     []ui.SummaryRow // who asked and who had it in their hands
	reveal    *ui.Action
	quotes    []quoteView // what was frozen; behind it what would be worked out today, where that differs
	payments  ui.Table
	attempts  ui.Table
	documents ui.Table
	attach    document.Form
	talk      []ui.SummaryRow // question, answer, reason, objection
	history   ui.History
	act       *ui.Action // the one step that is next for this visitor
	why       string     // why there is none
	in        string     // the queue's filter from which it was opened
	back      string     // to the queue
	onward    bool       // the step can be followed by the next refund at once
	next      *ui.Link   // the refund behind it
	f         refund.State
	save      string // on the button of the step that goes on
	keys      string // which keys there are
	question  *questionForm
	decline   *declineForm
	again     *ui.Action
}

type questionForm struct {
	open    bool
	action  string
	version string
	text    ui.Area
	send    ui.Button
}

type declineForm struct {
	questionForm
	reason ui.Selection
}

func buildRefund(v *page.Visit, f refund.File, names people, d decision, layout ui.Page) refundView {
	l := v.Locale
	b := refundBuilder{Locale: l, v: v, f: f, names: names, d: d}
	view := refundView{
		layout: layout, refused: refusal(v, d.refused),
		heading: ui.Heading{Eyebrow: f.CustomerName + " · " + f.CustomerRef, Title: l.T("finance.refund", "Reference", f.Ref)}, sum: l.Money(f.Amount, f.Currency),
		tag:   ui.Card{ID: "request", Title: l.T("finance.decision"), Aside: ui.Tag("", console.RefundTurn(f.State), l.T("finance.state."+string(f.State)))},
		money: b.money(), facts: b.facts(), payments: b.payments(), attempts: b.attempts(), talk: b.talk(), history: b.history(),
	}
	view.quotes = []quoteView{newQuote(v, f.Quote, l.T("finance.calculation"), "calculation")}
	if f.Other != "" {
		view.quotes[0].table.Total[0].Text = l.T("finance.part.total")
	}
	if f.Current != nil {
		view.quotes[0].note = l.T("finance.calculation.changed")
		view.quotes = append(view.quotes, newQuote(v, *f.Current, l.T("finance.calculation.now"), "calculation-now"))
	}
	if f.Account.Kind != "" && d.revealed == nil {
		view.reveal = &ui.Action{URL: refundURL(f.Ref) + "/reveal", Button: ui.Button{Label: l.T("finance.reveal")}}
	}
	view.f = f.State
	b.late(&view)
	b.decisions(&view)
	b.documents(&view)
	return view
}

// placed keeps the place in the queue from which the refund was opened.
func (view *refundView) placed(v *page.Visit, in, next string) {
	view.in, view.back = in, QueuePath
	if in == "" {
		return
	}
	view.back = backTo(in)
	view.onward, view.keys = view.act != nil, v.Locale.T("finance.keys", "Keys", v.Locale.T("finance.keys.next"))
	view.save = v.Locale.T("finance.approve.next")
	if view.f == refund.Submitted || view.f == refund.Objected {
		view.save = v.Locale.T("finance.review.next")
	}
	if view.act != nil {
		view.act.Hidden = append(view.act.Hidden, ui.Pair{Name: "in", Value: in})
	}
	if next != "" {
		view.next = &ui.Link{Label: v.Locale.T("finance.next"), Hidden: next, URL: refundIn(next, in)}
	}
}

type refundBuilder struct {
	*locale.Locale
	v     *page.Visit
	f     refund.File
	names people
	d     decision
}

func (b refundBuilder) at(t *time.Time) string {
	if t == nil {
		return ""
	}
	return b.v.When(*t)
}

// money says what is decided about: how it is settled, to whom it goes and what was promised.
func (b refundBuilder) money() []ui.SummaryRow {
	f := b.f
	rows := []ui.SummaryRow{{Key: b.T("refund.method"), Value: b.T("refund.method." + string(f.Method))}}
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, ui.SummaryRow{Key: b.T(key), Value: value})
		}
	}
	if r, ok := b.v.Programme.Replacement(f.Replacement); ok {
		add("refund.replacement", b.Pick(r.Name))
	}
	b.account(add)
	if f.Other != "" {
		key := "finance.part.rest"
		if f.PaysRest {
			key = "finance.part.credit"
		}
		rows = append(rows, ui.SummaryRow{Key: b.T(key), Body: ui.A(ui.Link{Label: f.Other + " · " + b.T("finance.state."+string(f.OtherState)), URL: refundURL(f.Other)})})
	}
	add("finance.promised", b.promised())
	if f.Failure != "" {
		add("refund.failure", b.failure(f.Failure))
	}
	if f.SecondNeeded {
		add("finance.second", b.T("finance.second.needed"))
	}
	return rows
}

// facts say who asked, and who had it in their hands since.
func (b refundBuilder) facts() []ui.SummaryRow {
	f := b.f
	rows := []ui.SummaryRow{
		{Key: b.T("console.customer"), Value: f.CustomerName + " · " + f.CustomerRef},
		{Key: b.T("console.tier"), Value: page.TierName(b.Locale, b.v.Programme, f.Tier)},
		{Key: b.T("refund.requested"), Value: b.v.When(f.RequestedAt) + " · " + f.ContactName},
	}
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, ui.SummaryRow{Key: b.T(key), Value: value})
		}
	}
	done := func(key, who string, at *time.Time) {
		if at != nil {
			add(key, b.at(at)+" · "+b.names.of(who))
		}
	}
	done("finance.reviewed_by", f.ReviewedBy, f.ReviewedAt)
	done("finance.approved_by", f.ApprovedBy, f.ApprovedAt)
	done("finance.second_by", f.SecondApprovedBy, f.SecondApprovedAt)
	done("finance.released_by", f.ReleasedBy, f.ReleasedAt)
	add("refund.settled", b.at(f.SettledAt))
	if f.BatchID != "" {
		rows = append(rows, ui.SummaryRow{Key: b.T("finance.batch"), Body: ui.A(ui.Link{Label: b.T("finance.batch.open"), URL: batchURL(f.BatchID)})})
	}
	return rows
}

// promised says when the customer was promised what, by the same rule that tells them.
func (b refundBuilder) promised() string {
	var texts []string
	for _, s := range b.f.Stages(b.v.Programme.Zone, b.v.Now) {
		when := b.T("finance.promised.by", "Date", b.v.OurDay(s.By))
		switch {
		case s.Over:
			when = b.T("finance.promised.over")
		case s.By.IsZero():
			when = b.T("finance.promised.days", "Days", b.Number(int64(s.Days)))
		case s.Late:
			when = b.T("finance.promised.late", "Date", b.v.OurDay(s.By))
		}
		texts = append(texts, b.T("finance.promised.line", "What", b.T("finance.promised."+string(s.Key)), "When", when))
	}
	return strings.Join(texts, " · ")
}

// late marks what should have been done by now beside the state; the text says by when.
func (b refundBuilder) late(view *refundView) {
	for _, s := range b.f.Stages(b.v.Programme.Zone, b.v.Now) {
		if s.Late {
			view.tag.Aside = templ.Join(view.tag.Aside, ui.Tag("", console.Problem, b.T("finance.late.tag."+string(s.Key))))
			view.late = b.T("finance.late.text", "Date", b.v.OurDay(s.By))
		}
	}
}

// account shows the bank account masked, or as it was revealed.
func (b refundBuilder) account(add func(key, value string)) {
	a := b.f.Account
	if a.Kind == "" {
		return
	}
	number, bank := "**** "+a.Last4, a.Bank
	if b.d.revealed != nil {
		number, bank = b.d.revealed.Number, b.d.revealed.Bank
	}
	add("refund.account.holder", a.Holder)
	add("refund.account."+string(a.Kind), number)
	add("refund.account.bank", bank)
}

// failure words why a payment did not arrive: ours by its name, a bank's by its code.
func (b refundBuilder) failure(code string) string { return failureWord(b.Locale, code) }

func (b refundBuilder) payments() ui.Table {
	t := ui.Table{ID: "payments", Plain: true, Caption: caption(b.Locale, "finance.payments"), Columns: []ui.Column{
		{Label: b.T("finance.payment")},
		{Label: b.T("finance.invoice")},
		{Label: b.T("finance.paid_at")},
		{Label: b.T("finance.paid_by")},
		{Label: b.T("finance.provider_ref")},
		{Label: b.T("finance.given_back"), Numeric: true},
		{Label: b.T("refund.state")},
	}}
	for _, p := range b.f.Payments {
		state := b.T("finance.part.open")
		if p.Settled {
			state = b.T("finance.part.settled")
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: p.Ref},
			{Text: p.InvoiceRef},
			{Text: b.v.OurDay(p.PaidAt)},
			{Text: b.T("refundquote.method." + string(p.Method))},
			{Text: p.ProviderRef},
			{Text: b.Money(p.Amount, b.f.Currency)},
			{Text: state},
		}})
	}
	return t
}

func (b refundBuilder) attempts() ui.Table {
	t := ui.Table{ID: "attempts", Plain: true, Caption: caption(b.Locale, "finance.attempts"), Empty: b.T("finance.attempts.none"), Columns: []ui.Column{
		{Label: b.T("finance.attempt")},
		{Label: b.T("finance.channel")},
		{Label: b.T("finance.payment")},
		{Label: b.T("refund.amount"), Numeric: true},
		{Label: b.T("refund.state")},
		{Label: b.T("finance.provider_id")},
		{Label: b.T("finance.planned")},
		{Label: b.T("finance.next_look")},
	}}
	for _, a := range b.f.Attempts {
		state := b.T("finance.attempt." + a.State)
		if a.Failure != "" {
			state += " · " + b.failure(a.Failure)
		}
		if a.Code != "" && a.Code != a.Failure {
			state += " · " + codeWord(b.Locale, a.Code)
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: b.Number(int64(a.Number))},
			{Text: b.T("finance.channel." + a.Channel)},
			{Text: a.Payment},
			{Text: b.Money(a.Amount, b.f.Currency)},
			{Text: state},
			{Text: a.Provider},
			{Text: b.v.When(a.PlannedAt)},
			{Text: b.at(a.NextAt)},
		}})
	}
	return t
}

func (b refundBuilder) talk() []ui.SummaryRow {
	f := b.f
	var rows []ui.SummaryRow
	for _, one := range []struct{ key, value string }{
		{"refund.question", f.Question},
		{"refund.answer", f.Answer},
		{"refund.reason", b.declined()},
		{"refund.objection", f.Objection},
		{"refund.object_until", b.at(f.ObjectUntil)},
	} {
		if one.value != "" {
			rows = append(rows, ui.SummaryRow{Key: b.T(one.key), Value: one.value})
		}
	}
	return rows
}

func (b refundBuilder) declined() string {
	if b.f.Reason == "" {
		return ""
	}
	text := b.T("refund.reason." + string(b.f.Reason))
	if b.f.ReasonText != "" {
		text += " " + b.f.ReasonText
	}
	return text
}

func (b refundBuilder) history() ui.History {
	h := ui.History{Locale: b.Locale, Zone: b.v.Zone()}
	for i := len(b.f.History) - 1; i >= 0; i-- {
		e := b.f.History[i]
		by := b.names.of(e.Actor)
		if e.ActorKind == string(audit.System) {
			by = b.T("console.actor.system")
		}
		h.Events = append(h.Events, ui.Event{At: e.At, What: b.T("finance.happened." + e.Kind), By: by, Detail: e.Text})
	}
	return h
}

// decisions offers what this visitor may do now, or says why nothing.
func (b refundBuilder) decisions(view *refundView) {
	f, v := b.f, b.v
	version := strconv.Itoa(f.Version)
	post := func(act, label string, kind ui.Kind) *ui.Action {
		return &ui.Action{URL: refundURL(f.Ref) + "/" + act, Hidden: []ui.Pair{{Name: "version", Value: version}}, Button: ui.Button{Label: b.T(label), Kind: kind}}
	}
	switch f.State {
	case refund.Submitted, refund.Objected:
		b.step(view, auth.FinanceClerk, f.MayReview, post("review", "finance.review", ui.Primary), "finance.wait.clerk")
	case refund.Reviewed, refund.Second:
		b.step(view, auth.FinanceApprover, f.MayApprove, post("approve", "finance.approve", ui.Primary), "finance.wait.approver")
	default:
		view.why = b.T("finance.wait." + string(f.State))
	}
	if canSendBack(f.State) {
		b.forms(view, version)
	}
	if v.Session.Has(auth.FinanceReleaser) && stuck(f) {
		view.again = post("again", "finance.again", ui.Plain)
	}
}

// step offers an act to those whose it is; to others it says whom it waits for.
func (b refundBuilder) step(view *refundView, role auth.Role, may bool, act *ui.Action, waits string) {
	switch {
	case !b.v.Session.Has(role):
		view.why = b.T(waits)
	case !may:
		view.why = b.T("finance.blocked.took_part")
	case b.f.Held != nil:
		if held, ok := fault.As(b.f.Held); ok {
			view.why = b.T(held.Key)
		}
	default:
		view.act = act
	}
}

// canSendBack reports whether the customer may still be asked, or refused.
func canSendBack(s refund.State) bool {
	return contains([]refund.State{refund.Submitted, refund.Objected, refund.Reviewed, refund.Second, refund.Approved, refund.Questioned}, s)
}

// stuck reports whether an attempt failed for a reason that is ours, so that only we can try again.
func stuck(f refund.File) bool {
	if f.State != refund.Released && f.State != refund.Unknown {
		return false
	}
	for _, a := range f.Attempts {
		if a.State == "failed" {
			return true
		}
	}
	return false
}

func (b refundBuilder) forms(view *refundView, version string) {
	faults := wrong(b.v, b.d.refused)
	area := func(act, id string) ui.Area {
		a := ui.Area{Field: ui.Field{Locale: b.Locale, ID: id, Label: b.T("finance." + act + ".text"), Hint: b.T("finance." + act + ".hint")}, MaxLength: refund.MaxText}
		if b.d.act == act {
			a.Value = b.d.text
			if a.Error = faults["text"]; faults[id] != "" {
				a.Error = faults[id]
			}
			if a.Error != "" {
				view.errors = append(view.errors, ui.FieldError{FieldID: id, Text: a.Error})
			}
		}
		return a
	}
	if b.f.State != refund.Questioned {
		view.question = &questionForm{
			open: b.d.act == "question", action: refundURL(b.f.Ref) + "/question", version: version, text: area("question", "question"),
			send: ui.Button{Label: b.T("finance.question.send")},
		}
	}
	d := declineForm{questionForm: questionForm{
		open: b.d.act == "decline", action: refundURL(b.f.Ref) + "/decline", version: version, text: area("decline", "text"),
		send: ui.Button{Label: b.T("finance.decline.send"), Kind: ui.Danger},
	}}
	d.reason = ui.Selection{Field: ui.Field{Locale: b.Locale, ID: "reason", Label: b.T("refund.reason")}, Options: []ui.Option{{Label: b.T("finance.decline.choose")}}}
	if b.d.act == "decline" && faults["reason"] != "" {
		d.reason.Error = faults["reason"]
		view.errors = append(view.errors, ui.FieldError{FieldID: "reason", Text: faults["reason"]})
	}
	for _, r := range refund.Reasons {
		d.reason.Options = append(d.reason.Options, ui.Option{Value: string(r), Label: b.T("refund.reason." + string(r)), Selected: b.d.act == "decline" && b.d.reason == string(r)})
	}
	view.decline = &d
	view.layout.Errors = len(view.errors) > 0
}

// quoteView is a calculation, line by line.
type quoteView struct {
	card   ui.Card
	note   string
	worded quote.Worded
	table  ui.Table
}

func newQuote(v *page.Visit, q quote.Quote, title, id string) quoteView {
	l, w := v.Locale, quote.Word(v.Locale, q, v.Programme)
	view := quoteView{card: ui.Card{ID: id, Title: title, Meta: w.Policy}, worded: w}
	view.table = ui.Table{ID: id + "-lines", Plain: true, Caption: l.T("console.table", "Title", title), Columns: []ui.Column{{Label: l.T("finance.line")}, {Label: l.T("finance.formula"), Wide: true}, {Label: l.T("refund.amount"), Numeric: true}}}
	for _, p := range w.Parts {
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{{Text: p.Title}, {Text: p.Paid + " · " + p.Period}, {Body: templ.NopComponent}}})
		for _, line := range p.Lines {
			view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{{Text: line.Label}, {Text: line.Formula}, {Text: line.Amount}}})
		}
	}
	view.table.Total = []ui.Cell{{Text: l.T("refund.total"), Span: 2}, {Text: w.Total}}
	return view
}

// tasksView lists what a human has to look at.
type tasksView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	none    *ui.Empty
	tasks   []taskCard
	more    string
}

type taskCard struct {
	card   ui.Card
	text   string
	detail string
	link   *ui.Link
	action string
	note   ui.Input
	done   ui.Button
}

func buildTasks(v *page.Visit, tasks []refund.Task, bad lineFault, layout ui.Page) tasksView {
	l := v.Locale
	view := tasksView{layout: layout, heading: ui.Heading{Eyebrow: l.T("finance.queue"), Title: l.T("finance.tasks"), Lead: l.T("finance.tasks.lead")}}
	if len(tasks) == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("finance.tasks.none"), Text: l.T("finance.tasks.none.text")}
	}
	if len(tasks) > tasksShown {
		tasks, view.more = tasks[:tasksShown], l.T("ui.more.oldest", "Count", l.Number(tasksShown))
	}
	for _, t := range tasks {
		id := "task-" + t.ID
		card := taskCard{
			card: ui.Card{ID: id, Title: l.T("finance.task." + t.Kind), Meta: v.When(t.OpenedAt)}, text: l.T("finance.task." + t.Kind + ".text"), detail: t.Detail,
			action: TasksPath + "/" + t.ID + "/done", done: ui.Button{Label: l.T("finance.task.done")},
			note: ui.Input{Field: ui.Field{Locale: l, ID: id + "-note", Name: "note", Label: l.T("finance.note")}, MaxLength: 500},
		}
		if t.ID == bad.line {
			faults := wrong(v, bad.refused)
			card.note.Value = bad.note
			if card.note.Error = faults["note"]; faults["text"] != "" {
				card.note.Error = faults["text"]
			}
			view.errors, view.layout.Errors = []ui.FieldError{{FieldID: card.note.ID, Text: card.note.Error}}, true
		}
		if t.Ref != "" {
			card.link = &ui.Link{Label: t.Ref, URL: refundURL(t.Ref)}
		}
		view.tasks = append(view.tasks, card)
	}
	return view
}
