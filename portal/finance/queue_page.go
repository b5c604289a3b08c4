package finance

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"offramp/auth"
	"offramp/migration/refund"
	"offramp/portal/console"
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
	tiles   []tile
	budget  *budgetCard
	tasks   *ui.Banner
	scans   *ui.Banner // documents wait for the scanner for too long
	search  ui.Input
	chips   []chip
	more    bool // the other filters are open
	selects []ui.Selection
	inputs  []ui.Input
	files   []ui.Link
	table   ui.Table
	parts   []string    // where the money of the filter stands, by currency
	totals  *totalsView // where the table's foot does not have them
	pages   ui.Pages
	first   *ui.Link // back to the first page
	back    string   // the filter, for the way back
	bulk    bool     // the visitor may approve, and sees something to
	all     string   // on the button that selects the whole list
	hint    string   // under the table
}

// tile is one figure, which leads to the refunds that it counts.
type tile struct {
	label, value, note string
	url                string // empty: it leads nowhere
	here               bool   // these are shown
}

// chip is one part of the filter that is set, and the way to take it off.
type chip struct {
	label, url, off string
}

func buildQueue(v *page.Visit, list queueList, layout ui.Page) queueView {
	l, q := v.Locale, list.query
	view := queueView{
		layout: layout, heading: ui.Heading{Title: l.T("finance.queue"), Lead: l.T("finance.queue.lead")}, back: q.values().Encode(),
		tiles: tiles(v, q, list.figures), budget: newBudget(v, list.figures.Budget), pages: ui.Pages{Locale: l}, bulk: v.Session.Has(auth.FinanceApprover) && len(list.page.Rows) > 0,
	}
	if list.refused == nil {
		view.files = []ui.Link{{Label: "CSV", URL: q.url(QueuePath+".csv", ""), Download: true}, {Label: "XLSX", URL: q.url(QueuePath+".xlsx", ""), Download: true}}
	}
	view.warn(v, list.figures)
	faults := wrong(v, list.refused)
	if faults["text"] != "" {
		faults["q"] = faults["text"]
	}
	view.fields(v, q, faults)
	view.chips = chips(v, q)
	for _, s := range list.page.Stands {
		if text := parted(v, s); text != "" {
			view.parts = append(view.parts, text)
		}
	}
	if faults["after"]+faults["exact"] != "" { // of no field: a link has lost something on its way
		view.errors, view.layout.Errors = append(view.errors, ui.FieldError{Text: l.T("refund.filter.after")}), true
	}
	view.table = queueTable(v, list, view.bulk)
	if list.page.AtLeast {
		totals := buildTotals(v, q, list.page.Totals, true, list.stopped)
		view.table.Feet, view.totals = nil, &totals
	}
	if view.bulk {
		view.hint, view.all = l.T("finance.bulk.hint"), l.T("finance.bulk.all")
		if n := counted(list.page.Totals); n > refund.BulkLimit || list.page.AtLeast && n > refund.TotalsLimit {
			view.all = l.T("finance.bulk.all.first", "Count", l.Number(refund.BulkLimit))
		}
	}
	if list.page.Next != "" {
		view.pages.NextURL = q.url(QueuePath, list.page.Next)
	}
	if q.after != "" {
		view.first = &ui.Link{Label: l.T("finance.first_page"), URL: q.url(QueuePath, "")}
	}
	return view
}

// warn says what somebody has to look at beside the queue.
func (view *queueView) warn(v *page.Visit, f refund.Figures) {
	l := v.Locale
	if f.Tasks > 0 {
		view.tasks = &ui.Banner{Tone: "warn", Title: l.N("finance.tasks.open", f.Tasks), Link: &ui.Link{Label: l.T("finance.tasks"), URL: TasksPath}}
	}
	if w := f.Scans; w.Long(v.Now) {
		view.scans = &ui.Banner{Tone: "warn", Title: l.N("finance.scan.wait", w.Count, "When", v.When(*w.Since)), Text: l.T("finance.scan.waits")}
	}
}

