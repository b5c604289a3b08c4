package finance

import (
	"strconv"

	"github.com/a-h/templ"

	"offramp/auth"
	"offramp/migration/refund"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// queueList is what was asked for and found.
type queueList struct {
	query   query
	page    refund.QueuePage
	figures refund.Figures
	names   people
	refused error
	stopped bool // counting all took too long
}

// queueView is the queue.
type queueView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	stats   []ui.Stat
	tasks   *ui.Banner
	selects []ui.Selection
	inputs  []ui.Input
	files   []ui.Link
	table   ui.Table
	totals  *totalsView // where the table's foot does not have them
	pages   ui.Pages
	first   *ui.Link // back to the first page
	back    string   // the filter, for the way back
	bulk    bool     // the visitor may approve, and sees something to
	hint    string   // under the table
}

func buildQueue(v *page.Visit, list queueList, layout ui.Page) queueView {
	l, q := v.Locale, list.query
	view := queueView{
		layout: layout, heading: ui.Heading{Title: l.T("finance.queue"), Lead: l.T("finance.queue.lead")}, back: q.values().Encode(),
		stats: stats(v, list.figures), pages: ui.Pages{Locale: l}, bulk: v.Session.Has(auth.FinanceApprover) && len(list.page.Rows) > 0,
	}
	if list.refused == nil {
		view.files = []ui.Link{{Label: "CSV", URL: q.url(QueuePath+".csv", ""), Download: true}, {Label: "XLSX", URL: q.url(QueuePath+".xlsx", ""), Download: true}}
	}
	if n := list.figures.Tasks; n > 0 {
		view.tasks = &ui.Banner{Tone: "warn", Title: l.N("finance.tasks.open", n), Link: &ui.Link{Label: l.T("finance.tasks"), URL: TasksPath}}
	}
	faults := wrong(v, list.refused)
	if faults["text"] != "" {
		faults["q"] = faults["text"]
	}
	view.fields(v, q, faults)
	if faults["after"]+faults["exact"] != "" { // of no field: a link has lost something on its way
		view.errors, view.layout.Errors = append(view.errors, ui.FieldError{Text: l.T("refund.filter.after")}), true
	}
	view.table = queueTable(v, list, view.bulk)
	if list.page.AtLeast {
		totals := buildTotals(v, q, list.page.Totals, true, list.stopped)
		view.table.Feet, view.totals = nil, &totals
	}
	if view.bulk {
		view.hint = l.T("finance.bulk.hint")
	}
	if list.page.Next != "" {
		view.pages.NextURL = q.url(QueuePath, list.page.Next)
	}
	if q.after != "" {
		view.first = &ui.Link{Label: l.T("finance.first_page"), URL: q.url(QueuePath, "")}
	}
	return view
}

// stats are the figures above the queue: count and sums of what waits for whom, the age, the budget.
func stats(v *page.Visit, f refund.Figures) []ui.Stat {
	l := v.Locale
	var list []ui.Stat
	for _, key := range []string{"to_review", "to_approve", "to_pay", "on_the_way"} {
		group, _ := statusOf(key)
		count, text := tally(v, f.States, group.states)
		list = append(list, ui.Stat{Label: l.T("finance.status." + key), Value: l.Number(count), Note: text})
	}
	age := l.T("finance.age.none")
	if f.Oldest != nil {
		age = l.Duration(v.Now.Sub(*f.Oldest))
	}
	list = append(list, ui.Stat{Label: l.T("finance.age"), Value: age, Note: l.T("finance.age.note")})
	for _, b := range f.Budget {
		if b.Budget > 0 {
			list = append(list, ui.Stat{
				Label: l.T("finance.budget", "Currency", b.Currency), Value: l.Percent(b.Spent+b.Open, b.Budget),
				Note: l.T("finance.budget.note", "Spent", l.MoneyWhole(b.Spent, b.Currency), "Open", l.MoneyWhole(b.Open, b.Currency), "Budget", l.MoneyWhole(b.Budget, b.Currency)),
			})
		}
	}
	return list
}

