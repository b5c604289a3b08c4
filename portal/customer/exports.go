package customer

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/portal/page"
)

// ListExports shows the customer's exports, newest first.
func (p *Pages) ListExports(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	part, err := readPart(c)
	if err != nil {
		return err
	}
	if part.list, part.more, err = p.Exports.List(ctx, v.Who(), part.before, exportsShown); err != nil {
		return err
	}
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	layout := p.Layout(c, v.Locale.T("export.title"), "exports")
	return page.Render(c, http.StatusOK, exportsPage(buildExports(v, plan, part, layout, page.SupportCode(p.Secret, v.Who().CustomerID))))
}

// readPart reads where a page of the list begins; anything but a number is the newest.
func readPart(c echo.Context) (part exportsPart, err error) {
	query, err := page.ReadQuery(c, page.Line("before", 20))
	if f, ok := fault.As(err); ok && len(f.Fields) == 0 {
		return part, err
	}
	if n, bad := strconv.ParseInt(query.Get("before"), 10, 64); bad == nil && n > 0 {
		part.before = n
	}
	return part, nil
}

// readExport reads what a page of one export shows.
func (p *Pages) readExport(c echo.Context) (e export.Export, plan migration.Plan, err error) {
	v, ctx := page.Of(c), c.Request().Context()
	if e, err = p.Exports.Get(ctx, v.Who(), c.Param("id")); err != nil {
		return e, plan, err
	}
	plan, err = p.plan(c)
	return e, plan, err
}

// ShowExport is one export.
func (p *Pages) ShowExport(c echo.Context) error {
	e, plan, err := p.readExport(c)
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, exportPage(p.exportView(c, e, plan)))
}

func (p *Pages) exportView(c echo.Context, e export.Export, plan migration.Plan) exportView {
	v := page.Of(c)
	return buildExportPage(v, plan, e, p.related(c, e), p.AsPaper(c, p.Layout(c, "", "exports")), page.SupportCode(p.Secret, v.Who().CustomerID))
}

// related are the earlier exports that an export's selection refers to. One that cannot be read is merely not named.
func (p *Pages) related(c echo.Context, e export.Export) (list []export.Export) {
	for _, id := range []string{e.Selection.Since, e.Selection.Repair} {
		if id == "" {
			continue
		}
		if earlier, err := p.Exports.Get(c.Request().Context(), page.Of(c).Who(), id); err == nil {
			list = append(list, earlier)
		}
	}
	return list
}

// PollExport answers the polls of an export's page.
func (p *Pages) PollExport(c echo.Context) error {
	e, plan, err := p.readExport(c)
	if err != nil {
		return err
	}
	query, err := page.ReadQuery(c, page.Line("seen", 40))
	if err != nil {
		return err
	}
	if query.Get("seen") == seenReady && newExportWords(page.Of(c), plan).awaited(e) {
		return c.NoContent(http.StatusNoContent) // htmx leaves the page as it is
	}
	if !e.Live() {
		c.Response().Header().Set("HX-Retarget", "#"+exportBodyID)
		return page.Render(c, http.StatusOK, exportEnded(p.exportView(c, e, plan)))
	}
	card := newExportWords(page.Of(c), plan).state(e)
	return page.Render(c, http.StatusOK, exportProgress(card, query.Get("seen")))
}

// DownloadExport leads to the archive. Each time it is checked anew who may have it and whether it is still there.
func (p *Pages) DownloadExport(c echo.Context) error {
	v := page.Of(c)
	link, err := p.Exports.Link(c.Request().Context(), v.Who(), v.Programme, c.Param("id"), 1)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusFound, link)
}

// CancelExport ends a live export.
func (p *Pages) CancelExport(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v := page.Of(c)
	e, err := p.Exports.Cancel(c.Request().Context(), v.Who(), v.Programme, c.Param("id"))
	if err != nil {
		return err
	}
	return p.Flash(c, exportURL(e), "ok", "flash.export_cancelled")
}

// RetryExport queues a failed export again.
func (p *Pages) RetryExport(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v := page.Of(c)
	e, err := p.Exports.Retry(c.Request().Context(), v.Who(), v.Programme, c.Param("id"))
	if err != nil {
		return err
	}
	return p.Flash(c, exportURL(e), "ok", "flash.export_retried")
}

// ShowCheck asks whether a downloaded copy is complete.
func (p *Pages) ShowCheck(c echo.Context) error {
	e, plan, err := p.readExport(c)
	if err != nil {
		return err
	}
	if e.ReadyAt == nil {
		return export.ErrNotReady
	}
	v := page.Of(c)
	asked, err := p.Help.ListForCustomer(c.Request().Context(), v.Who(), e.ID)
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, checkPage(buildCheck(v, plan, e, asked, p.Layout(c, "", "exports"))))
}

// ConfirmExport completes step 2: the copy is complete.
func (p *Pages) ConfirmExport(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v := page.Of(c)
	if _, err := p.Exports.MarkChecked(c.Request().Context(), v.Who(), v.Programme, c.Param("id")); err != nil {
		return err
	}
	return p.Flash(c, "/plan", "ok", "flash.export_checked")
}

// RepairExport starts an export of only what failed in an earlier one, in the same formats.
func (p *Pages) RepairExport(c echo.Context) error {
	return p.onceMore(c, "/repair", func(was export.Export, password export.Password) (export.Export, error) {
		v, s := page.Of(c), was.Selection
		return p.Exports.Request(c.Request().Context(), v.Who(), v.Programme, export.Selection{
			Repair: was.ID, Formats: s.Formats, Spreadsheet: s.Spreadsheet, Browse: s.Browse, Replacement: s.Replacement, VolumeSize: s.VolumeSize,
			Locked: s.Locked, Password: password,
		})
	})
}