// tiles are the figures above the queue: how many refunds wait for whom, with the ledger's sums, and the age of the oldest.
func tiles(v *page.Visit, q query, f refund.Figures) []tile {
	l := v.Locale
	sum := func(of func(refund.Standing) int64, states ...refund.State) string {
		var totals []refund.Total
		for _, s := range f.States {
			if n := of(s.Standing); n != 0 && (len(states) == 0 || contains(states, s.State)) {
				totals = add(totals, refund.Total{Currency: s.Currency, Amount: n})
			}
		}
		return sums(v, totals)
	}
	due := func(s refund.Standing) int64 { return s.Due }
	notes := map[string]string{
		"to_review": sum(due, refund.Submitted, refund.Objected), "to_approve": sum(due, refund.Reviewed, refund.Second),
		"to_pay":     sum(func(s refund.Standing) int64 { return s.Approved }),
		"on_the_way": sum(func(s refund.Standing) int64 { return s.OnTheWay }),
		"unknown":    sum(func(s refund.Standing) int64 { return s.Unknown }),
	}
	var list []tile
	for _, key := range []string{"to_review", "to_approve", "to_pay", "on_the_way", "unknown"} {
		group, _ := statusOf(key)
		states, label := group.states, l.T("finance.state.unknown")
		switch key {
		case "on_the_way":
			states = []refund.State{refund.Released}
			group.key = "released"
			label = l.T("finance.status.on_the_way")
		case "unknown":
		default:
			label = l.T("finance.status." + key)
		}
		list = append(list, tile{label: label, value: l.Number(count(f.States, states)), note: notes[key], url: QueuePath + "?status=" + group.key, here: q.status == group.key})
	}
	list = append(list, lateTile(v, q, f))
	return list
}

// counted is how many refunds some totals count.
func counted(list []refund.Total) (n int64) {
	for _, t := range list {
		n += t.Count
	}
	return n
}

// lateTile counts what should have been done by now, as the customers are told, and says how long the oldest waits for us.
func lateTile(v *page.Visit, q query, figures refund.Figures) tile {
	l, n := v.Locale, 0
	t := tile{label: l.T("finance.late"), note: l.T("finance.late.none"), url: QueuePath + "?late=yes", here: q.late}
	var parts []string
	for _, f := range figures.Late {
		n += f.Count
		parts = append(parts, l.T("finance.late."+string(f.Stage), "Count", l.Number(int64(f.Count))))
	}
	t.value = l.Number(int64(n))
	if n > refund.TotalsLimit { // counting stopped there
		t.value, parts = l.T("finance.late.more", "Count", l.Number(refund.TotalsLimit)), nil
		t.note = ""
	}
	if figures.Oldest != nil {
		parts = append(parts, l.T("finance.age.oldest", "Age", l.Duration(v.Now.Sub(*figures.Oldest))))
	}
	if len(parts) > 0 {
		t.note = strings.Join(parts, " · ")
	}
	return t
}

// count counts the refunds in some states.
func count(figures []refund.StateFigure, states []refund.State) (n int64) {
	for _, f := range figures {
		if contains(states, f.State) {
			n += f.Count
		}
	}
	return n
}

// parted says where the money of a filter stands, where it is not all at one place.
func parted(v *page.Visit, s refund.Stand) string {
	l := v.Locale
	var texts []string
	for _, part := range standingParts(s.Standing) {
		if part.amount != 0 {
			texts = append(texts, l.T("finance.part", "What", l.T("refund.column."+part.key), "Amount", l.Money(part.amount, s.Currency)))
		}
	}
	if len(texts) < 2 {
		return ""
	}
	return strings.Join(texts, " · ")
}