// tally counts the figures of some states and writes their sums, one per currency.
func tally(v *page.Visit, figures []refund.StateFigure, states []refund.State) (count int64, text string) {
	var totals []refund.Total
	for _, f := range figures {
		if contains(states, f.State) {
			count += f.Count
			totals = add(totals, f.Total)
		}
	}
	return count, sums(v, totals)
}

func (view *queueView) fields(v *page.Visit, q query, wrong map[string]string) {
	l := v.Locale
	choose := func(id, chosen string, options []ui.Option) {
		for i := range options {
			options[i].Selected = options[i].Value == chosen
		}
		view.selects = append(view.selects, ui.Selection{Field: ui.Field{Locale: l, ID: id, Label: l.T("finance.filter." + id), Error: wrong[id]}, Options: options})
		view.note(id, l.T("finance.filter."+id), wrong)
	}
	var states []ui.Option
	for _, g := range groups {
		states = append(states, ui.Option{Value: g.key, Label: l.T("finance.status." + g.key)})
	}
	for _, s := range refund.States {
		states = append(states, ui.Option{Value: string(s), Label: l.T("finance.filter.state", "State", l.T("finance.state."+string(s)))})
	}
	choose("status", q.status, states)
	tiers := []ui.Option{{Label: l.T("finance.filter.any")}}
	for _, t := range v.Programme.Tiers {
		tiers = append(tiers, ui.Option{Value: t.Key, Label: page.TierName(v.Locale, v.Programme, t.Key)})
	}
	choose("tier", q.tier, tiers)
	methods := []ui.Option{{Label: l.T("finance.filter.any")}}
	for _, m := range refund.Methods {
		methods = append(methods, ui.Option{Value: string(m), Label: l.T("refund.method." + string(m))})
	}
	choose("method", q.method, methods)
	view.input(v, wrong, ui.Input{Field: ui.Field{ID: "q"}, Type: "search", Value: q.text, MaxLength: 100})
	view.input(v, wrong, ui.Input{Field: ui.Field{ID: "currency"}, Value: q.currency, MaxLength: 3, Width: "short"})
	view.input(v, wrong, ui.Input{Field: ui.Field{ID: "least"}, Value: q.least, InputMode: "decimal", Width: "short"})
	view.input(v, wrong, ui.Input{Field: ui.Field{ID: "most"}, Value: q.most, InputMode: "decimal", Width: "short"})
	view.input(v, wrong, ui.Input{Field: ui.Field{ID: "older"}, Value: q.older, InputMode: "numeric", Width: "short", MaxLength: 4})
}

func (view *queueView) input(v *page.Visit, wrong map[string]string, i ui.Input) {
	i.Locale, i.Label, i.Error = v.Locale, v.Locale.T("finance.filter."+i.ID), wrong[i.ID]
	view.inputs = append(view.inputs, i)
	view.note(i.ID, i.Label, wrong)
}

// note lists the fault of a field. The same words can stand beside several, so each bears the field's name.
func (view *queueView) note(id, label string, wrong map[string]string) {
	if wrong[id] != "" {
		view.errors = append(view.errors, ui.FieldError{FieldID: id, Label: label, Text: wrong[id]})
		view.layout.Errors = true
	}
}

