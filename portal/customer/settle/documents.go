package settle

import (
	"github.com/labstack/echo/v4"

	"offramp/portal/document"
	"offramp/portal/page"
)

// Attach adds a document to a request.
func (p *Pages) Attach(c echo.Context) error {
	upload, err := document.Read(c)
	if err == nil {
		_, err = p.Refunds.Attach(c.Request().Context(), page.Of(c).Who(), c.Param("ref"), upload)
	}
	if err == nil {
		return p.Flash(c, refundURL(c.Param("ref")), "ok", "flash.document_attached")
	}
	if status, ok := document.Refused(c, err); ok {
		return p.follow(c, status, words{field: document.Field, refused: err})
	}
	return err
}

// DownloadDocument hands a document out.
func (p *Pages) DownloadDocument(c echo.Context) error {
	content, err := p.Refunds.OpenDocument(c.Request().Context(), page.Of(c).Who(), c.Param("ref"), c.Param("id"))
	if err != nil {
		return err
	}
	return document.Send(c, content)
}

// RemoveDocument takes a document back.
func (p *Pages) RemoveDocument(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	err := p.Refunds.RemoveDocument(c.Request().Context(), page.Of(c).Who(), c.Param("ref"), c.Param("id"))
	if err == nil {
		return p.Flash(c, refundURL(c.Param("ref")), "ok", "flash.document_removed")
	}
	if status, ok := document.Refused(c, err); ok {
		return p.follow(c, status, words{refused: err})
	}
	return err
}
