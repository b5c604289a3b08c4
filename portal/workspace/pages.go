package workspace

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/governance"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Path is where the pages are.
const Path = "/console/workspace"

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Plans     *governance.Service
	Customers *migration.Service
}

func by(c echo.Context) governance.By {
	s := page.Of(c).Session
	return governance.By{ID: s.IdentityID, Manager: s.Has(auth.ProgrammeManager)}
}

func planPath(c echo.Context) string { return Path + "/" + c.Param("plan") }

// Show is the plan that leads; without one, the templates to choose from.
func (p *Pages) Show(c echo.Context) error {
	plan, err := p.Plans.Show(c.Request().Context(), by(c).ID, "")
	if errors.Is(err, governance.ErrNoPlan) {
		return p.showTemplates(c)
	}
	if err != nil {
		return err
	}
	return p.showPlan(c, http.StatusOK, plan, asked{})
}

func (p *Pages) showTemplates(c echo.Context) error {
	list, err := governance.BuiltIn()
	if err != nil {
		return err
	}
	running, err := p.Plans.Templates(c.Request().Context(), by(c).ID)
	if err != nil {
		return err
	}
	v := page.Of(c)
	layout := console.Layout(p.Kit, c, v.Locale.T("workspace.title"), "workspace")
	return page.Render(c, http.StatusOK, templatesPage(buildTemplates(v, list, running, by(c).Manager, layout)))
}

// ShowPlan is one running plan: its phases, and what keeps each gate shut.
func (p *Pages) ShowPlan(c echo.Context) error {
	plan, err := p.Plans.Show(c.Request().Context(), by(c).ID, c.Param("plan"))
	if err != nil {
		return err
	}
	return p.showPlan(c, http.StatusOK, plan, asked{})
}

// asked is a form that was refused: what was written, and what is wrong with it.
type asked struct {
	form  page.Form
	what  string // which form, such as "replan first"
	fault error
}

func (p *Pages) showPlan(c echo.Context, status int, plan governance.Plan, a asked) error {
	v, ctx := page.Of(c), c.Request().Context()
	running, err := p.Plans.Templates(ctx, by(c).ID)
	if err != nil {
		return err
	}
	builtIn, err := governance.BuiltIn()
	if err != nil {
		return err
	}
	var ids []string
	for _, f := range plan.Phases {
		ids = append(ids, f.Gate.OpenedBy)
		for _, fact := range f.Gate.Facts {
			ids = append(ids, people(fact.Waiver)...)
		}
	}
	for _, i := range plan.Items {
		ids = append(ids, i.Owner)
		ids = append(ids, people(i.Waiver)...)
	}
	names, err := p.Customers.Names(ctx, by(c).ID, ids)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("workspace.title"), "workspace")
	layout.Path = Path + "/" + plan.Template
	return page.Render(c, status, planPage(buildPlan(v, plan, builtIn, running, names, by(c), a, layout)))
}

func people(w *governance.Waiver) []string {
	if w == nil {
		return nil
	}
	return []string{w.AskedBy, w.AgreedBy}
}

// Start starts a plan from a built-in template.
func (p *Pages) Start(c echo.Context) error {
	return p.begin(c, p.Plans.Start, "flash.workspace_started")
}

// Change goes on with another template.
func (p *Pages) Change(c echo.Context) error {
	return p.begin(c, p.Plans.Change, "flash.workspace_changed")
}

func (p *Pages) begin(c echo.Context, act func(context.Context, governance.By, []byte) error, said string) error {
	form, err := page.ReadForm(c, page.Line("template", 40))
	if err != nil {
		return err
	}
	source, err := governance.Source(form.Get("template"))
	if err != nil {
		return err
	}
	if err := act(c.Request().Context(), by(c), source); err != nil {
		return err
	}
	return p.Flash(c, Path+"/"+form.Get("template"), "ok", said)
}

// OpenGate opens a phase's gate.
func (p *Pages) OpenGate(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Plans.OpenGate(c.Request().Context(), by(c), c.Param("plan"), c.Param("phase")); err != nil {
		return err
	}
	return p.Flash(c, planPath(c), "ok", "flash.gate_opened")
}

