package notices

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/notice/reach"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// reachShown is how many unreached customers are on one page.
const reachShown = 25

// ShowReach lists the customers of whom nothing proves that they have heard of the end, and how its declaration stands.
func (p *Pages) ShowReach(c echo.Context) error {
	return p.showReach(c, http.StatusOK, refusedWaiver{})
}

// refusedWaiver is a waiver that came back, to be shown where it was asked for.
type refusedWaiver struct {
	customer, reason string
	err              error
}

func (p *Pages) showReach(c echo.Context, status int, refused refusedWaiver) error {
	v, ctx := page.Of(c), c.Request().Context()
	query, err := page.ReadQuery(c, page.Line("q", 64), page.Line("from", 8))
	bad := v.Faults(err)
	if err != nil && bad["q"] == "" {
		return err
	}
	if bad != nil {
		status = http.StatusUnprocessableEntity
	}
	from, _ := strconv.Atoi(query.Get("from")) // what is no number is the first page
	q := reach.Query{Search: query.Get("q"), Offset: max(0, from), Limit: reachShown}
	list, err := p.Reach.List(ctx, v.Session.IdentityID, q)
	if err != nil {
		return err
	}
	end, err := p.Reach.End(ctx, v.Session.IdentityID)
	if err != nil {
		return err
	}
	ids := []string{end.AskedBy, end.DeclaredBy}
	for _, one := range list.List {
		ids = append(ids, one.AskedBy)
	}
	names, err := p.Customers.Names(ctx, v.Session.IdentityID, ids)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("reach.title"), "reach")
	layout.Path = ReachPath // also after a POST
	view := buildReach(v, reachDesk{list, end, names, q, refused}, layout)
	if view.search.Error = bad["q"]; bad != nil {
		view.errors, view.layout.Errors = append(view.errors, ui.FieldError{FieldID: "q", Text: bad["q"]}), true
	}
	return page.Render(c, status, reachPage(view))
}

// AskWaiver asks that a customer need not be reached.
func (p *Pages) AskWaiver(c echo.Context) error {
	form, err := page.ReadForm(c, page.Text("reason", 500))
	if err == nil {
		err = p.Reach.AskWaiver(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"), form.Get("reason"))
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.showReach(c, http.StatusUnprocessableEntity, refusedWaiver{c.Param("id"), form.Get("reason"), err})
	}
	if err != nil {
		return err
	}
	return p.Flash(c, ReachPath, "ok", "flash.call_waiver_asked")
}

// ConfirmWaiver makes a waiver count.
func (p *Pages) ConfirmWaiver(c echo.Context) error {
	return p.settle(c, "flash.waiver_confirmed", func(ctx context.Context, by string) error {
		return p.Reach.ConfirmWaiver(ctx, by, c.Param("id"))
	})
}

// RefuseWaiver takes a waiver off the list.
func (p *Pages) RefuseWaiver(c echo.Context) error {
	return p.settle(c, "flash.waiver_refused", func(ctx context.Context, by string) error {
		return p.Reach.RefuseWaiver(ctx, by, c.Param("id"))
	})
}

// OpenCall makes ringing a customer the reader's task.
func (p *Pages) OpenCall(c echo.Context) error {
	return p.settle(c, "flash.call_opened", func(ctx context.Context, by string) error { return p.Reach.OpenCall(ctx, by, c.Param("id")) })
}

// AskEnd asks that the service be declared ended.
func (p *Pages) AskEnd(c echo.Context) error { return p.settle(c, "flash.end_asked", p.Reach.AskEnd) }

// DeclareEnd declares the service ended.
func (p *Pages) DeclareEnd(c echo.Context) error {
	return p.settle(c, "flash.end_declared", p.Reach.DeclareEnd)
}

// WithdrawEnd takes the question back.
func (p *Pages) WithdrawEnd(c echo.Context) error {
	return p.settle(c, "flash.end_withdrawn", p.Reach.WithdrawEnd)
}

// settle does something without values and leads back.
func (p *Pages) settle(c echo.Context, done string, do func(ctx context.Context, by string) error) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := do(c.Request().Context(), page.Of(c).Session.IdentityID); err != nil {
		return err
	}
	return p.Flash(c, ReachPath, "ok", done)
}

// reachDesk is what was read of the unreached customers.
type reachDesk struct {
	page    reach.Page
	end     reach.End
	names   map[string]string
	query   reach.Query
	refused refusedWaiver
}

type reachView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	stats   []ui.Stat
	search  ui.Input
	none    *ui.Empty
	cards   []reachCard
	pages   ui.Pages
	end     endCard
}

type reachCard struct {
	card    ui.Card
	facts   []ui.SummaryRow
	asked   *ui.Banner
	actions []ui.Action // on a waiver that waits
	waive   string      // where one is asked for
	reason  ui.Area
	ask     ui.Button
	open    bool // the form, since it came back
}

// endCard is how the declaration stands.
type endCard struct {
	text    string
	state   string
	actions []ui.Action
}

