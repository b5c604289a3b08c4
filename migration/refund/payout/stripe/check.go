package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	stripego "github.com/stripe/stripe-go/v83"
)

// What Check may find.
var (
	ErrKey    = errors.New("stripe: the key is refused")
	ErrAnswer = errors.New("stripe: the answer is no list of refunds") // something else listens there, or it is broken
)

// Check asks for the newest refund: whether Stripe is reached and lets the key read refunds. It changes nothing. ErrKey,
// ErrAnswer, or what went wrong on the way. No error repeats what Stripe says of a key.
func (c *Client) Check(ctx context.Context) error {
	params := &stripego.RefundListParams{}
	params.Limit = stripego.Int64(1)
	for r, err := range c.api.V1Refunds.List(ctx, params) {
		var answer *stripego.Error
		switch {
		case errors.As(err, &answer) && (answer.HTTPStatusCode == http.StatusUnauthorized || answer.HTTPStatusCode == http.StatusForbidden):
			return ErrKey
		case errors.As(err, &answer):
			return fmt.Errorf("%w: status %d", ErrAnswer, answer.HTTPStatusCode)
		case unreached(err):
			return fmt.Errorf("reach stripe: %w", err)
		case err != nil:
			return fmt.Errorf("%w: %w", ErrAnswer, err)
		case r.Object != "refund":
			return ErrAnswer
		}
		break
	}
	return nil
}