func queueTable(v *page.Visit, list queueList, bulk bool) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "queue", Caption: l.T("finance.queue"), Empty: l.T("finance.queue.none"), Columns: []ui.Column{
		{Label: l.T("refund.reference")},
		{Label: l.T("console.customer")},
		{Label: l.T("console.tier")},
		{Label: l.T("refund.requested")},
		{Label: l.T("refund.method")},
		{Label: l.T("refund.amount"), Numeric: true},
		{Label: l.T("finance.reviewed_by")},
		{Label: l.T("refund.state")},
	}}
	if list.refused != nil {
		t.Empty = l.T("finance.queue.unread")
	}
	if bulk {
		t.Columns = append([]ui.Column{{Label: l.T("finance.select"), Hidden: true}}, t.Columns...)
	}
	for i, r := range list.page.Rows {
		t.Rows = append(t.Rows, queueRow(v, list.names, i, r, bulk))
	}
	for _, total := range list.page.Totals {
		span := 5
		if bulk {
			span++
		}
		t.Feet = append(t.Feet, []ui.Cell{{Text: l.N("finance.total", int(total.Count)), Span: span}, {Text: l.Money(total.Amount, total.Currency)}, {Span: 2}})
	}
	return t
}

func queueRow(v *page.Visit, names people, i int, r refund.Row, bulk bool) ui.Row {
	l := v.Locale
	state := "state-" + strconv.Itoa(i)
	body := ui.Tag("", tones[r.State], l.T("finance.state."+string(r.State)))
	blocked := ""
	if bulk {
		blocked = cannotApprove(v, r)
	}
	if blocked != "" && waitsForApproval(r.State) {
		body = ui.Tag("", ui.ToneCannotStart, l.T(blocked))
	}
	row := ui.Row{Blocked: blocked != "" && waitsForApproval(r.State), Cells: []ui.Cell{
		{Text: r.Ref, URL: refundURL(r.Ref)},
		{Text: r.CustomerName + " · " + r.CustomerRef},
		{Text: page.TierName(v.Locale, v.Programme, r.Tier)},
		{Text: l.DateTime(r.RequestedAt, v.Zone())},
		{Text: l.T("refund.method." + string(r.Method))},
		{Text: l.Money(r.Amount, r.Currency)},
		{Text: names.of(r.ReviewedBy)},
		{Body: body, ID: state},
	}}
	if bulk {
		check := ui.Check(ui.RowCheck{ID: "pick-" + strconv.Itoa(i), Name: "ref", Value: choice(r), Label: r.Ref, Disabled: blocked != "", DescribedBy: state})
		row.Cells = append([]ui.Cell{{Body: check}}, row.Cells...)
	}
	return row
}

// choice is a row as the bulk form sends it.
func choice(r refund.Row) string { return r.Ref + ":" + strconv.Itoa(r.Version) }

func waitsForApproval(s refund.State) bool { return s == refund.Reviewed || s == refund.Second }

// cannotApprove is the message key of why this visitor cannot approve a refund; empty when they can.
func cannotApprove(v *page.Visit, r refund.Row) string {
	switch me := v.Session.IdentityID; {
	case !waitsForApproval(r.State):
		return "finance.blocked.state"
	case r.ReviewedBy == me:
		return "finance.blocked.reviewed"
	case r.State == refund.Second && r.ApprovedBy == me:
		return "finance.blocked.approved"
	}
	return ""
}

// bulkView asks whether what was selected is to be approved.
type bulkView struct {
	layout  ui.Page
	heading ui.Heading
	table   ui.Table
	refs    []string
	query   string // of the queue
	approve ui.Button
	cancel  ui.Link
}