func (view *queueView) fields(v *page.Visit, q query, wrong map[string]string) {
	l := v.Locale
	view.search = ui.Input{Field: ui.Field{Locale: l, ID: "q", Label: l.T("finance.filter.q"), Error: wrong["q"]}, Type: "search", Value: q.text, MaxLength: 100}
	choose := func(id, label, chosen string, options []ui.Option) {
		for i := range options {
			options[i].Selected = options[i].Value == chosen
		}
		view.selects = append(view.selects, ui.Selection{Field: ui.Field{Locale: l, ID: id, Label: label, Error: wrong[id]}, Options: options})
		view.note(id, label, wrong)
	}
	var states []ui.Option
	for _, g := range groups {
		states = append(states, ui.Option{Value: g.key, Label: l.T("finance.status." + g.key)})
	}
	for _, s := range refund.States {
		states = append(states, ui.Option{Value: string(s), Label: l.T("finance.filter.state", "State", l.T("finance.state."+string(s)))})
	}
	choose("status", l.T("finance.filter.status"), q.status, states)
	tiers := []ui.Option{{Label: l.T("finance.filter.any")}}
	for _, t := range v.Programme.Tiers {
		tiers = append(tiers, ui.Option{Value: t.Key, Label: page.TierName(v.Locale, v.Programme, t.Key)})
	}
	late := ""
	if q.late {
		late = "yes"
	}
	choose("late", l.T("finance.late"), late, []ui.Option{{Label: l.T("finance.filter.any")}, {Value: "yes", Label: l.T("finance.late.only")}})
	choose("tier", l.T("console.tier"), q.tier, tiers)
	methods := []ui.Option{{Label: l.T("finance.filter.any")}}
	for _, m := range refund.Methods {
		methods = append(methods, ui.Option{Value: string(m), Label: l.T("refund.method." + string(m))})
	}
	choose("method", l.T("finance.filter.method"), q.method, methods)
	view.note("q", view.search.Label, wrong)
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

// note lists the fault of a field, and opens the part of the form that it stands in. The same words can stand beside several, so each
// bears the field's name.
func (view *queueView) note(id, label string, wrong map[string]string) {
	if wrong[id] != "" {
		view.errors = append(view.errors, ui.FieldError{FieldID: id, Label: label, Text: wrong[id]})
		view.layout.Errors = true
		view.more = view.more || id != "q"
	}
}

// chips are the parts of the filter that are set.
func chips(v *page.Visit, q query) []chip {
	l := v.Locale
	var list []chip
	put := func(label string, without query) {
		list = append(list, chip{label: label, url: without.url(QueuePath, ""), off: l.T("finance.chip.off", "What", label)})
	}
	without := func(change func(*query)) query {
		next := q
		change(&next)
		return next
	}
	if s, ok := statusOf(q.status); ok && s.key != "all" {
		label := l.T("finance.status." + s.key)
		if !l.Has("finance.status." + s.key) {
			label = l.T("finance.state." + s.key)
		}
		put(label, without(func(n *query) { n.status = "all" }))
	}
	if q.text != "" {
		put(l.T("finance.chip.text", "Text", q.text), without(func(n *query) { n.text = "" }))
	}
	if q.tier != "" {
		put(page.TierName(l, v.Programme, q.tier), without(func(n *query) { n.tier = "" }))
	}
	if q.method != "" {
		if l.Has("refund.method." + q.method) {
			put(l.T("refund.method."+q.method), without(func(n *query) { n.method = "" }))
		}
	}
	if q.currency != "" {
		put(q.currency, without(func(n *query) { n.currency, n.least, n.most = "", "", "" }))
	}
	if q.least != "" {
		put(l.T("finance.chip.least", "Amount", q.least), without(func(n *query) { n.least = "" }))
	}
	if q.most != "" {
		put(l.T("finance.chip.most", "Amount", q.most), without(func(n *query) { n.most = "" }))
	}
	if q.late {
		put(l.T("finance.late"), without(func(n *query) { n.late = false }))
	}
	if q.older != "" {
		put(l.T("finance.chip.older", "Days", q.older), without(func(n *query) { n.older = "" }))
	}
	return list
}

// only reports whether the filter is a group of states and nothing else.
func (q query) only() bool {
	return q.tier+q.method+q.currency+q.least+q.most+q.text+q.older == "" && !q.late
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
		{Label: l.T("finance.step"), Hidden: true},
	}}
	if id := "finance.queue.none." + list.query.status; list.query.only() && l.Has(id) {
		t.Empty = l.T(id)
	}
	if alone := list.query; alone.late {
		if alone.late, alone.status = false, "all"; alone.only() && list.query.status == "all" {
			t.Empty = l.T("finance.queue.none.late")
		}
	}
	if list.refused != nil {
		t.Empty = l.T("finance.queue.unread")
	}
	in := list.query.values().Encode()
	if bulk {
		t.Columns = append([]ui.Column{{Label: l.T("finance.select"), Hidden: true, All: true}}, t.Columns...)
	}
	for i, r := range list.page.Rows {
		t.Rows = append(t.Rows, queueRow(v, list.names, i, r, bulk, in))
	}
	for _, total := range list.page.Totals {
		span := 5
		if bulk {
			span++
		}
		t.Feet = append(t.Feet, []ui.Cell{{Text: l.N("finance.total", int(total.Count)), Span: span}, {Text: l.Money(total.Amount, total.Currency)}, {Span: 3}})
	}
	return t
}

func queueRow(v *page.Visit, names people, i int, r refund.Row, bulk bool, in string) ui.Row {
	l := v.Locale
	state := "state-" + strconv.Itoa(i)
	address := refundIn(r.Ref, in)
	body := stateTag(v, r)
	blocked := ""
	if bulk {
		blocked = cannotApprove(v, r)
	}
	if blocked != "" && waitsForApproval(r.State) {
		body = ui.Tag("", console.Over, l.T(blocked))
	}
	row := ui.Row{Blocked: blocked != "" && waitsForApproval(r.State), Cells: []ui.Cell{
		{Text: r.Ref, URL: address},
		{Text: r.CustomerName + " · " + r.CustomerRef},
		{Text: page.TierName(v.Locale, v.Programme, r.Tier)},
		{Text: v.When(r.RequestedAt)},
		{Text: l.T("refund.method." + string(r.Method))},
		{Text: l.Money(r.Amount, r.Currency)},
		{Text: names.of(r.ReviewedBy)},
		{Body: body, ID: state},
		{Body: ui.LinkButton(ui.Quiet, ui.Link{Label: l.T(step(v, r, blocked)), Hidden: r.Ref, URL: address})},
	}}
	if bulk {
		check := ui.Check(ui.RowCheck{ID: "pick-" + strconv.Itoa(i), Name: "ref", Value: choice(r), Label: r.Ref, Disabled: blocked != "", DescribedBy: state})
		row.Cells = append([]ui.Cell{{Body: check}}, row.Cells...)
	}
	return row
}