// Reopen opens a phase that was done, and shuts its gate.
func (p *Pages) Reopen(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("reason", 500))
	if err == nil {
		err = p.Plans.Reopen(c.Request().Context(), by(c), c.Param("plan"), c.Param("phase"), form.Get("reason"))
	}
	return p.planned(c, err, asked{form, "reopen " + c.Param("phase"), err}, "flash.phase_reopened")
}

// Replan moves a planned day of a phase.
func (p *Pages) Replan(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("edge", 4), page.Line("day", 10), page.Line("reason", 500))
	if err == nil {
		err = p.Plans.Replan(c.Request().Context(), by(c), c.Param("plan"), c.Param("phase"), form.Get("edge"), form.Get("day"), form.Get("reason"))
	}
	return p.planned(c, err, asked{form, "replan " + c.Param("phase"), err}, "flash.phase_replanned")
}

// WaiveFact asks for a waiver of a gate's fact.
func (p *Pages) WaiveFact(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("reason", 500), page.Line("until", 10))
	if err == nil {
		err = p.Plans.AskWaiver(c.Request().Context(), by(c), c.Param("plan"), c.Param("phase"), c.Param("fact"), form.Get("reason"), form.Get("until"))
	}
	return p.planned(c, err, asked{form, "waive " + c.Param("phase") + " " + c.Param("fact"), err}, "flash.waiver_asked")
}

// planned leads back to the plan, with the form as it was written where it was refused.
func (p *Pages) planned(c echo.Context, err error, a asked, said string) error {
	if err == nil {
		return p.Flash(c, planPath(c), "ok", said)
	}
	if len(fields(err)) == 0 {
		return err
	}
	plan, again := p.Plans.Show(c.Request().Context(), by(c).ID, c.Param("plan"))
	if again != nil {
		return again
	}
	return p.showPlan(c, http.StatusUnprocessableEntity, plan, a)
}

func fields(err error) []fault.Field {
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	return f.Fields
}

// AgreeWaiver agrees to a waiver as the second person.
func (p *Pages) AgreeWaiver(c echo.Context) error {
	return p.waiver(c, p.Plans.AgreeWaiver, "flash.waiver_agreed")
}

// EndWaiver refuses, withdraws or takes back a waiver.
func (p *Pages) EndWaiver(c echo.Context) error {
	return p.waiver(c, p.Plans.EndWaiver, "flash.waiver_ended")
}

func (p *Pages) waiver(c echo.Context, act func(_ context.Context, by governance.By, template, id string) error, said string) error {
	form, err := page.ReadForm(c, page.Line("item", 40))
	if err != nil {
		return err
	}
	if err := act(c.Request().Context(), by(c), c.Param("plan"), c.Param("id")); err != nil {
		return err
	}
	back := planPath(c)
	if form.Get("item") != "" {
		back += "/items/" + form.Get("item")
	}
	return p.Flash(c, back, "ok", said)
}

// ShowItems is the checklist, by phase, department, person or day.
func (p *Pages) ShowItems(c echo.Context) error {
	query, err := page.ReadQuery(c, page.Line("by", 12), page.Line("show", 8), page.Line("whose", 64))
	if err != nil {
		return err
	}
	return p.showItems(c, http.StatusOK, c.Param("plan"), query, asked{})
}

func (p *Pages) showItems(c echo.Context, status int, template string, query page.Form, a asked) error {
	v, ctx := page.Of(c), c.Request().Context()
	plan, err := p.Plans.Show(ctx, by(c).ID, template)
	if err != nil {
		return err
	}
	colleagues, err := p.Plans.Colleagues(ctx, by(c).ID)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("workspace.items"), "workspace")
	layout.Path = Path + "/" + plan.Template + "/items" // also after a POST
	return page.Render(c, status, itemsPage(buildItems(v, plan, colleagues, by(c), query, a, layout)))
}

// ShowItem is one item, with its history.
func (p *Pages) ShowItem(c echo.Context) error { return p.showItem(c, http.StatusOK, asked{}) }

