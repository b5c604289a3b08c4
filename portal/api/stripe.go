package api

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration/notice/truth"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/stripe"
)

// StripePath is where Stripe sends its events, StripeBody how large one may be.
const (
	StripePath = "/webhooks/stripe"
	StripeBody = 256 << 10
)

var errNoEndpoint = fault.New(fault.NotFound, "fault.not_found")

// Pages take what providers tell by themselves.
type Pages struct {
	Refunds       *refund.Service
	StripeSecrets []string // that sign events, the current one first; none: nothing is taken
	Truth         *truth.Service
	ReportSecrets []string // that sign a mail provider's messages; none: nothing is taken
	TextSecrets   []string // that sign those of the gateway for short messages; none: nothing is taken
}

// TakeStripe takes an event of Stripe: 200 once it is in the inbox, which a job empties; 400 when it is forged, stale or signed
// with a secret of long ago. The caller is no browser: the signature is all that speaks for it.
func (p *Pages) TakeStripe(c echo.Context) error {
	if len(p.StripeSecrets) == 0 || p.Refunds == nil {
		return errNoEndpoint
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	event, err := stripe.ReadEvent(body, c.Request().Header.Get(stripe.SignatureHeader), p.StripeSecrets)
	if err != nil {
		return err
	}
	if err := p.Refunds.ReceiveEvent(c.Request().Context(), "stripe", event); err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}
