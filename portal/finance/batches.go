package finance

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/internal/money"
	"offramp/migration/refund"
	"offramp/portal/page"
)

const (
	batchesShown = 100
	itemsShown   = 500
)

// ShowBatches lists what could be paid together now, and the latest batches.
func (p *Pages) ShowBatches(c echo.Context) error { return p.showBatches(c, http.StatusOK, nil) }

func (p *Pages) showBatches(c echo.Context, status int, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	payables, err := p.Refunds.Payables(ctx, staff(c))
	if err != nil {
		return err
	}
	batches, err := p.Refunds.Batches(ctx, staff(c), batchesShown+1)
	if err != nil {
		return err
	}
	var ids []string
	for _, b := range batches {
		ids = append(ids, b.CreatedBy, b.ReleasedBy)
	}
	names, err := p.names(ctx, staff(c), ids...)
	if err != nil {
		return err
	}
	layout := p.layout(c, v.Locale.T("finance.batches"), "batches")
	return page.Render(c, status, batchesPage(buildBatches(v, payables, batches, names, refused, layout)))
}

// CreateBatch makes a batch of the refunds that were ticked, once the preview of them was confirmed; without ticks, of every approved
// refund of a method and currency.
func (p *Pages) CreateBatch(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("method", 20), page.Line("currency", 3), page.Line("older", 4), page.Line("step", 10), page.Choices("ref", choiceShown))
	if err != nil {
		return err
	}
	if _, known := money.Digits(form.Get("currency")); !known {
		return page.ErrForm
	}
	if form.Get("step") != "" {
		return p.choose(c, form)
	}
	b, err := p.Refunds.CreateBatch(c.Request().Context(), staff(c), refund.Method(form.Get("method")), form.Get("currency"))
	if refusal(page.Of(c), err) != nil {
		return p.showBatches(c, http.StatusConflict, err)
	}
	if err != nil {
		return err
	}
	return p.batchMade(c, b)
}

func (p *Pages) batchMade(c echo.Context, b refund.Batch) error {
	if b.Unfit > 0 {
		return p.Flash(c, batchURL(b.ID), "warn", "flash.refund_batch_unfit")
	}
	return p.Flash(c, batchURL(b.ID), "ok", "flash.refund_batch_created")
}

// ShowBatch is one batch with its refunds.
func (p *Pages) ShowBatch(c echo.Context) error { return p.showBatch(c, http.StatusOK, nil) }

func (p *Pages) showBatch(c echo.Context, status int, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	b, items, err := p.Refunds.OpenBatch(ctx, staff(c), c.Param("id"), itemsShown)
	if err != nil {
		return err
	}
	traces, err := p.Refunds.Traces(ctx, staff(c), b)
	if err != nil {
		return err
	}
	ids := []string{b.CreatedBy, b.ReleasedBy}
	for _, t := range traces {
		ids = append(ids, t.By)
	}
	for _, i := range items {
		ids = append(ids, i.ReviewedBy, i.ApprovedBy)
	}
	names, err := p.names(ctx, staff(c), ids...)
	if err != nil {
		return err
	}
	layout := p.layout(c, b.Ref, "batches")
	layout.Path = batchURL(b.ID)
	return page.Render(c, status, batchPage(buildBatch(v, batchShown{b, items, traces, names}, refused, layout)))
}

// ReleaseBatch lets the money go.
func (p *Pages) ReleaseBatch(c echo.Context) error {
	return p.settleBatch(c, "flash.refund_batch_released", func(id string) (refund.Batch, error) {
		return p.Refunds.ReleaseBatch(c.Request().Context(), staff(c), id)
	})
}

// DiscardBatch undoes a batch that is not released.
func (p *Pages) DiscardBatch(c echo.Context) error {
	return p.settleBatch(c, "flash.refund_batch_discarded", func(id string) (refund.Batch, error) {
		return p.Refunds.DiscardBatch(c.Request().Context(), staff(c), id)
	})
}

func (p *Pages) settleBatch(c echo.Context, done string, act func(id string) (refund.Batch, error)) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	b, err := act(c.Param("id"))
	if refusal(page.Of(c), err) != nil {
		status := http.StatusConflict
		if fault.KindOf(err) == fault.Forbidden {
			status = http.StatusForbidden
		}
		return p.showBatch(c, status, err)
	}
	if err != nil {
		return err
	}
	if b.Dropped > 0 {
		return p.Flash(c, batchURL(b.ID), "warn", "flash.refund_batch_dropped")
	}
	return p.Flash(c, batchURL(b.ID), "ok", done)
}

// DownloadBatch sends the bank file of a released batch.
func (p *Pages) DownloadBatch(c echo.Context) error {
	ctx := c.Request().Context()
	b, _, err := p.Refunds.OpenBatch(ctx, staff(c), c.Param("id"), 0)
	if err != nil {
		return err
	}
	return page.WriteFile(c, b.Ref+".xml", "application/xml; charset=utf-8", func(w io.Writer) error { return p.Refunds.BatchFile(ctx, staff(c), b.ID, w) })
}
