package refund

import (
	"context"
	"io"
	"time"

	"offramp/migration"
)

// BatchState is where a batch stands.
type BatchState string

// The states of a batch.
const (
	BatchCreated   BatchState = "created"
	BatchReleased  BatchState = "released"
	BatchDiscarded BatchState = "discarded" // its refunds are approved again
)

// Batch is refunds of one method and currency that are paid together.
type Batch struct {
	ID         string
	Ref        string // PB-2026-000012
	State      BatchState
	Method     Method
	Currency   string
	Count      int
	Control    int64  // sum of the amounts, minor units
	SHA256     string // of Bank: of the file's bytes; of the others: of the list of references and amounts
	Size       int64  // of Bank: bytes of the file
	CreatedBy  string // identity ids
	CreatedAt  time.Time
	ReleasedBy string
	ReleasedAt *time.Time
	Dropped    int // refunds that changed before the release and were left out
}

// Item is one refund in a batch.
type Item struct {
	Row
	EndToEnd string // of Bank: the payment's id in the file
	Dropped  string // why it was left out at release: "changed" and so on; empty: it was not
}

// Payable is what is approved and in no batch.
type Payable struct {
	Method Method
	Total
}

// BatchLimit is how many refunds one batch takes.
const BatchLimit = 10_000

// Payables lists what could be put into batches now. For finance.
func (s *Service) Payables(ctx context.Context, staffID string) ([]Payable, error) {
	return nil, errNotYet
}

// CreateBatch takes every approved refund of a method and currency, up to BatchLimit, the longest waiting first. ErrEmptyBatch,
// ErrNoDebtor. For finance clerks and approvers.
func (s *Service) CreateBatch(ctx context.Context, staffID string, m Method, currency string) (Batch, error) {
	return Batch{}, errNotYet
}

// ReleaseBatch lets the money go. Refunds that changed since the batch was made are dropped and listed. ErrNotFound,
// ErrBatchMoved, ErrSamePerson, ErrEmptyBatch. For finance releasers who had no part in it.
func (s *Service) ReleaseBatch(ctx context.Context, staffID string, p *migration.Programme, id string) (Batch, error) {
	return Batch{}, errNotYet
}

// DiscardBatch undoes a batch that is not released. ErrNotFound, ErrBatchMoved. For finance.
func (s *Service) DiscardBatch(ctx context.Context, staffID, id string) (Batch, error) {
	return Batch{}, errNotYet
}

// Batches lists the latest batches, newest first, at most limit. For finance.
func (s *Service) Batches(ctx context.Context, staffID string, limit int) ([]Batch, error) {
	return nil, errNotYet
}

// OpenBatch returns one batch with its refunds, at most limit. ErrNotFound. For finance.
func (s *Service) OpenBatch(ctx context.Context, staffID, id string, limit int) (Batch, []Item, error) {
	return Batch{}, nil, errNotYet
}

// BatchFile writes the bank file of a released batch and records that it was taken out. It is checked against its SHA-256 on
// the way. ErrNotFound, ErrBatchMoved before the release. For finance releasers.
func (s *Service) BatchFile(ctx context.Context, staffID, id string, w io.Writer) error {
	return errNotYet
}