func buildBulk(v *page.Visit, rows []refund.Row, choices []refund.Choice, back string, layout ui.Page) bulkView {
	l := v.Locale
	view := bulkView{layout: layout, heading: ui.Heading{Eyebrow: l.T("finance.queue"), Title: l.N("finance.bulk.ask", len(choices)), Lead: l.T("finance.bulk.text")}}
	view.query = trimQueue(back)
	view.table = ui.Table{ID: "selected", Caption: l.T("finance.bulk"), Columns: []ui.Column{
		{Label: l.T("refund.reference")}, {Label: l.T("console.customer")}, {Label: l.T("refund.method")}, {Label: l.T("refund.amount"), Numeric: true},
	}}
	var totals []refund.Total
	for _, r := range rows {
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Ref, URL: refundURL(r.Ref)}, {Text: r.CustomerName + " · " + r.CustomerRef}, {Text: l.T("refund.method." + string(r.Method))}, {Text: l.Money(r.Amount, r.Currency)},
		}})
		totals = add(totals, refund.Total{Currency: r.Currency, Count: 1, Amount: r.Amount})
	}
	for _, t := range totals {
		view.table.Feet = append(view.table.Feet, []ui.Cell{{Text: l.N("finance.total", int(t.Count)), Span: 3}, {Text: l.Money(t.Amount, t.Currency)}})
	}
	for _, c := range choices {
		view.refs = append(view.refs, c.Ref+":"+strconv.Itoa(c.Version))
	}
	view.approve = ui.Button{Label: l.N("finance.bulk.go", len(choices)), Kind: ui.Primary, Name: "confirmed", Value: "yes"}
	view.cancel = ui.Link{Label: l.T("finance.bulk.back"), URL: back}
	return view
}

// resultsView says what became of each refund.
type resultsView struct {
	layout  ui.Page
	heading ui.Heading
	verdict ui.Banner
	table   ui.Table
	back    ui.Link
}

func buildResults(v *page.Visit, results []refund.Result, back string, layout ui.Page) resultsView {
	l, done := v.Locale, 0
	view := resultsView{layout: layout, heading: ui.Heading{Eyebrow: l.T("finance.queue"), Title: l.T("finance.results")}, back: ui.Link{Label: l.T("finance.bulk.back"), URL: back}}
	view.table = ui.Table{ID: "results", Caption: l.T("finance.results"), Columns: []ui.Column{{Label: l.T("refund.reference")}, {Label: l.T("finance.result")}}}
	for _, r := range results {
		cell := ui.Cell{}
		if r.Err == nil {
			done++
			cell.Body = ui.Tag("", tones[r.State], l.T("finance.state."+string(r.State)))
		} else {
			cell.Text = reason(v, r.Err)
		}
		view.table.Rows = append(view.table.Rows, ui.Row{Blocked: r.Err != nil, Cells: []ui.Cell{{Text: r.Ref, URL: refundURL(r.Ref)}, cell}})
	}
	view.verdict = ui.Banner{Tone: "ok", Title: l.N("finance.results.done", done)}
	if failed := len(results) - done; failed > 0 {
		view.verdict = ui.Banner{Tone: "warn", Title: l.N("finance.results.done", done), Text: l.N("finance.results.failed", failed)}
	}
	return view
}

// totalsView has the totals of a filter below the table.
type totalsView struct {
	lines []string
	note  string
	count *ui.Link // counts all without a script
	load  templ.Attributes
}

// buildTotals words totals. Lower bounds are counted whole by the page itself, unless that was tried and took too long.
func buildTotals(v *page.Visit, q query, totals []refund.Total, atLeast, tried bool) totalsView {
	l, view := v.Locale, totalsView{}
	var count int64
	for _, t := range totals {
		id := "finance.total.line"
		if atLeast {
			id = "finance.total.least_line"
		}
		count += t.Count
		view.lines = append(view.lines, l.N(id, int(t.Count), "Sum", l.Money(t.Amount, t.Currency)))
	}
	switch {
	case !atLeast && q.text != "" && count > refund.TotalsLimit:
		view.note = l.T("finance.total.listed", "Limit", l.Number(refund.TotalsLimit))
	case atLeast && tried:
		view.note = l.T("finance.total.stopped")
	case atLeast:
		view.load = templ.Attributes{"hx-get": q.url(QueuePath+"/totals", ""), "hx-trigger": "load", "hx-swap": "outerHTML"}
		view.count = &ui.Link{Label: l.T("finance.total.count"), URL: q.url(QueuePath, "") + "&exact=yes"}
	}
	return view
}
