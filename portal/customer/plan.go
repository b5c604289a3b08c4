package customer

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/migration"
	"offramp/portal/page"
)

// ShowPlan is the customer's home. It is the page that most visits see, so what customers share of it is rendered once.
func (p *Pages) ShowPlan(c echo.Context) error {
	v := page.Of(c)
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	layout := p.AsPaper(c, p.Layout(c, v.Locale.T("plan.title"), planNav))
	code := page.SupportCode(p.Secret, v.Who().CustomerID)
	if key, ok := share(v, plan, layout); ok {
		return p.sendShared(c, key, plan, code)
	}
	return page.Render(c, http.StatusOK, planPage(buildPlan(v, plan, layout, code)))
}

func (p *Pages) sendShared(c echo.Context, key sharing, plan migration.Plan, code string) error {
	v, ctx := page.Of(c), c.Request().Context()
	shared, err := p.shared.get(p.Kit, key)
	if err != nil {
		return err
	}
	values, err := shared.values(ctx, v, plan, code)
	if err != nil {
		return err
	}
	return shared.skeleton.Send(c, http.StatusOK, values...)
}

// ShowExportProgress answers the polls of the plan page while an export runs.
func (p *Pages) ShowExportProgress(c echo.Context) error {
	v := page.Of(c)
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	query, err := page.ReadQuery(c, page.Line("seen", 20))
	if err != nil {
		return err
	}
	card := buildExport(v, plan, newDated(v, plan.Extensions))
	if !card.running {
		c.Response().Header().Set("HX-Retarget", "#"+exportCardID)
		return page.Render(c, http.StatusOK, exportOver(card))
	}
	return page.Render(c, http.StatusOK, exportFragment(card, query.Get("seen")))
}
