// Package delivery hands ready exports to customers' own programs and buckets: by a download token that a script shows,
// and by copying the archive files into an S3 bucket of the customer's.
//
// A copy is one row in one of six states:
//
//	waiting --start--> checking --the bucket takes our object--> copying --all proven--> done
//	   ^                  |                                         |
//	   +------ delay -----+-----------------------------------------+--> failed, cancelled
//
// Every start counts an attempt, which fences what a worker may write. A file counts as delivered when it was read back
// from the customer's bucket and compared with our record; an attempt goes on with the files that are not there yet.
package delivery

import (
	"errors"
	"time"

	"offramp/export"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/jobs"
	"offramp/internal/secret"
)

// State is where a copy into a customer's own bucket stands.
type State string

// The six states. Trouble that passes leads back to waiting.
const (
	Waiting   State = "waiting"
	Checking  State = "checking"
	Copying   State = "copying"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Delivery is a copy of a ready export into the customer's own bucket.
type Delivery struct {
	ID          string
	ExportID    string
	CustomerID  string
	RequestedBy string // contact id
	State       State
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
		return d, export.ErrMoved
	}
	d.State, d.StartedAt = Checking, &now
	d.Attempt++
	return d, nil
}

// copying notes that the bucket takes our objects.
func (d Delivery) copying(now time.Time) (Delivery, error) {
	if d.State != Checking {
		return d, export.ErrMoved
	}
	d.State, d.CheckedAt, d.Field, d.Problem, d.Cause = Copying, &now, "", "", ""
	return d, nil
}

// delay puts a delivery whose attempt met trouble back to wait.
func (d Delivery) delay(t obstacle) (Delivery, error) {
	if d.State != Checking && d.State != Copying {
		return d, export.ErrMoved
	}
	d.State, d.Problem, d.Cause = Waiting, t.problem, t.cause
	d.Failures++
	return d, nil
}

// end closes a delivery and forgets the customer's secret.
func (d Delivery) end(state State, now time.Time, t obstacle) (Delivery, error) {
	if !d.Live() {
		return d, export.ErrMoved
	}
	d.State, d.FinishedAt, d.sealed = state, &now, ""
	d.Field, d.Problem, d.Cause = t.field, t.problem, t.cause
	return d, nil
}

// What people may meet with deliveries.
var (
	ErrTarget    = fault.New(fault.Invalid, "delivery.bad_target")
	ErrOtherLive = fault.New(fault.Conflict, "delivery.other_live")
	ErrLimited   = fault.New(fault.Limited, "delivery.limited") // Args: Limit, copies within 24 hours
	ErrNotFound  = fault.New(fault.NotFound, "delivery.not_found")
)

var (
	// errFenced ends an attempt that another one has overtaken, or whose delivery was cancelled.
	errFenced = errors.New("delivery: the attempt was overtaken or its delivery cancelled")
	// errGivenUp marks an attempt after which the delivery has failed.
	errGivenUp = errors.New("delivery: given up")
)

// subject is what the audit log calls an export.
func subject(e export.Export) string { return "export " + e.Reference() }

// Options say what customers may ask for.
type Options struct {
	Secret    []byte   // the installation's: seals customers' keys and derives their external ids
	Before    [][]byte // what it was earlier
	Principal string   // ARN of the AWS identity that assumes customers' roles; empty: they can give keys only
	PlainHTTP bool     // endpoints without TLS are accepted: for demonstrations and tests
	Ports     []int    // at which customers' buckets may answer; none: any
	Daily     int      // copies that one customer may ask for within 24 hours; 0: no bound
}

// Service is what customers may ask for. Safe for concurrent use.
type Service struct {
	db     *db.DB
	tokens tokenStore
	rows   store
	queue  *jobs.Client
	box    *secret.Box
	opts   Options
}

// New works on d and enqueues with queue, which may only insert.
func New(d *db.DB, queue *jobs.Client, o Options) (*Service, error) {
	box, err := NewBox(o.Secret, o.Before...)
	if err != nil {
		return nil, err
	}
	return &Service{db: d, tokens: tokenStore{db: d}, rows: store{db: d}, queue: queue, box: box, opts: o}, nil
}

// NewBox seals and opens the secrets of customers' buckets.
func NewBox(current []byte, before ...[]byte) (*secret.Box, error) {
	return secret.New("delivery", current, before...)
}
