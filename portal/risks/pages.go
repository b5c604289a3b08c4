package risks

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/governance"
	"offramp/migration/governance/risk"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Path is where the pages are.
const Path = "/console/risks"

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Risks     *risk.Service
	Plans     *governance.Service
	Customers *migration.Service
}

func by(c echo.Context) risk.By {
	s := page.Of(c).Session
	return risk.By{ID: s.IdentityID, Manager: s.Has(auth.ProgrammeManager)}
}

// Show is the heat map with the list.
func (p *Pages) Show(c echo.Context) error {
	query, err := page.ReadQuery(c, page.Line("class", 12), page.Line("state", 8), page.Line("whose", 64), page.Line("likelihood", 1), page.Line("impact", 1))
	if err != nil {
		return err
	}
	list, err := p.Risks.List(c.Request().Context(), by(c).ID)
	if err != nil {
		return err
	}
	v := page.Of(c)
	return page.Render(c, http.StatusOK, listPage(buildList(v, list, by(c), query, console.Layout(p.Kit, c, v.Locale.T("risk.title"), "risks"))))
}

// New is the form of a new risk.
func (p *Pages) New(c echo.Context) error { return p.form(c, http.StatusOK, asked{}) }

func (p *Pages) form(c echo.Context, status int, a asked) error {
	v := page.Of(c)
	people, err := p.Plans.Colleagues(c.Request().Context(), by(c).ID)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("risk.new"), "risks")
	layout.Path = Path + "/new"
	return page.Render(c, status, newPage(buildNew(v, people, a, layout)))
}

func readDraft(c echo.Context) (page.Form, risk.Draft, error) {
	f, err := page.ReadForm(c, page.Line("version", 9), page.Line("title", 200), page.Line("class", 12), page.Line("likelihood", 1), page.Line("impact", 1),
		page.Text("plan", 4000), page.Text("sign", 1000), page.Line("owner", 64), page.Line("review", 10))
	return f, risk.Draft{
		Title: f.Get("title"), Class: f.Get("class"), Likelihood: f.Get("likelihood"), Impact: f.Get("impact"), Plan: f.Get("plan"), Sign: f.Get("sign"),
		Owner: f.Get("owner"), Review: f.Get("review"),
	}, err
}

// Create writes a new risk.
func (p *Pages) Create(c echo.Context) error {
	form, draft, err := readDraft(c)
	id := ""
	if err == nil {
		id, err = p.Risks.Create(c.Request().Context(), by(c), draft)
	}
	switch {
	case err == nil:
		return p.Flash(c, Path+"/"+id, "ok", "flash.risk_created")
	case len(fields(err)) == 0:
		return err
	}
	return p.form(c, http.StatusUnprocessableEntity, asked{form, "edit", err})
}

// ShowRisk is one risk, with its history.
func (p *Pages) ShowRisk(c echo.Context) error { return p.show(c, http.StatusOK, asked{}) }

// asked is a form that was refused: what was written, and what is wrong with it.
type asked struct {
	form  page.Form
	what  string // edit, close or reopen
	fault error
}

func (p *Pages) show(c echo.Context, status int, a asked) error {
	v, ctx := page.Of(c), c.Request().Context()
	r, history, err := p.Risks.Open(ctx, by(c).ID, c.Param("id"))
	if err != nil {
		return err
	}
	people, err := p.Plans.Colleagues(ctx, by(c).ID)
	if err != nil {
		return err
	}
	ids := []string{r.Owner}
	for _, e := range history {
		ids = append(ids, e.By)
		for _, change := range e.Changes {
			if change.Field == "owner" {
				ids = append(ids, change.Before, change.After)
			}
		}
	}
	names, err := p.Customers.Names(ctx, by(c).ID, ids)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, r.Title, "risks")
	layout.Path = Path + "/" + r.ID
	return page.Render(c, status, riskPage(buildRisk(v, desk{r, history, people, names, by(c), a}, layout)))
}

// Edit writes a risk anew.
func (p *Pages) Edit(c echo.Context) error {
	form, draft, err := readDraft(c)
	if err == nil {
		err = p.Risks.Change(c.Request().Context(), by(c), c.Param("id"), number(form), draft)
	}
	return p.done(c, err, asked{form, "edit", err}, "flash.risk_changed")
}

// Close ends a risk with evidence.
func (p *Pages) Close(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("version", 9), page.Text("evidence", 2000), page.Line("proof", 500))
	if err == nil {
		err = p.Risks.Close(c.Request().Context(), by(c), c.Param("id"), number(form), form.Get("evidence"), form.Get("proof"))
	}
	return p.done(c, err, asked{form, "close", err}, "flash.risk_closed")
}

// Reopen opens a risk again.
func (p *Pages) Reopen(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("version", 9), page.Text("reason", 1000))
	if err == nil {
		err = p.Risks.Reopen(c.Request().Context(), by(c), c.Param("id"), number(form), form.Get("reason"))
	}
	return p.done(c, err, asked{form, "reopen", err}, "flash.risk_reopened")
}

// done leads back to the risk; what was refused is shown with what was written, also where somebody else was faster.
func (p *Pages) done(c echo.Context, err error, a asked, said string) error {
	switch {
	case err == nil:
		return p.Flash(c, Path+"/"+c.Param("id"), "ok", said)
	case errors.Is(err, risk.ErrChanged):
		return p.show(c, http.StatusConflict, a)
	case len(fields(err)) == 0:
		return err
	}
	return p.show(c, http.StatusUnprocessableEntity, a)
}

func fields(err error) []fault.Field {
	if f, ok := fault.As(err); ok {
		return f.Fields
	}
	return nil
}

func number(form page.Form) int {
	n, err := strconv.Atoi(form.Get("version"))
	if err != nil {
		return 0 // no risk has it
	}
	return n
}

// peopleOf keeps an owner who has no role any more in the choice.
func peopleOf(list []governance.Colleague, r risk.Risk) []governance.Colleague {
	if r.Owner == "" || r.OwnerActs {
		return list
	}
	return append([]governance.Colleague{{ID: r.Owner, Name: r.OwnerName}}, list...)
}
