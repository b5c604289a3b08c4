package api

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/internal/fault"
	"offramp/migration/notice/truth"
)

// MailHookPath is where a mail provider tells what became of our mails, MailHookBody how large one message may be.
const (
	MailHookPath = "/hooks/mail"
	MailHookBody = 512 << 10
)

// TakeMailReports takes a mail provider's message.
func (p *Pages) TakeMailReports(c echo.Context) error {
	return signed(c, p.ReportSecrets, func(id string, body []byte) error {
		_, err := p.Truth.TakeHook(c.Request().Context(), id, body)
		return err
	})
}

// TextHookPath is where the gateway for short messages tells what became of them, and what people answer.
const TextHookPath = "/hooks/sms"

// TakeTextReports takes the gateway's message.
func (p *Pages) TakeTextReports(c echo.Context) error {
	return signed(c, p.TextSecrets, func(id string, body []byte) error {
		_, err := p.Truth.TakeTextHook(c.Request().Context(), id, body)
		return err
	})
}

// refused are the statuses of what a program did wrong.
var refused = map[fault.Kind]int{fault.Invalid: http.StatusBadRequest, fault.Unauthenticated: http.StatusUnauthorized, fault.Conflict: http.StatusConflict}

// signed hands on a message that one of the secrets has signed: 204 once it is recorded, 401 when it is forged or stale, 400 when it
// cannot be read, 409 when it comes too early. What fails on our side is answered like anywhere, so that the sender tries again.
func signed(c echo.Context, secrets []string, take func(id string, body []byte) error) error {
	if len(secrets) == 0 {
		return errNoEndpoint
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		return err
	}
	header := c.Request().Header
	if err = truth.Verify(secrets, header, body); err == nil {
		err = take(header.Get(webhooks.HeaderWebhookID), body)
	}
	if f, ok := fault.As(err); ok && refused[f.Kind] != 0 {
		return c.JSON(refused[f.Kind], map[string]string{"error": f.Key})
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
