package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	stripego "github.com/stripe/stripe-go/v83"

	"offramp/migration/refund/payout"
)

// The metadata by which a refund at Stripe is known to be ours.
const (
	metaRef     = "offramp_refund"
	metaAttempt = "offramp_attempt"
)

// Options say how Stripe is reached. Key and HTTP are required.
type Options struct {
	Key  string       // secret or restricted API key; it needs to read payments, and to read and write refunds
	HTTP *http.Client // the product's own way out, see internal/outbound; answers of 1 MiB must fit
	URL  string       // of the API; empty: Stripe's own
}

// Client is Stripe as a provider. It is safe for concurrent use.
type Client struct{ api *stripego.Client }

var _ payout.Provider = (*Client)(nil)

// New returns a client. It calls nobody.
func New(o Options) *Client {
	backend := stripego.GetBackendWithConfig(stripego.APIBackend, &stripego.BackendConfig{
		HTTPClient: once(o.HTTP), URL: stripego.String(cmp.Or(o.URL, stripego.APIURL)),
		MaxNetworkRetries: stripego.Int64(0), EnableTelemetry: stripego.Bool(false),
		LeveledLogger: &stripego.LeveledLogger{Level: stripego.LevelNull}, // it would print bodies
	})
	backends := &stripego.Backends{API: backend, Connect: backend, Uploads: backend, MeterEvents: backend}
	return &Client{api: stripego.NewClient(o.Key, stripego.WithBackends(backends))}
}

// once returns a client that sends a body once. Go's transport would send it again when a connection that was kept alive dies
// before the answer, if the request has a key and a way to read its body anew.
func once(c *http.Client) *http.Client {
	single := *c
	single.Transport = sendOnce{cmp.Or(c.Transport, http.DefaultTransport)}
	return &single
}

type sendOnce struct{ next http.RoundTripper }

// RoundTrip makes one call.
func (s sendOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	plain := *r
	plain.GetBody = nil
	return s.next.RoundTrip(&plain)
}

// Refund asks Stripe for the refund, once.
func (c *Client) Refund(ctx context.Context, o payout.Order) (payout.Outcome, error) {
	params, err := create(o)
	if err != nil {
		return payout.Outcome{}, err
	}
	if err := ctx.Err(); err != nil {
		return payout.Outcome{}, err
	}
	paid, err := c.currencyOf(ctx, params.PaymentIntent, params.Charge)
	if err != nil {
		return notAsked(err), nil
	}
	if paid != o.Currency {
		return payout.Outcome{}, fmt.Errorf("%w: %s is in %s, and %s was paid in %s", payout.ErrOrder, o.Ref, o.Currency, o.ProviderPayment, paid)
	}
	r, err := c.api.V1Refunds.Create(ctx, params)
	if err != nil {
		return refused(err), nil
	}
	outcome := outcomeOf(r)
	if last := r.LastResponse; last != nil {
		outcome.Replayed = last.Header.Get("Idempotent-Replayed") == "true"
	}
	return outcome, nil
}

// create writes the order as Stripe wants it. The same order gives the same parameters: Stripe refuses a key with others.
func create(o payout.Order) (*stripego.RefundCreateParams, error) {
	switch {
	case o.Ref == "" || o.Attempt < 1:
		return nil, fmt.Errorf("%w: no reference or attempt", payout.ErrOrder)
	case o.IdempotencyKey == "" || len(o.IdempotencyKey) > 255:
		return nil, fmt.Errorf("%w: %s has no idempotency key of at most 255 characters", payout.ErrOrder, o.Ref)
	}
	amount, err := toStripe(o.Amount, o.Currency)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", payout.ErrOrder, o.Ref, err)
	}
	p := &stripego.RefundCreateParams{
		Amount: &amount, Reason: stripego.String(string(stripego.RefundReasonRequestedByCustomer)), Metadata: metadata(o),
	}
	if p.PaymentIntent, p.Charge, err = paymentOf(o); err != nil {
		return nil, err
	}
	p.SetIdempotencyKey(o.IdempotencyKey)
	return p, nil
}

func metadata(o payout.Order) map[string]string {
	m := maps.Clone(o.Metadata)
	if m == nil {
		m = map[string]string{}
	}
	m[metaRef], m[metaAttempt] = o.Ref, strconv.Itoa(o.Attempt)
	return m
}

