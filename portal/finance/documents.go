package finance

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/portal/document"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// AttachDocument adds a document to a refund: for finance alone, unless the form says otherwise.
func (p *Pages) AttachDocument(c echo.Context) error {
	upload, err := document.Read(c, document.Shown)
	if err == nil {
		_, err = p.Refunds.AttachForStaff(c.Request().Context(), staff(c), c.Param("ref"), upload)
	}
	if err == nil {
		return p.Flash(c, refundURL(c.Param("ref")), "ok", "flash.document_attached")
	}
	d := decision{act: document.Field, shown: upload.Shown, refused: err}
	if status, ok := document.Refused(c, err); ok {
		return p.showRefund(c, status, d)
	}
	if fault.KindOf(err) == fault.Forbidden {
		return p.showRefund(c, http.StatusForbidden, d)
	}
	return err
}

// DownloadDocument hands a document out; each time is recorded.
func (p *Pages) DownloadDocument(c echo.Context) error {
	content, err := p.Refunds.OpenDocumentForStaff(c.Request().Context(), staff(c), c.Param("ref"), c.Param("id"))
	if err != nil {
		return err
	}
	return document.Send(c, content)
}

// RemoveDocument takes a document back that the same person attached.
func (p *Pages) RemoveDocument(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	err := p.Refunds.RemoveDocumentForStaff(c.Request().Context(), staff(c), c.Param("ref"), c.Param("id"))
	if err == nil {
		return p.Flash(c, refundURL(c.Param("ref")), "ok", "flash.document_removed")
	}
	if status, ok := document.Refused(c, err); ok {
		return p.showRefund(c, status, decision{refused: err})
	}
	return err
}

// documents are the table of documents and the form that adds one.
func (b refundBuilder) documents(view *refundView) {
	at := refundURL(b.f.Ref) + "/documents"
	view.documents = document.List{Refund: b.f.Refund, Documents: b.f.Documents, URL: at, Person: b.v.Session.IdentityID, Name: b.names.of}.Table(b.v)
	bad := ""
	if b.d.act == document.Field {
		bad = wrong(b.v, b.d.refused)[document.Field]
	}
	view.attach = *document.NewForm(b.v, at, true, b.d.shown, bad)
	if bad != "" {
		view.errors, view.layout.Errors = append(view.errors, ui.FieldError{FieldID: view.attach.File.ID, Text: bad}), true
	}
}
