package customer

import (
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/export/archive"
	"offramp/export/receipt"
	"offramp/export/storage"
	"offramp/portal/page"
)

// ReceiptKeys sign receipts: the first, and those that did before the installation's secret was changed.
type ReceiptKeys []receipt.Key

// receiptOf is the receipt of a whole export as a file: the same bytes, plain and signed.
func (p *Pages) receiptOf(c echo.Context) (e export.Export, payload []byte, err error) {
	if e, err = p.Exports.Get(c.Request().Context(), page.Of(c).Who(), c.Param("id")); err != nil {
		return e, nil, err
	}
	if e.Receipt == nil {
		return e, nil, export.ErrNotReady
	}
	whole := *e.Receipt
	if len(whole.Volumes) == 0 {
		for _, v := range e.Volumes {
			whole.Volumes = append(whole.Volumes, archive.VolumeProof{Number: v.Number, Size: v.Size, SHA256: v.SHA256})
		}
	}
	payload, err = json.MarshalIndent(whole, "", "  ")
	return e, append(payload, '\n'), err
}

// DownloadReceipt is the receipt as JSON.
func (p *Pages) DownloadReceipt(c echo.Context) error {
	e, payload, err := p.receiptOf(c)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", storage.Disposition(e.Reference()+"-receipt.json"))
	return page.Send(c, http.StatusOK, "application/json", payload)
}

// DownloadSignedReceipt is the same with our signature.
func (p *Pages) DownloadSignedReceipt(c echo.Context) error {
	e, payload, err := p.receiptOf(c)
	if err != nil {
		return err
	}
	signed, err := receipt.Sign(payload, p.Receipts[0])
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", storage.Disposition(e.Reference()+"-receipt.jws"))
	return page.Send(c, http.StatusOK, receipt.Kind, signed)
}

// ServeReceiptKeys publishes the keys that receipts are checked with.
func (p *Pages) ServeReceiptKeys(c echo.Context) error {
	keys, err := receipt.PublicKeys(p.Receipts...)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=3600")
	return page.Send(c, http.StatusOK, "application/jwk-set+json", keys)
}