func (p *Pages) showItem(c echo.Context, status int, a asked) error {
	v, ctx := page.Of(c), c.Request().Context()
	plan, item, history, err := p.Plans.OpenItem(ctx, by(c).ID, c.Param("plan"), c.Param("key"))
	if err != nil {
		return err
	}
	ids := append(people(item.Waiver), item.Owner, item.EndedBy)
	for _, e := range history {
		ids = append(ids, e.By)
		if e.Act == "assigned" {
			ids = append(ids, e.Text)
		}
	}
	names, err := p.Customers.Names(ctx, by(c).ID, ids)
	if err != nil {
		return err
	}
	colleagues, err := p.Plans.Colleagues(ctx, by(c).ID)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.Pick(item.Name), "workspace")
	layout.Path = itemURL(plan.Template, item.Key)
	return page.Render(c, status, itemPage(buildItem(v, desk{plan, item, history, names, colleagues, by(c), a}, layout)))
}

// FinishItem does an item.
func (p *Pages) FinishItem(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("version", 9), page.Text("note", 2000), page.Line("link", 500))
	if err == nil {
		err = p.Plans.FinishItem(c.Request().Context(), by(c), c.Param("plan"), c.Param("key"), number(form), form.Get("note"), form.Get("link"))
	}
	return p.itemised(c, err, asked{form, "done", err}, "flash.item_done")
}

// ReopenItem opens an item again.
func (p *Pages) ReopenItem(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("version", 9))
	if err == nil {
		err = p.Plans.ReopenItem(c.Request().Context(), by(c), c.Param("plan"), c.Param("key"), number(form))
	}
	return p.itemised(c, err, asked{form, "reopen", err}, "flash.item_reopened")
}

// AssignItem gives an item to a colleague, with a day.
func (p *Pages) AssignItem(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("version", 9), page.Line("owner", 64), page.Line("day", 10))
	if err == nil {
		err = p.Plans.Assign(c.Request().Context(), by(c), c.Param("plan"), c.Param("key"), number(form), form.Get("owner"), form.Get("day"))
	}
	return p.itemised(c, err, asked{form, "assign", err}, "flash.item_assigned")
}

// CommentItem says something about an item.
func (p *Pages) CommentItem(c echo.Context) error {
	form, err := page.ReadForm(c, page.Text("text", 2000))
	if err == nil {
		err = p.Plans.Comment(c.Request().Context(), by(c), c.Param("plan"), c.Param("key"), form.Get("text"))
	}
	return p.itemised(c, err, asked{form, "comment", err}, "flash.item_commented")
}

// WaiveItem asks for a waiver of an item.
func (p *Pages) WaiveItem(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("reason", 500), page.Line("until", 10))
	if err == nil {
		err = p.Plans.AskWaiver(c.Request().Context(), by(c), c.Param("plan"), "", c.Param("key"), form.Get("reason"), form.Get("until"))
	}
	return p.itemised(c, err, asked{form, "waive", err}, "flash.waiver_asked")
}

func (p *Pages) itemised(c echo.Context, err error, a asked, said string) error {
	switch {
	case err == nil:
		return p.Flash(c, itemURL(c.Param("plan"), c.Param("key")), "ok", said)
	case len(fields(err)) == 0:
		return err
	}
	return p.showItem(c, http.StatusUnprocessableEntity, a)
}

// HandOver gives every open item of one colleague to another.
func (p *Pages) HandOver(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("from", 64), page.Line("to", 64), page.Line("plan", 40))
	n := 0
	if err == nil {
		n, err = p.Plans.HandOver(c.Request().Context(), by(c), form.Get("from"), form.Get("to"))
	}
	if err != nil && len(fields(err)) == 0 {
		return err
	}
	running, again := p.Plans.Templates(c.Request().Context(), by(c).ID)
	if again != nil {
		return again
	}
	if err != nil && slices.Contains(running, form.Get("plan")) {
		return p.showItems(c, http.StatusUnprocessableEntity, form.Get("plan"), page.Form{}, asked{form, "hand-over", err})
	}
	if err != nil {
		return err
	}
	back := Path
	if slices.Contains(running, form.Get("plan")) {
		back += "/" + form.Get("plan") + "/items"
	}
	if n == 0 {
		return p.Flash(c, back, "warn", "flash.none_handed_over")
	}
	return p.Flash(c, back, "ok", "flash.items_handed_over")
}

func number(form page.Form) int {
	n, err := strconv.Atoi(form.Get("version"))
	if err != nil {
		return 0 // no item has it, so that the act is refused as made upon another version
	}
	return n
}
