package customer

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration/replacement"
)

// hookAnswers are what a replacement's program is answered; it is no reader of pages.
var hookAnswers = map[fault.Kind]int{
	fault.Invalid: http.StatusBadRequest, fault.Unauthenticated: http.StatusUnauthorized, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.Gone: http.StatusGone,
}

// hook runs do with a message that the replacement in the address has signed, and answers in JSON. What fails on our side is
// answered like anywhere, so that the sender tries again.
func (p *Pages) hook(do func(c echo.Context, messageID string, body []byte) (any, error)) echo.HandlerFunc {
	return func(c echo.Context) error {
		if kind, _, err := mime.ParseMediaType(c.Request().Header.Get("Content-Type")); err != nil || kind != "application/json" {
			return c.JSON(http.StatusUnsupportedMediaType, map[string]string{"error": "fault.media_type"})
		}
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		id, err := p.Choices.Verify(c.Param("key"), c.Request().Header, body)
		var out any
		if err == nil {
			out, err = do(c, id, body)
		}
		if f, ok := fault.As(err); ok {
			if status := hookAnswers[f.Kind]; status != 0 {
				return c.JSON(status, map[string]string{"error": f.Key})
			}
		}
		if err != nil {
			return err
		}
		if out == nil {
			return c.NoContent(http.StatusNoContent)
		}
		return c.JSON(http.StatusOK, out)
	}
}

// TakeReport takes what a replacement says of a customer's move.
func (p *Pages) TakeReport(c echo.Context) error {
	return p.hook(func(c echo.Context, messageID string, body []byte) (any, error) {
		r, err := replacement.ReadReport(body)
		if err != nil {
			return nil, err
		}
		return nil, p.Choices.Take(c.Request().Context(), c.Param("key"), messageID, r)
	})(c)
}

// RedeemHandOver gives a replacement's sign-up the fields that a customer agreed to hand over, for the token that the customer
// brought along.
func (p *Pages) RedeemHandOver(c echo.Context) error {
	return p.hook(func(c echo.Context, _ string, body []byte) (any, error) {
		var in struct {
			Token string `json:"token"`
		}
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, replacement.ErrBadReport.Wrap(err)
		}
		programme, err := p.Programmes.Active(c.Request().Context())
		if err != nil {
			return nil, err
		}
		redeemed, err := p.Choices.Redeem(c.Request().Context(), programme, c.Param("key"), in.Token)
		if err != nil {
			return nil, err
		}
		fields := map[string]string{}
		for _, v := range redeemed.Values {
			fields[v.Field] = v.Value
		}
		return map[string]any{"hand_over_id": redeemed.HandOverID, "fields": fields}, nil
	})(c)
}
