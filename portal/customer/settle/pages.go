package settle

import (
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/internal/money"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Path is where step 4 begins.
const Path = "/refund"

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Refunds   *refund.Service
	Customers *migration.Service
}

// layout is the shell of the pages of step 4.
func (p *Pages) layout(c echo.Context, title string) ui.Page {
	return p.AsPaper(c, p.Layout(c, title, "refund"))
}

// code is what the customer tells support.
func (p *Pages) code(c echo.Context) string {
	return page.SupportCode(p.Secret, page.Of(c).Who().CustomerID)
}

// currency is the one in the address. A code that is none answers like a page that does not exist.
func currency(c echo.Context) (string, error) {
	code := c.Param("currency")
	if _, known := money.Digits(code); !known {
		return "", refund.ErrNotFound
	}
	return code, nil
}

// Addresses of one currency's request, and of one refund.
func requestURL(currency, page string) string { return Path + "/" + currency + "/" + page }
func refundURL(ref string) string             { return Path + "/" + url.PathEscape(ref) }

// Show is what the customer gets back and why, with what was asked for already.
func (p *Pages) Show(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	estimate, err := p.Refunds.Estimate(ctx, v.Who(), v.Programme)
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, estimatePage(buildEstimate(v, estimate, p.layout(c, v.Locale.T("settle.title")), p.code(c))))
}

// offer finds what can be asked for in a currency, or ErrNothing.
func (p *Pages) offer(c echo.Context, currency string) (refund.Offer, error) {
	v := page.Of(c)
	estimate, err := p.Refunds.Estimate(c.Request().Context(), v.Who(), v.Programme)
	if err != nil {
		return refund.Offer{}, err
	}
	for _, o := range estimate.Quotes {
		if o.Quote.Currency == currency && len(o.Methods) > 0 {
			return o, nil
		}
	}
	return refund.Offer{}, refund.ErrNothing
}

// wrong are the faults of single fields, in words.
func wrong(v *page.Visit, err error) map[string]string {
	return v.Faults(err)
}

// fieldFaults reports whether err says what to mend in which fields.
func fieldFaults(err error) bool {
	f, ok := fault.As(err)
	return ok && len(f.Fields) > 0
}

// badStatus is the status of a form that is shown again: the reader can mend it, or we cannot keep it now.
func badStatus(err error) int {
	if fault.KindOf(err) == fault.Unavailable {
		return http.StatusServiceUnavailable
	}
	return http.StatusUnprocessableEntity
}

// noted lists the faults of fields in the order of the page.
func noted(texts map[string]string, ids ...string) []ui.FieldError {
	var list []ui.FieldError
	for _, id := range ids {
		if texts[id] != "" {
			list = append(list, ui.FieldError{FieldID: id, Text: texts[id]})
		}
	}
	return list
}