// stateTag is a refund's state, with what its approval still needs.
func stateTag(v *page.Visit, r refund.Row) templ.Component {
	tag := ui.Tag("", console.RefundTurn(r.State), v.Locale.T("finance.state."+string(r.State)))
	if r.Late(v.Programme.Zone, v.Now) {
		tag = templ.Join(tag, ui.Tag("", console.Problem, v.Locale.T("finance.late.tag."+string(refund.StageOf(r.State)))))
	}
	if !refund.NeedsSecond(v.Programme, r) {
		return tag
	}
	return templ.Join(tag, noteText(v.Locale.T("finance.second.then")))
}

// step is the message of the one thing that this visitor does with a row.
func step(v *page.Visit, r refund.Row, blocked string) string {
	switch {
	case (r.State == refund.Submitted || r.State == refund.Objected) && v.Session.Has(auth.FinanceClerk):
		return "finance.step.review"
	case waitsForApproval(r.State) && v.Session.Has(auth.FinanceApprover) && blocked == "":
		return "finance.step.approve"
	}
	return "finance.step.open"
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
	part    *ui.Banner // there are more than can be approved at once
	second  *ui.Banner // some of them need a second person
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
		{Label: l.T("refund.reference")}, {Label: l.T("console.customer")}, {Label: l.T("refund.method")}, {Label: l.T("refund.amount"), Numeric: true}, {Label: l.T("finance.bulk.then")},
	}}
	var totals []refund.Total
	second := 0
	for _, r := range rows {
		then := ui.Tag("", console.RefundTurn(refund.Approved), l.T("finance.bulk.then.approved"))
		switch blocked := cannotApprove(v, r); {
		case blocked != "":
			then = noteText(l.T(blocked))
		case refund.NeedsSecond(v.Programme, r):
			second++
			then = ui.Tag("", console.RefundTurn(refund.Second), l.T("finance.bulk.then.second"))
		}
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: r.Ref, URL: refundURL(r.Ref)},
			{Text: r.CustomerName + " · " + r.CustomerRef},
			{Text: l.T("refund.method." + string(r.Method))},
			{Text: l.Money(r.Amount, r.Currency)},
			{Body: then},
		}})
		totals = add(totals, refund.Total{Currency: r.Currency, Count: 1, Amount: r.Amount})
	}
	if second > 0 {
		view.second = &ui.Banner{Tone: "warn", Title: l.N("finance.bulk.second", second)}
	}
	for _, t := range totals {
		view.table.Feet = append(view.table.Feet, []ui.Cell{{Text: l.N("finance.total", int(t.Count)), Span: 3}, {Text: l.Money(t.Amount, t.Currency)}, {}})
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
	l, done, waiting := v.Locale, 0, 0
	view := resultsView{layout: layout, heading: ui.Heading{Eyebrow: l.T("finance.queue"), Title: l.T("finance.results")}, back: ui.Link{Label: l.T("finance.bulk.back"), URL: back}}
	view.table = ui.Table{ID: "results", Caption: l.T("finance.results"), Columns: []ui.Column{{Label: l.T("refund.reference")}, {Label: l.T("finance.result")}}}
	for _, r := range results {
		cell := ui.Cell{}
		if r.Err == nil {
			if r.State == refund.Second {
				waiting++
			} else {
				done++
			}
			cell.Body = ui.Tag("", console.RefundTurn(r.State), l.T("finance.state."+string(r.State)))
		} else {
			cell.Text = reason(v, r.Err)
		}
		view.table.Rows = append(view.table.Rows, ui.Row{Blocked: r.Err != nil, Cells: []ui.Cell{{Text: r.Ref, URL: refundURL(r.Ref)}, cell}})
	}
	view.verdict = ui.Banner{Tone: "ok", Title: l.N("finance.results.done", done)}
	waits, fails := l.N("finance.results.waiting", waiting), ""
	if failed := len(results) - done - waiting; failed > 0 {
		view.verdict.Tone, fails = "warn", l.N("finance.results.failed", failed)
	}
	switch {
	case waiting > 0 && fails != "":
		view.verdict.Text = l.T("finance.results.both", "Waiting", waits, "Failed", fails)
	case waiting > 0:
		view.verdict.Text = waits
	default:
		view.verdict.Text = fails
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
