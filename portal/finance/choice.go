package finance

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration/refund"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// choicePath is where a batch is put together.
const choicePath = BatchesPath + "/new"

// choiceShown is how many refunds are shown to choose among.
const choiceShown = 500

func choiceURL(m refund.Method, currency, older string) string {
	q := url.Values{"method": {string(m)}, "currency": {currency}}
	if older != "" {
		q.Set("older", older)
	}
	return choicePath + "?" + q.Encode()
}

// pick is what a batch is put together from: a method, a currency, an age, and the ticks.
type pick struct {
	method          refund.Method
	currency, older string
	days            int
	chosen          []refund.Choice
}

// readPick takes a pick apart. An error with Fields names what cannot be searched for.
func readPick(form page.Form) (k pick, err error) {
	k = pick{method: refund.Method(form.Get("method")), currency: form.Get("currency"), older: form.Get("older")}
	if k.older != "" {
		if k.days, err = strconv.Atoi(k.older); err != nil || k.days < 0 {
			k.days = 0
			return k, errFilter.Field("older", "finance.filter.days", nil)
		}
	}
	return k, nil
}

// ShowChoice lists what can go into a batch.
func (p *Pages) ShowChoice(c echo.Context) error {
	form, err := page.ReadQuery(c, page.Line("method", 20), page.Line("currency", 3), page.Line("older", 4))
	if f, ok := fault.As(err); err != nil && (!ok || len(f.Fields) == 0) {
		return err
	}
	if err != nil {
		return p.showChoice(c, pick{method: refund.Method(form.Get("method")), currency: form.Get("currency"), older: form.Get("older")}, err)
	}
	k, err := readPick(form)
	return p.showChoice(c, k, err)
}

func (p *Pages) showChoice(c echo.Context, k pick, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	payables, err := p.Refunds.Payables(ctx, staff(c))
	if err != nil {
		return err
	}
	if k.method == "" && k.currency == "" && len(payables) > 0 {
		k.method, k.currency = payables[0].Method, payables[0].Currency
	}
	items, err := p.Refunds.Payable(ctx, staff(c), k.method, k.currency, k.days, choiceShown+1)
	if err != nil {
		return err
	}
	names, err := p.approvers(c, items)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		status = http.StatusUnprocessableEntity
	}
	return page.Render(c, status, choicePage(buildChoice(v, k, payables, items, names, refused, p.layout(c, v.Locale.T("finance.choice"), "batches"))))
}

func (p *Pages) approvers(c echo.Context, items []refund.Item) (people, error) {
	var ids []string
	for _, i := range items {
		ids = append(ids, i.ApprovedBy)
	}
	return p.names(c.Request().Context(), staff(c), ids...)
}

// choose shows what was ticked, and makes the batch of exactly that once it is confirmed.
func (p *Pages) choose(c echo.Context, form page.Form) error {
	k, err := readPick(form)
	if err != nil {
		return p.showChoice(c, k, err)
	}
	if k.chosen, err = readChoices(form.All("ref")); err != nil {
		return err
	}
	if len(k.chosen) == 0 {
		return p.showChoice(c, k, errFilter.Field("ref", "finance.choice.empty", nil))
	}
	var refused []refund.Result
	if form.Get("step") == "create" {
		b, left, err := p.Refunds.CreateBatchOf(c.Request().Context(), staff(c), k.method, k.currency, k.chosen)
		switch {
		case refusal(page.Of(c), err) != nil:
			return p.showBatches(c, http.StatusConflict, err)
		case err != nil:
			return err
		case len(left) == 0:
			return p.batchMade(c, b)
		}
		refused = left
		k.chosen = slices.DeleteFunc(k.chosen, func(one refund.Choice) bool {
			return slices.ContainsFunc(left, func(r refund.Result) bool { return r.Ref == one.Ref })
		})
	}
	return p.showPreview(c, k, refused)
}

func (p *Pages) showPreview(c echo.Context, k pick, refused []refund.Result) error {
	v, ctx := page.Of(c), c.Request().Context()
	refs := make([]string, len(k.chosen))
	for i, one := range k.chosen {
		refs[i] = one.Ref
	}
	items, err := p.Refunds.Chosen(ctx, staff(c), refs)
	if err != nil {
		return err
	}
	names, err := p.approvers(c, items)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if len(refused) > 0 {
		status = http.StatusConflict
	}
	layout := p.layout(c, v.Locale.T("finance.choice.confirm"), "batches")
	layout.Path = choiceURL(k.method, k.currency, k.older)
	return page.Render(c, status, previewPage(buildPreview(v, k, items, names, refused, layout)))
}

// choiceView is what can go into a batch.
type choiceView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	selects []ui.Selection
	older   ui.Input
	hidden  []ui.Pair
	table   ui.Table
	more    string
	all     ui.Action
}