func paymentOf(o payout.Order) (intent, charge *string, err error) {
	switch id := o.ProviderPayment; {
	case strings.HasPrefix(id, "pi_"):
		return &id, nil, nil
	case strings.HasPrefix(id, "ch_"), strings.HasPrefix(id, "py_"):
		return nil, &id, nil
	}
	return nil, nil, fmt.Errorf("%w: %s names no payment at Stripe (pi_, ch_ or py_): %q", payout.ErrOrder, o.Ref, o.ProviderPayment)
}

// currencyOf reads in which currency the payment was made. Stripe takes the amount of a refund to be in that one, whatever
// we mean.
func (c *Client) currencyOf(ctx context.Context, intent, charge *string) (string, error) {
	if intent != nil {
		p, err := c.api.V1PaymentIntents.Retrieve(ctx, *intent, nil)
		if err != nil {
			return "", err
		}
		return strings.ToUpper(string(p.Currency)), nil
	}
	p, err := c.api.V1Charges.Retrieve(ctx, *charge, nil)
	if err != nil {
		return "", err
	}
	return strings.ToUpper(string(p.Currency)), nil
}

// LookUp reads the order's refund, by its id or by its reference among the refunds of the payment. What went wrong while
// looking is Unknown, never Failed: it says nothing about the refund.
func (c *Client) LookUp(ctx context.Context, o payout.Order) (payout.Outcome, error) {
	intent, charge, err := paymentOf(o)
	if err != nil {
		return payout.Outcome{}, err
	}
	if err := ctx.Err(); err != nil {
		return payout.Outcome{}, err
	}
	id, others := o.ProviderRefund, []string(nil)
	if id == "" {
		if id, others, err = c.find(ctx, o, intent, charge); err != nil {
			return lost(err), nil
		}
		if id == "" {
			return payout.Outcome{State: payout.NotFound}, nil
		}
	}
	r, err := c.api.V1Refunds.Retrieve(ctx, id, nil)
	if err != nil {
		return lost(err), nil
	}
	outcome := outcomeOf(r)
	outcome.Others = others
	if at, err := http.ParseTime(r.LastResponse.Header.Get("Date")); err == nil && outcome.ID != "" {
		outcome.At = at // as it stood then
	}
	return outcome, nil
}

// find returns the id of the attempt's refund, the oldest if there are more, and the ids of the others.
func (c *Client) find(ctx context.Context, o payout.Order, intent, charge *string) (id string, others []string, err error) {
	params := &stripego.RefundListParams{PaymentIntent: intent, Charge: charge}
	params.Limit = stripego.Int64(100)
	for r, err := range c.api.V1Refunds.List(ctx, params) { // newest first
		if missing := (*stripego.Error)(nil); errors.As(err, &missing) && missing.Code == stripego.ErrorCodeResourceMissing {
			return "", nil, nil // no payment, no refund
		}
		if err != nil {
			return "", nil, err
		}
		if r.Metadata[metaRef] != o.Ref || r.Metadata[metaAttempt] != strconv.Itoa(o.Attempt) {
			continue
		}
		if id != "" {
			others = append(others, id)
		}
		id = r.ID
	}
	return id, others, nil
}

// outcomeOf reads a refund. Nothing that is no refund, or has a status that we do not know, passes for one.
func outcomeOf(r *stripego.Refund) payout.Outcome {
	if r.Object != "refund" || r.ID == "" {
		return payout.Outcome{State: payout.Unknown, Code: "undecodable"}
	}
	out := payout.Outcome{ID: r.ID, At: time.Unix(r.Created, 0).UTC(), Currency: strings.ToUpper(string(r.Currency))}
	amount, err := fromStripe(r.Amount, out.Currency)
	if err != nil {
		out.Detail = err.Error()
	}
	out.Amount = amount
	switch r.Status {
	case stripego.RefundStatusPending, stripego.RefundStatusRequiresAction:
		out.State, out.Code = payout.Accepted, string(r.PendingReason)
	case stripego.RefundStatusSucceeded:
		out.State = payout.Succeeded
	case stripego.RefundStatusFailed:
		out.State, out.Code = payout.Failed, string(r.FailureReason)
		out.Failure = reasons[out.Code]
		if out.Failure == "" {
			out.Failure = payout.MethodFailed
		}
	case stripego.RefundStatusCanceled:
		out.State, out.Failure, out.Code = payout.Failed, payout.Cancelled, string(r.Status)
	default:
		out.State, out.Code = payout.Unknown, "status_"+string(r.Status)
	}
	return out
}

// reasons gives the failures of refunds that are not the method's own. See the refund object's failure_reason.
var reasons = map[string]payout.Failure{
	"charge_for_pending_refund_disputed": payout.Disputed,
	"insufficient_funds":                 payout.NoFunds,
	"merchant_request":                   payout.Cancelled,
}
