package manager

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/console"
	"offramp/portal/customer"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// waitersShown is how many customers who wait for a code are listed.
const waitersShown = 100

// ShowReplacements is how step 3 stands: what was decided and why, the codes of offers and who waits for one, and whether
// what customers use could be counted.
func (p *Pages) ShowReplacements(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	var d choiceDesk
	var err error
	if d.decisions, err = p.Choices.Decisions(ctx); err != nil {
		return err
	}
	if d.pools, err = p.Choices.Pools(ctx, v.Programme); err != nil {
		return err
	}
	if d.features, err = p.Choices.Features(ctx, v.Programme); err != nil {
		return err
	}
	if d.waiting, err = p.Choices.Waiting(ctx, v.Session.IdentityID, waitersShown+1); err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("nav.replacements"), "programme")
	return page.Render(c, http.StatusOK, replacementsPage(buildReplacements(v, d, layout)))
}

// choiceDesk is what was read of step 3.
type choiceDesk struct {
	decisions []replacement.Tally
	pools     []replacement.Pool
	waiting   []replacement.Waiter
	features  []replacement.FeatureReport
}

// replacementsView is the page about step 3.
type replacementsView struct {
	layout    ui.Page
	heading   ui.Heading
	alerts    []ui.Banner
	decisions ui.Table
	pools     ui.Table
	waiting   ui.Table
	features  ui.Table
}

// buildReplacements words the page.
func buildReplacements(v *page.Visit, d choiceDesk, layout ui.Page) replacementsView {
	l := v.Locale
	view := replacementsView{layout: layout, heading: ui.Heading{Eyebrow: l.T("console.programme"), Title: l.T("nav.replacements"), Lead: l.T("console.choices.lead")}}
	view.decisions, view.waiting = decisions(v, d.decisions), waiting(v, d.waiting)
	view.pools = choiceTable(l, l.T("console.pools"), "pools", l.T("console.pools.none"), []ui.Column{
		{Label: l.T("choice.row.product")}, {Label: l.T("console.pool.free"), Numeric: true}, {Label: l.T("console.pool.drawn"), Numeric: true}, {Label: l.T("console.pool.waiting"), Numeric: true},
	})
	for _, x := range d.pools {
		name := customer.ReplacementName(v, x.Replacement)
		view.pools.Rows = append(view.pools.Rows, ui.Row{Cells: []ui.Cell{{Text: name}, {Text: l.Number(x.Free)}, {Text: l.Number(x.Drawn)}, {Text: l.Number(x.Waiting)}}})
		if x.Free == 0 {
			view.alerts = append(view.alerts, ui.Banner{Tone: "warn", Title: l.T("console.pool.empty", "Product", name), Text: emptyPool(v, x.Waiting)})
		}
	}
	view.features = features(v, d.features)
	for _, x := range d.features {
		if x.Problem != "" {
			view.alerts = append(view.alerts, ui.Banner{Tone: "warn", Title: l.T("console.feature.failing", "Feature", featureName(v, x.Feature)), Text: l.T("console.feature.failing.text")})
		}
	}
	return view
}

// emptyPool says what an empty pool means.
func emptyPool(v *page.Visit, waiting int64) string {
	if waiting == 0 {
		return v.Locale.T("console.pool.empty.none")
	}
	return v.Locale.N("console.pool.empty.text", int(waiting))
}

func choiceTable(l *locale.Locale, caption, id, empty string, columns []ui.Column) ui.Table {
	return ui.Table{ID: id, Caption: l.T("console.table", "Title", caption), Plain: true, Empty: empty, Columns: columns}
}

// decisions counts what was decided and why.
func decisions(v *page.Visit, list []replacement.Tally) ui.Table {
	l := v.Locale
	t := choiceTable(l, l.T("console.decisions"), "decisions", l.T("console.decisions.none"), []ui.Column{
		{Label: l.T("console.decision")}, {Label: l.T("choice.row.state")}, {Label: l.T("choice.row.reason")}, {Label: l.T("console.customers"), Numeric: true},
	})
	for _, x := range list {
		what, reason := "", ""
		if x.Decision == replacement.Chosen {
			what = customer.ReplacementName(v, x.Replacement)
		} else {
			what = l.T("choice.word." + string(x.Decision))
		}
		if reason = x.Reason; x.Reason != "" && l.Has("replacement.reason."+x.Reason) {
			reason = l.T("replacement.reason." + x.Reason)
		}
		one := replacement.Choice{Decision: x.Decision, State: x.State}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: what}, {Body: ui.Tag("", console.ChoiceTurn(one.State), customer.ChoiceWord(l, one))}, {Text: reason}, {Text: l.Number(x.Customers)},
		}})
	}
	return t
}

func waiting(v *page.Visit, list []replacement.Waiter) ui.Table {
	l := v.Locale
	t := choiceTable(l, l.T("console.waiters"), "waiting", l.T("console.waiters.none"), []ui.Column{
		{Label: l.T("console.customer")}, {Label: l.T("choice.row.product")}, {Label: l.T("console.age")},
	})
	if len(list) > waitersShown {
		list, t.Note = list[:waitersShown], l.T("ui.more.oldest", "Count", l.Number(waitersShown))
	}
	for _, x := range list {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: x.CustomerName + " · " + x.CustomerRef}, {Text: customer.ReplacementName(v, x.Replacement)}, {Text: l.Duration(v.Now.Sub(x.Since))},
		}})
	}
	return t
}

// features says whether what customers use could be counted.
func features(v *page.Visit, list []replacement.FeatureReport) ui.Table {
	l := v.Locale
	t := choiceTable(l, l.T("console.features"), "features", l.T("console.features.none"), []ui.Column{
		{Label: l.T("console.feature")},
		{Label: l.T("console.feature.counted")},
		{Label: l.T("console.feature.took")},
		{Label: l.T("console.customers"), Numeric: true},
		{Label: l.T("console.feature.uses"), Numeric: true},
		{Label: l.T("export.state")},
	})
	for _, x := range list {
		counted, took := "", ""
		if !x.CountedAt.IsZero() {
			counted = v.When(x.CountedAt)
		}
		if !x.TriedAt.IsZero() {
			took = x.Took.Round(time.Millisecond).String()
		}
		tone, text := state(l.T, x)
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{
			{Text: featureName(v, x.Feature)}, {Text: counted}, {Text: took}, {Text: l.Number(x.Customers)}, {Text: l.Number(x.Uses)}, {Body: ui.Tag("", tone, text)},
		}})
	}
	return t
}

// state says in a few words how the count of a feature stands.
func state(say func(id string, kv ...any) string, x replacement.FeatureReport) (ui.Tone, string) {
	switch {
	case x.Problem != "":
		return console.Problem, x.Problem
	case x.CountedAt.IsZero():
		return console.Theirs, say("console.feature.never")
	case x.Slow:
		return console.Ours, say("console.feature.slow")
	case x.Unused():
		return console.Ours, say("console.feature.unused")
	}
	return console.Done, say("console.feature.fine")
}

func featureName(v *page.Visit, key string) string {
	if f, ok := v.Programme.Feature(key); ok && v.Locale.Pick(f.Name) != "" {
		return v.Locale.Pick(f.Name)
	}
	return key
}

// replacementsLink leads to the page about step 3; nil where the programme has none.
func replacementsLink(v *page.Visit, p *migration.Programme) *ui.Link {
	if p == nil || len(p.Replacements) == 0 {
		return nil
	}
	return &ui.Link{Label: v.Locale.T("console.choices"), URL: "/console/programme/replacements"}
}
