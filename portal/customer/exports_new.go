package customer

import (
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/export/archive/locked"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/portal/page"
)

// earlierShown is how many earlier exports are offered for "changes since".
const earlierShown = 3

// ShowNewExport asks what to export.
func (p *Pages) ShowNewExport(c echo.Context) error {
	o, err := p.offer(c)
	if err != nil {
		return err
	}
	return p.askExport(c, o, newExportForm(), nil)
}

// ChangeNewExport goes back from the check to the form, with what was chosen.
func (p *Pages) ChangeNewExport(c echo.Context) error {
	f, o, _, err := p.readExportForm(c)
	if refused, ok := fault.As(err); err != nil && (!ok || len(refused.Fields) == 0) {
		return err
	}
	return p.askExport(c, o, f, nil)
}

// CheckNewExport shows what was chosen and what it comes to. Nothing is started by it.
func (p *Pages) CheckNewExport(c echo.Context) error {
	f, o, sel, err := p.readExportForm(c)
	if err != nil {
		return p.askAgain(c, o, f, err)
	}
	sel.Password = export.Password(locked.Generate())
	return p.reviewExport(c, o, f, sel, nil)
}

// reviewExport shows the check; refused is what is wrong with the password.
func (p *Pages) reviewExport(c echo.Context, o offer, f exportForm, sel export.Selection, refused error) error {
	v, status := page.Of(c), http.StatusOK
	if open, _ := newExportWords(v, o.plan).door(o.plan); !open {
		return p.askExport(c, o, f, nil)
	}
	if refused != nil {
		status = http.StatusUnprocessableEntity
	}
	estimate, err := p.Outlines.Estimate(c.Request().Context(), o.outline, v.Programme, sel)
	if err != nil {
		return err
	}
	layout := p.Layout(c, v.Locale.T("export.review"), "exports")
	layout.Path = "/exports/new" // this page is the answer to a POST
	return page.Render(c, status, reviewPage(buildReview(v, o, f, sel, estimate, refused, layout)))
}

// RequestExport starts an export, or leads to the one that runs already.
func (p *Pages) RequestExport(c echo.Context) error {
	f, o, sel, err := p.readExportForm(c)
	if err != nil {
		return p.askAgain(c, o, f, err)
	}
	v := page.Of(c)
	e, err := p.Exports.Request(c.Request().Context(), v.Who(), v.Programme, sel)
	if badPassword(err) {
		return p.reviewExport(c, o, f, sel, err)
	}
	if err != nil {
		return p.askAgain(c, o, f, err)
	}
	return p.Flash(c, exportURL(e), "ok", "flash.export_requested")
}

// askAgain shows the form with what is wrong with it. Other errors are returned.
func (p *Pages) askAgain(c echo.Context, o offer, f exportForm, err error) error {
	if refused, ok := fault.As(err); errors.Is(err, export.ErrLimited) || ok && len(refused.Fields) > 0 {
		return p.askExport(c, o, f, err)
	}
	return err
}

func (p *Pages) askExport(c echo.Context, o offer, f exportForm, refused error) error {
	v, status := page.Of(c), http.StatusOK
	switch {
	case errors.Is(refused, export.ErrLimited):
		status = http.StatusTooManyRequests
	case refused != nil:
		status = http.StatusUnprocessableEntity
	}
	layout := p.Layout(c, v.Locale.T("export.new"), "exports")
	layout.Path = "/exports/new" // also after a POST
	return page.Render(c, status, newExportPage(buildNewExport(v, o, f, refused, layout)))
}

// readExportForm reads what was sent and what it is chosen from. The form and the offer are usable beside an error with
// Fields.
func (p *Pages) readExportForm(c echo.Context) (f exportForm, o offer, sel export.Selection, err error) {
	v := page.Of(c)
	form, bad := page.ReadForm(c, exportInputs(v.Programme)...)
	if o, err = p.offer(c); err != nil {
		return f, o, sel, err
	}
	if f = takeExportForm(form, v.Programme); bad != nil {
		return f, o, sel, bad
	}
	password := export.Password(form.Get(passwordField))
	defer func() { sel.Password = password }()
	sel, err = f.selection(v.Programme, o, migration.DayOf(v.Now.In(v.Programme.Zone)))
	return f, o, sel, err
}

// offer reads what the customer can choose from.
func (p *Pages) offer(c echo.Context) (o offer, err error) {
	v, ctx := page.Of(c), c.Request().Context()
	if o.plan, err = p.plan(c); err != nil {
		return o, err
	}
	o.lock = p.Exports.CanLock()
	if o.outline, err = p.Outlines.Latest(ctx, v.Who(), v.Programme); err != nil {
		return o, err
	}
	o.earlier, err = p.earlier(c)
	return o, err
}

// earlier are the customer's latest exports of which "changes since" can be asked; none where no dataset knows its changes.
func (p *Pages) earlier(c echo.Context) (list []export.Export, err error) {
	v := page.Of(c)
	if !slices.ContainsFunc(v.Programme.Datasets, func(d migration.Dataset) bool { return d.Changed != "" }) {
		return nil, nil
	}
	all, _, err := p.Exports.List(c.Request().Context(), v.Who(), 0, exportsShown)
	for _, e := range all {
		if e.ReadyAt != nil && e.AsOf != nil && len(list) < earlierShown {
			list = append(list, e)
		}
	}
	return list, err
}

// AskOutline has the sizes of the customer's data looked up.
func (p *Pages) AskOutline(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v := page.Of(c)
	if err := p.Outlines.Ask(c.Request().Context(), v.Who(), v.Programme); err != nil {
		return err
	}
	if c.Request().Header.Get("HX-Request") == "true" {
		return p.ShowOutline(c)
	}
	return page.Redirect(c, "/exports/new")
}

// ShowOutline answers a form that waits for sizes.
func (p *Pages) ShowOutline(c echo.Context) error {
	v := page.Of(c)
	o, err := p.Outlines.Latest(c.Request().Context(), v.Who(), v.Programme)
	if err != nil {
		return err
	}
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, outlineFragment(newExportWords(v, plan).outlineNews(o)))
}