func buildReach(v *page.Visit, d reachDesk, layout ui.Page) reachView {
	l, p := v.Locale, d.page
	view := reachView{
		layout: layout, heading: ui.Heading{Eyebrow: l.T("console.programme"), Title: l.T("reach.title"), Lead: l.T("reach.lead")},
		stats: []ui.Stat{
			{Label: l.T("reach.share"), Value: share(l, p.All-p.Unreached, p.All)},
			{Label: l.T("reach.unreached_count"), Value: share(l, p.Unreached, p.All)},
			{Label: l.T("reach.waived_count"), Value: share(l, p.Waived, p.All)},
		},
		search: ui.Input{Field: ui.Field{Locale: l, ID: "q", Label: l.T("reach.search")}, Value: d.query.Search, Width: "medium", MaxLength: 64},
		end:    endOf(v, d),
	}
	switch {
	case p.Unreached == 0:
		view.none = &ui.Empty{ID: "none", Title: l.T("reach.none"), Text: l.T("reach.none.text")}
	case len(p.List) == 0:
		view.none = &ui.Empty{ID: "none", Title: l.T("notice.day.nobody"), Text: l.T("reach.none_found")}
	}
	for _, one := range p.List {
		card := reachCardOf(v, one, d)
		if card.reason.Error != "" {
			view.errors, view.layout.Errors = []ui.FieldError{{FieldID: card.reason.ID, Text: card.reason.Error}}, true
		}
		view.cards = append(view.cards, card)
	}
	link := func(from int) string {
		return ReachPath + "?" + url.Values{"q": {d.query.Search}, "from": {strconv.Itoa(from)}}.Encode()
	}
	last := d.query.Offset + len(p.List)
	view.pages = ui.Pages{Locale: l, From: int64(d.query.Offset + 1), To: int64(last), All: int64(p.Found)}
	if d.query.Offset > 0 {
		view.pages.PreviousURL = link(max(0, d.query.Offset-reachShown))
	}
	if last < p.Found {
		view.pages.NextURL = link(last)
	}
	return view
}

func reachCardOf(v *page.Visit, one reach.Customer, d reachDesk) reachCard {
	l, to := v.Locale, ReachPath+"/"+one.ID
	card := reachCard{
		card: ui.Card{ID: "c-" + one.ID, Title: one.Name + " · " + one.Ref}, waive: to + "/waive",
		facts: []ui.SummaryRow{
			{Key: l.T("notice.tier"), Value: tierName(v, one.Tier)},
			{Key: l.T("reach.why"), Value: l.T("reach.why." + one.Why)},
		},
		reason: ui.Area{Field: ui.Field{Locale: l, ID: "reason-" + one.ID, Name: "reason", Label: l.T("reach.reason")}, Rows: 2, MaxLength: 500},
		ask:    ui.Button{Label: l.T("reach.ask"), Kind: ui.Plain},
	}
	if one.ToldAt != nil {
		card.facts = append(card.facts, ui.SummaryRow{Key: l.T("reach.told"), Value: v.When(*one.ToldAt)})
	}
	if one.CallDay != nil {
		day, text := v.DayOf(migration.DayOf(*one.CallDay)), ""
		if text = l.T("reach.call.open", "Day", day); one.Attempts > 0 {
			text = l.N("reach.call.tried", one.Attempts, "Day", day)
		}
		card.facts = append(card.facts, ui.SummaryRow{Key: l.T("reach.call"), Body: ui.A(ui.Link{Label: text, URL: CallsPath + "#call-" + one.CallID})})
	} else {
		card.actions = append(card.actions, ui.Action{URL: to + "/call", Button: ui.Button{Label: l.T("reach.act.call"), Hidden: one.Name, Kind: ui.Plain}})
	}
	if one.AskedBy != "" {
		card.asked = &ui.Banner{Tone: "warn", Title: l.T("reach.asked_by", "Who", nameOf(d.names, one.AskedBy), "Reason", one.Reason)}
		if one.AskedBy == v.Session.IdentityID {
			card.asked.Text = l.T("reach.own")
		} else {
			card.actions = append(card.actions, ui.Action{URL: to + "/confirm", Button: ui.Button{Label: l.T("reach.confirm"), Kind: ui.Primary}})
		}
		refuse := "reach.refuse"
		if one.AskedBy == v.Session.IdentityID {
			refuse = "reach.end.withdraw"
		}
		card.actions = append(card.actions, ui.Action{URL: to + "/refuse", Button: ui.Button{Label: l.T(refuse), Kind: ui.Plain}})
	}
	if d.refused.customer == one.ID {
		card.open, card.reason.Value = true, d.refused.reason
		card.reason.Error = v.Faults(d.refused.err)["reason"]
	}
	return card
}

func endOf(v *page.Visit, d reachDesk) endCard {
	l, e := v.Locale, d.end
	card := endCard{text: l.T("reach.end.text")}
	act := func(path, label string, kind ui.Kind) {
		card.actions = append(card.actions, ui.Action{URL: ReachPath + path, Button: ui.Button{Label: l.T(label), Kind: kind}})
	}
	m, ok := v.Programme.Milestone(migration.ServiceEnd)
	early := ok && migration.DayOf(v.Now.In(v.Programme.Zone)).Before(m.Day)
	switch {
	case e.DeclaredBy != "":
		card.state = l.T("reach.end.declared", "Who", nameOf(d.names, e.DeclaredBy), "When", v.When(*e.DeclaredAt))
	case d.page.Unreached > 0:
		card.state = l.N("reach.end.blocked", d.page.Unreached)
	case e.AskedBy != "":
		card.state = l.T("reach.end.asked", "Who", nameOf(d.names, e.AskedBy), "When", v.When(e.AskedAt))
		if e.AskedBy != v.Session.IdentityID {
			act("/end/declare", "reach.end.declare", ui.Primary)
		}
		act("/end/withdraw", "reach.end.withdraw", ui.Plain)
	case early:
		card.state = l.T("reach.end.early", "Day", v.OurFullDay(m.Day.End(v.Programme.Zone)))
	default:
		act("/end", "reach.end.ask", ui.Primary)
	}
	return card
}
