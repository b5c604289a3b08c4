package erasure

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"offramp/migration"
)

// The states of an order.
const (
	Ordered    = "ordered"
	Kept       = "kept"
	Running    = "running"
	Incomplete = "incomplete"
	Complete   = "complete"
)

// What stands against erasing a customer; the database says the others.
const (
	NotDue  = "erasure.not_due"  // the day of the programme, or the customer's own, is still to come
	NotOpen = "erasure.not_open" // the programme sets no day
)

// Entry is a line of the ledger: what was ordered, by whom, and the line before. It names nobody: the customer's id is random, the
// reference is made with a key that can be destroyed.
type Entry struct {
	Seq       int64     `json:"seq"`
	Previous  string    `json:"previous"` // SHA-256 of the entry before, hex; zeros: there is none
	Order     string    `json:"order"`
	Customer  string    `json:"customer"`
	Reference string    `json:"reference"`
	Programme int       `json:"programme"` // version
	Scope     string    `json:"scope"`     // customer, request or due
	AskedBy   string    `json:"asked_by"`  // staff, by random ids
	AgreedBy  string    `json:"agreed_by"`
	OrderedAt time.Time `json:"ordered_at"`
}

// noEntry stands before the first one.
const noEntry = "0000000000000000000000000000000000000000000000000000000000000000"

func (e Entry) text() string {
	b, err := json.Marshal(e)
	if err != nil { // texts, numbers and instants always marshal
		panic(fmt.Sprintf("erasure: marshal entry: %v", err))
	}
	return string(b)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// name is an entry's place outside: in the order of numbers.
func name(seq int64) string { return fmt.Sprintf("%012d.json", seq) }

// Report is what an order has done so far, over all tries.
type Report struct {
	Rows     map[string]int64 `json:"rows,omitempty"` // by table: deleted or blanked
	Objects  int64            `json:"objects"`
	Versions int64            `json:"versions"`
	Markers  int64            `json:"markers"`
	Uploads  int64            `json:"uploads"`
	Left     int64            `json:"left"` // versions that the store keeps, by the last listing
	Until    *time.Time       `json:"until,omitempty"`
	Replayed bool             `json:"replayed,omitempty"`
}

// Count is one line of a dry run, or of what is left.
type Count struct {
	Name   string // table
	Action string // delete, blank or keep
	N      int64
	Years  int    // how long it stays
	Ground string // message key
}

// Order is one customer's erasure.
type Order struct {
	ID, CustomerID, RunID, Origin, Reference, Entry, Digest, State, Problem, Certificate string
	Seq                                                                                  int64
	Passes                                                                               int
	OrderedAt, NextAt                                                                    time.Time
	KeptAt, CompletedAt, KeepUntil, GoneAt                                               *time.Time
	Report                                                                               Report
}

// Store deletes an object of our bucket with everything that the bucket keeps of it. storage.Bucket is one.
type Store interface {
	Purge(ctx context.Context, key string) (Purged, error)
}

// Purged is what Store found, and what is left by a second listing.
type Purged struct {
	Versions, Markers, Uploads, Left int
	Until                            time.Time
}

// Ledger keeps entries outside the database.
type Ledger interface {
	Keep(ctx context.Context, name string, body []byte) error
	// After calls fn for each entry behind a name, in the order of names.
	After(ctx context.Context, name string, fn func(name string, body []byte) error) error
}

// Due is when a customer may be erased without having asked for it: the later of the programme's erasure day, with this customer's
// own one, and their own last day for exports with the grace that everybody has. false: the programme sets no day.
func Due(p *migration.Programme, extensions []migration.Extension, now time.Time) (time.Time, bool) {
	dates := p.Schedule(extensions, now)
	erasure, ok := migration.Find(dates, migration.Erasure)
	if !ok {
		return time.Time{}, false
	}
	day := erasure.Day
	if last, ok := migration.Find(dates, migration.ExportDeadline); ok && last.Extended() {
		own := last.Day.AddDays(last.Was.DaysUntil(programmeDay(erasure)))
		if day.Before(own) {
			day = own
		}
	}
	return day.End(p.Zone), true
}

// programmeDay is the day without this customer's own.
func programmeDay(d migration.Date) migration.Day {
	if d.Extended() {
		return d.Was
	}
	return d.Day
}