func buildChoice(v *page.Visit, k pick, payables []refund.Payable, items []refund.Item, names people, refused error, layout ui.Page) choiceView {
	l := v.Locale
	view := choiceView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("finance.batches"), Title: l.T("finance.choice"), Lead: l.T("finance.choice.lead")},
		older:  ui.Input{Field: ui.Field{Locale: l, ID: "older", Label: l.T("finance.choice.older"), Hint: l.T("finance.choice.older.hint")}, Value: k.older, MaxLength: 4, InputMode: "numeric", Width: "short"},
		hidden: k.hidden(),
	}
	method := ui.Selection{Field: ui.Field{Locale: l, ID: "method", Label: l.T("refund.method")}}
	currency := ui.Selection{Field: ui.Field{Locale: l, ID: "currency", Label: l.T("finance.currency")}}
	for _, x := range payables {
		method.Options = option(method.Options, string(x.Method), l.T("refund.method."+string(x.Method)), string(k.method))
		currency.Options = option(currency.Options, x.Currency, x.Currency, k.currency)
	}
	view.selects = []ui.Selection{method, currency}
	if len(items) > choiceShown {
		items = items[:choiceShown]
		view.more = l.T("finance.choice.more", "Shown", l.Number(choiceShown))
		view.all = ui.Action{
			URL: BatchesPath, Hidden: []ui.Pair{{Name: "method", Value: string(k.method)}, {Name: "currency", Value: k.currency}},
			Button: ui.Button{Label: l.T("finance.choice.all")},
		}
	}
	view.table = k.table(v, items, names, true)
	if f, ok := fault.As(refused); ok && refused != nil {
		for _, field := range f.Fields {
			text := l.T(field.Key, pairs(field.Args)...)
			at := field.Name
			if field.Name == "older" {
				view.older.Error = text
			} else if at == "ref" {
				if at = "pick-0"; len(items) == 0 {
					at = ""
				}
			}
			view.errors = append(view.errors, ui.FieldError{FieldID: at, Text: text})
		}
		view.layout.Errors = true
	}
	return view
}

// option adds a value once; the current one is selected.
func option(list []ui.Option, value, label, current string) []ui.Option {
	if slices.ContainsFunc(list, func(o ui.Option) bool { return o.Value == value }) {
		return list
	}
	return append(list, ui.Option{Value: value, Label: label, Selected: value == current})
}

func (k pick) hidden() []ui.Pair {
	return []ui.Pair{{Name: "method", Value: string(k.method)}, {Name: "currency", Value: k.currency}, {Name: "older", Value: k.older}}
}

// table lists refunds with what is compared before money goes out, each with a tick where something is chosen among them.
func (k pick) table(v *page.Visit, items []refund.Item, names people, ticks bool) ui.Table {
	l := v.Locale
	t := ui.Table{ID: "choice", Caption: l.T("finance.choice.table"), Empty: l.T("finance.choice.none"), Columns: []ui.Column{
		{Label: l.T("refund.reference")},
		{Label: l.T("console.customer")},
		{Label: l.T("finance.batch.account"), Wide: true},
		{Label: l.T("finance.approved_by")},
		{Label: l.T("refund.requested")},
		{Label: l.T("refund.amount"), Numeric: true},
	}}
	if ticks {
		t.Columns = append([]ui.Column{{Label: l.T("finance.select"), Hidden: true, All: true}}, t.Columns...)
	}
	var totals []refund.Total
	for i, r := range items {
		row := ui.Row{Cells: []ui.Cell{
			{Text: r.Ref, URL: refundURL(r.Ref)},
			{Text: r.CustomerName + " · " + r.CustomerRef},
			{Text: accountText(l, r.Account)},
			{Text: names.of(r.ApprovedBy)},
			{Text: v.When(r.RequestedAt)},
			{Text: l.Money(r.Amount, r.Currency)},
		}}
		if ticks {
			check := ui.Check(ui.RowCheck{ID: "pick-" + strconv.Itoa(i), Name: "ref", Value: choice(r.Row), Label: r.Ref, Checked: true})
			row.Cells = append([]ui.Cell{{Body: check}}, row.Cells...)
		}
		t.Rows = append(t.Rows, row)
		totals = add(totals, refund.Total{Currency: r.Currency, Count: 1, Amount: r.Amount})
	}
	for _, total := range totals {
		t.Feet = append(t.Feet, []ui.Cell{{Text: l.N("finance.total", int(total.Count)), Span: len(t.Columns) - 1}, {Text: l.Money(total.Amount, total.Currency)}})
	}
	return t
}

// previewView is what a batch would be made of.
type previewView struct {
	layout  ui.Page
	heading ui.Heading
	refused *ui.Banner
	reasons []string
	hidden  []ui.Pair
	table   ui.Table
	create  *ui.Button // nil: nothing is left of what was chosen
	back    ui.Link
}

func buildPreview(v *page.Visit, k pick, items []refund.Item, names people, refused []refund.Result, layout ui.Page) previewView {
	l := v.Locale
	view := previewView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("finance.batches"), Title: l.T("finance.choice.confirm"), Lead: l.T("finance.choice.confirm.lead")},
		hidden: k.hidden(), table: k.table(v, items, names, false), back: ui.Link{Label: l.T("finance.choice.back"), URL: choiceURL(k.method, k.currency, k.older)},
	}
	for _, one := range k.chosen {
		view.hidden = append(view.hidden, ui.Pair{Name: "ref", Value: one.Ref + ":" + strconv.Itoa(one.Version)})
	}
	if len(refused) > 0 {
		view.refused = &ui.Banner{Tone: "bad", Title: l.N("finance.choice.refused", len(refused))}
	}
	for _, r := range refused {
		key, state := "finance.choice.refused.state", ""
		switch r.State {
		case "":
			key = "finance.choice.refused.gone"
		case refund.Approved:
			key = "finance.choice.refused.changed"
		default:
			state = l.T("finance.state." + string(r.State))
		}
		view.reasons = append(view.reasons, l.T(key, "Reference", r.Ref, "State", state))
	}
	if len(items) > 0 {
		var sum []refund.Total
		for _, i := range items {
			sum = add(sum, refund.Total{Currency: i.Currency, Count: 1, Amount: i.Amount})
		}
		view.create = &ui.Button{Label: l.N("finance.choice.make", len(items), "Sum", sums(v, sum)), Kind: ui.Primary, Name: "step", Value: "create"}
	}
	return view
}
