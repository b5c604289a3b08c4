package customer

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/internal/locale"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// deleteView asks whether an export is to be deleted before its time.
type deleteView struct {
	layout  ui.Page
	heading ui.Heading
	back    string
	effects []string
	confirm ui.Action
	keep    ui.Link
}

// ShowDelete asks whether an export is to be deleted.
func (p *Pages) ShowDelete(c echo.Context) error {
	e, plan, err := p.readExport(c)
	if err != nil {
		return err
	}
	v := page.Of(c)
	switch {
	case !mayExport(v):
		return export.ErrOwnersOnly
	case !e.Downloadable(v.Now):
		return export.ErrMoved
	}
	l, w := v.Locale, newExportWords(v, plan)
	view := deleteView{
		layout: p.Layout(c, l.T("export.delete.ask", "Reference", e.Reference()), "exports"), back: exportURL(e),
		heading: ui.Heading{Eyebrow: l.T("step.export"), Title: l.T("export.delete.ask", "Reference", e.Reference()), Lead: l.T("export.delete.lead")},
		effects: []string{l.T("export.delete.effect.files"), l.T("export.delete.effect.copies"), l.T("export.delete.effect.product")},
		confirm: ui.Action{URL: exportURL(e) + "/delete", Button: ui.Button{Label: l.T("export.delete.yes"), Kind: ui.Danger}},
		keep:    ui.Link{Label: l.T("export.delete.no"), URL: exportURL(e)},
	}
	view.layout.Narrow = true
	if date := w.limit(); date != "" {
		view.effects = append(view.effects, l.T("export.again_text", "Date", date))
	}
	return page.Render(c, http.StatusOK, deletePage(view))
}

// DeleteExport deletes an export before its time.
func (p *Pages) DeleteExport(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v := page.Of(c)
	e, err := p.Exports.Delete(c.Request().Context(), v.Who(), v.Programme, c.Param("id"))
	if err != nil {
		return err
	}
	return p.Flash(c, exportURL(e), "ok", "flash.export_deleted")
}

// RenewExport builds an export of the same selection anew.
func (p *Pages) RenewExport(c echo.Context) error {
	return p.onceMore(c, "/again", func(was export.Export, password export.Password) (export.Export, error) {
		v := page.Of(c)
		return p.Exports.Again(c.Request().Context(), v.Who(), v.Programme, was.ID, password)
	})
}

// WayOut leads from the page of an archive that is gone to its export, which offers to build it anew.
func WayOut(l *locale.Locale, exportID string, err error) (ui.Link, bool) {
	if exportID == "" || !errors.Is(err, export.ErrLost) && !errors.Is(err, export.ErrExpired) {
		return ui.Link{}, false
	}
	return ui.Link{Label: l.T("export.gone.go"), URL: exportURL(export.Export{ID: exportID})}, true
}
