// Package application is where programme managers write the application to retire the product, enter the figures that the product does not
// know, look at it as it will be read, and submit it. All staff read it and take its files.
package application

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/locale"
	"offramp/migration/governance/application"
	"offramp/portal/approvals"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Path is where the report is.
const Path = approvals.ApplicationPath

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Reports *application.Service
}

func by(c echo.Context) string { return page.Of(c).Session.IdentityID }

func manager(c echo.Context) bool { return page.Of(c).Session.Has(auth.ProgrammeManager) }

// refused is a form that was refused: what was written, and what is wrong with it by field. nil: the page is shown for the first time.
type refused struct {
	form   page.Form
	faults map[string]string
}

// Show is the report, on paper as well.
func (p *Pages) Show(c echo.Context) error { return p.show(c, http.StatusOK, nil) }

func (p *Pages) show(c echo.Context, status int, faults map[string]string) error {
	d, err := p.Reports.Show(c.Request().Context(), by(c))
	if err != nil {
		return err
	}
	v := page.Of(c)
	layout := p.AsPaper(c, console.Layout(p.Kit, c, v.Locale.T("application.title"), "approvals"))
	layout.Path = Path // also after a POST
	return page.Render(c, status, reportPage(buildReport(v, d, manager(c), faults, layout)))
}

// ShowWrite is the form of the words.
func (p *Pages) ShowWrite(c echo.Context) error { return p.write(c, http.StatusOK, nil) }

func (p *Pages) write(c echo.Context, status int, r *refused) error {
	d, err := p.Reports.Show(c.Request().Context(), by(c))
	if err != nil {
		return err
	}
	v := page.Of(c)
	layout := console.Layout(p.Kit, c, v.Locale.T("application.write"), "approvals")
	layout.Errors = r != nil
	return page.Render(c, status, writePage(buildWrite(v, d, r, layout)))
}

// Write saves the words.
func (p *Pages) Write(c echo.Context) error {
	inputs := []page.Input{page.Line("version", 9), page.Line("title", 200), page.Line("budget", 24), page.Line("currency", 3)}
	for _, key := range application.Sections {
		inputs = append(inputs, page.Text(key, application.MaxWords))
	}
	form, err := page.ReadForm(c, inputs...)
	if err == nil {
		err = p.Reports.Write(c.Request().Context(), by(c), version(form), application.Words{
			Title: form.Get("title"), Background: form.Get("background"), Feasibility: form.Get("feasibility"), Timetable: form.Get("timetable"),
			Resources: form.Get("resources"), Benefit: form.Get("benefit"), Budget: form.Get("budget"), Currency: form.Get("currency"),
		})
	}
	if err == nil {
		return p.Flash(c, Path, "ok", "flash.application_saved")
	}
	if faults := page.Of(c).Faults(err); faults != nil {
		return p.write(c, http.StatusUnprocessableEntity, &refused{form, faults})
	}
	return err
}

// ShowTable is the form of a table.
func (p *Pages) ShowTable(c echo.Context) error { return p.table(c, http.StatusOK, nil) }

func (p *Pages) table(c echo.Context, status int, r *refused) error {
	key := c.Param("key")
	if !slices.Contains(application.Tables, key) {
		return application.ErrUnknown
	}
	d, err := p.Reports.Show(c.Request().Context(), by(c))
	if err != nil {
		return err
	}
	v := page.Of(c)
	layout := console.Layout(p.Kit, c, v.Locale.T("application.table."+key), "approvals")
	layout.Errors = r != nil
	return page.Render(c, status, tablePage(buildTable(v, key, d.Tables[key], r, layout)))
}

// Enter saves a table.
func (p *Pages) Enter(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("version", 9), page.Cells("lines", 2*application.MaxLines), page.Line("source", 200), page.Line("day", 10))
	if err == nil {
		t := application.Table{Key: c.Param("key"), Lines: form.Get("lines"), Source: form.Get("source")}
		err = p.Reports.Enter(c.Request().Context(), by(c), version(form), t, form.Get("day"))
	}
	if err == nil {
		return p.Flash(c, Path, "ok", "flash.application_saved")
	}
	if faults := page.Of(c).Faults(err); faults != nil {
		return p.table(c, http.StatusUnprocessableEntity, &refused{form, faults})
	}
	return err
}

// Submit writes the report as a paper and leads to it, where a path is chosen.
func (p *Pages) Submit(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	form, err := page.ReadForm(c, page.Line("version", 9))
	if err != nil {
		return err
	}
	d, err := p.Reports.Show(ctx, by(c))
	if err != nil {
		return err
	}
	own := inLanguageOf(v, d)
	id, err := p.Reports.Submit(ctx, by(c), version(form), build(own, d).text(own.Locale), own.Locale.Tag())
	if err == nil {
		return p.Flash(c, approvals.Path+"/"+id, "ok", "flash.application_submitted")
	}
	if faults := v.Faults(err); faults != nil {
		return p.show(c, http.StatusUnprocessableEntity, faults)
	}
	return err
}

// inLanguageOf is the visit in the language that the report was first submitted in, so that a later version differs in what it says alone.
func inLanguageOf(v *page.Visit, d application.Desk) *page.Visit {
	if d.Report.Locale == "" || d.Report.Locale == v.Locale.Tag() {
		return v
	}
	own := *v
	own.Locale = locale.For(d.Report.Locale).Staff()
	return &own
}

// version is that of the words on the page. A faulty one is no report's, so that the act is refused as made upon another version.
func version(f page.Form) int {
	n, err := strconv.Atoi(f.Get("version"))
	if err != nil {
		return -1
	}
	return n
}
