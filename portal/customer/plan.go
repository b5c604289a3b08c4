package customer

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/portal/page"
)

// ShowPlan is the customer's home.
func (p *Pages) ShowPlan(c echo.Context) error {
	v := page.Of(c)
	plan, err := p.Customers.Plan(c.Request().Context(), v.Scope(), v.Who().CustomerID)
	if err != nil {
		return err
	}
	layout := p.Layout(c, v.Locale.T("plan.title"), "plan")
	return page.Render(c, http.StatusOK, planPage(buildPlan(v, plan, layout, page.SupportCode(p.Secret, v.Who().CustomerID))))
}

// ShowExportProgress answers the polls of the plan page while an export runs.
func (p *Pages) ShowExportProgress(c echo.Context) error {
	v := page.Of(c)
	plan, err := p.Customers.Plan(c.Request().Context(), v.Scope(), v.Who().CustomerID)
	if err != nil {
		return err
	}
	query, err := page.ReadQuery(c, page.Line("seen", 20))
	if err != nil {
		return err
	}
	card := buildExport(v, plan, newDated(v, plan.Extensions))
	return page.Render(c, http.StatusOK, exportFragment(card, query.Get("seen")))
}
