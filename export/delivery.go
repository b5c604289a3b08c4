package export

import (
	"time"

	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/jobs"
	"offramp/internal/secret"
)

// DeliveryState is where a copy into a customer's own bucket stands.
type DeliveryState string

// The six states. Trouble that passes leads back to waiting.
const (
	DeliveryWaiting   DeliveryState = "waiting"
	DeliveryChecking  DeliveryState = "checking"
	DeliveryCopying   DeliveryState = "copying"
	DeliveryDone      DeliveryState = "done"
	DeliveryFailed    DeliveryState = "failed"
	DeliveryCancelled DeliveryState = "cancelled"
)

// Delivery is a copy of a ready export into the customer's own bucket.
type Delivery struct {
	ID          string
	ExportID    string
	CustomerID  string
	RequestedBy string // contact id
	State       DeliveryState
	Attempt     int // the fence
	Failures    int
	Target      Target // without the secret
	CheckedAt   *time.Time
	Field       string // of the form: what the customer is to mend; may be empty
	Problem     string // message key of why it failed or takes longer, or of what is to be known of a copy that is done
	Cause       string // what support reads; empty in what a customer's methods return
	BytesDone   int64
	BytesTotal  int64
	Names       []string // of the objects that lie in the bucket, proven
	RequestedAt time.Time
	StartedAt   *time.Time // of the latest attempt
	FinishedAt  *time.Time

	sealed string // the secret
}

// Live reports whether work on it goes on or is to come.
func (d Delivery) Live() bool { return d.FinishedAt == nil }

// start begins an attempt.
func (d Delivery) start(now time.Time) (Delivery, error) {
	if !d.Live() {
		return d, ErrMoved
	}
	d.State, d.StartedAt = DeliveryChecking, &now
	d.Attempt++
	return d, nil
}

// copying notes that the bucket takes our objects.
func (d Delivery) copying(now time.Time) (Delivery, error) {
	if d.State != DeliveryChecking {
		return d, ErrMoved
	}
	d.State, d.CheckedAt, d.Field, d.Problem, d.Cause = DeliveryCopying, &now, "", "", ""
	return d, nil
}

// delay puts a delivery whose attempt met trouble back to wait.
func (d Delivery) delay(t obstacle) (Delivery, error) {
	if d.State != DeliveryChecking && d.State != DeliveryCopying {
		return d, ErrMoved
	}
	d.State, d.Problem, d.Cause = DeliveryWaiting, t.problem, t.cause
	d.Failures++
	return d, nil
}

// end closes a delivery and forgets the customer's secret.
func (d Delivery) end(state DeliveryState, now time.Time, t obstacle) (Delivery, error) {
	if !d.Live() {
		return d, ErrMoved
	}
	d.State, d.FinishedAt, d.sealed = state, &now, ""
	d.Field, d.Problem, d.Cause = t.field, t.problem, t.cause
	return d, nil
}

// What people may meet with deliveries.
var (
	ErrTarget      = fault.New(fault.Invalid, "delivery.bad_target")
	ErrOtherTarget = fault.New(fault.Conflict, "delivery.other_live")
	ErrNoDelivery  = fault.New(fault.NotFound, "delivery.not_found")
)

// DeliveryOptions say what customers may ask for.
type DeliveryOptions struct {
	Secret    []byte   // the installation's: seals customers' keys and derives their external ids
	Before    [][]byte // what it was earlier
	Principal string   // ARN of the AWS identity that assumes customers' roles; empty: they can give keys only
	PlainHTTP bool     // endpoints without TLS are accepted: for demonstrations and tests
	Ports     []int    // at which customers' buckets may answer; none: any
	Daily     int      // copies that one customer may ask for within 24 hours; 0: no bound
}

// Deliveries are the ways in which ready exports reach customers other than by a click: programs with a download token, and
// copies into the customer's own bucket. Safe for concurrent use.
type Deliveries struct {
	db     *db.DB
	store  store
	tokens tokenStore
	rows   deliveryStore
	queue  *jobs.Client
	box    *secret.Box
	opts   DeliveryOptions
}

// NewDeliveries works on d and enqueues with queue, which may only insert.
func NewDeliveries(d *db.DB, queue *jobs.Client, o DeliveryOptions) (*Deliveries, error) {
	box, err := NewDeliveryBox(o.Secret, o.Before...)
	if err != nil {
		return nil, err
	}
	return &Deliveries{db: d, store: store{db: d}, tokens: tokenStore{db: d}, rows: deliveryStore{db: d}, queue: queue, box: box, opts: o}, nil
}

// NewDeliveryBox seals and opens the secrets of customers' buckets.
func NewDeliveryBox(current []byte, before ...[]byte) (*secret.Box, error) {
	return secret.New("delivery", current, before...)
}
