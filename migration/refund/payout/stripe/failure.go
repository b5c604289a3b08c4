package stripe

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	stripego "github.com/stripe/stripe-go/v83"

	"offramp/migration/refund/payout"
)

// codes gives the errors of the API that say why a refund is refused.
var codes = map[stripego.ErrorCode]payout.Failure{
	stripego.ErrorCodeChargeAlreadyRefunded: payout.AlreadyRefunded,
	stripego.ErrorCodeAmountTooLarge:        payout.OverRefund,
	stripego.ErrorCodeChargeDisputed:        payout.Disputed,
	stripego.ErrorCodeRefundDisputedPayment: payout.Disputed,
	stripego.ErrorCodeBalanceInsufficient:   payout.NoFunds,
	"insufficient_funds":                    payout.NoFunds,
	stripego.ErrorCodeChargeNotRefundable:   payout.MethodFailed,
	"expired_or_canceled_card":              payout.MethodFailed,
	stripego.ErrorCodeExpiredCard:           payout.MethodFailed,
	"lost_or_stolen_card":                   payout.MethodFailed,
}

// refused tells what an error of the call for a refund means. Only an answer that was read and understood, or a
// connection that never came about, says that nothing moved; all else is unknown.
func refused(err error) payout.Outcome {
	var answer *stripego.Error
	if !errors.As(err, &answer) {
		if unreached(err) {
			return payout.Outcome{State: payout.Failed, Failure: payout.Busy, Code: "unreachable", Detail: err.Error()}
		}
		return lost(err)
	}
	out := payout.Outcome{State: payout.Failed, Code: codeOf(answer), Detail: answer.Msg}
	if last := answer.LastResponse; last != nil {
		out.Replayed = last.Header.Get("Idempotent-Replayed") == "true"
	}
	status, failure := answer.HTTPStatusCode, codes[answer.Code]
	switch {
	case status >= http.StatusInternalServerError, status == http.StatusConflict, answer.Type == stripego.ErrorTypeIdempotency:
		out.State = payout.Unknown // the key is in use, or was used for something else: there may be a refund
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		out.Failure = payout.Auth
	case status == http.StatusTooManyRequests:
		out.Failure = payout.Busy
	case failure != "":
		out.Failure = failure
	case overRefund(answer):
		out.Failure = payout.OverRefund
	case status == http.StatusPaymentRequired:
		out.Failure = payout.MethodFailed
	case status >= http.StatusBadRequest:
		out.Failure = payout.Invalid
	default:
		out.State = payout.Unknown
	}
	return out
}

// notAsked tells of a refund that was not asked for, since the payment could not be read before.
func notAsked(err error) payout.Outcome {
	out := refused(err)
	if out.State == payout.Unknown {
		out.State, out.Failure = payout.Failed, payout.Busy
	}
	return out
}

// overRefund knows the refusal of an amount above what is left, which Stripe sends without a code.
func overRefund(e *stripego.Error) bool {
	return e.Type == stripego.ErrorTypeInvalidRequest && strings.Contains(e.Msg, "is greater than") && strings.Contains(e.Msg, "efund amount")
}

// lost tells of a call whose answer is missing or of no use.
func lost(err error) payout.Outcome {
	out := payout.Outcome{State: payout.Unknown, Detail: err.Error()}
	var answer *stripego.Error
	var network net.Error
	switch {
	case errors.As(err, &answer):
		out.Code, out.Detail = codeOf(answer), answer.Msg
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, context.DeadlineExceeded):
		out.Code = "timeout"
	case errors.Is(err, context.Canceled):
		out.Code = "broken_off"
	case errors.As(err, &network):
		out.Code = "connection"
	default:
		out.Code = "undecodable"
	}
	return out
}

func codeOf(e *stripego.Error) string {
	return cmp.Or(string(e.Code), string(e.DeclineCode), string(e.Type), "http_"+strconv.Itoa(e.HTTPStatusCode))
}

// unreached reports whether no connection came about, so that nothing can have been sent.
func unreached(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
