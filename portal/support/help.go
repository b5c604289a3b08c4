package support

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration/assistance"
	"offramp/portal/console"
	"offramp/portal/page"
)

// ShowRequest is one request for help, beside the export that it is about.
func (p *Pages) ShowRequest(c echo.Context) error { return p.showRequest(c, http.StatusOK, "", nil) }

func (p *Pages) showRequest(c echo.Context, status int, answer string, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	r, err := p.Help.View(ctx, v.Session.IdentityID, c.Param("id"))
	if err != nil {
		return err
	}
	var about *export.Export
	if r.ExportID != "" {
		e, err := p.Exports.GetForStaff(ctx, db.StaffScope(v.Session.IdentityID), r.ExportID)
		if err != nil {
			return err
		}
		about = &e
	}
	layout := console.Layout(p.Kit, c, r.Reference(), "support")
	layout.Path = requestURL(r.ID) // also after a POST
	return page.Render(c, status, requestPage(buildRequest(v, r, about, answer, refused, layout)))
}

// AnswerRequest answers a request; the customer gets a mail.
func (p *Pages) AnswerRequest(c echo.Context) error {
	form, err := page.ReadForm(c, page.Text("answer", assistance.MaxText))
	if err == nil {
		_, err = p.Help.Answer(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"), form.Get("answer"))
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.showRequest(c, http.StatusUnprocessableEntity, form.Get("answer"), err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, "/console/support", "ok", "flash.help_answered")
}

// requestURL is the page of a request.
func requestURL(id string) string { return "/console/support/help/" + id }
