package refund

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"offramp/internal/db"
)

// PurgeArgs is the job that removes the body of a document that somebody took back.
type PurgeArgs struct {
	Document string `json:"document"`
}

// Kind is the job's stable name.
func (PurgeArgs) Kind() string { return "refund_document_purge" }

// ScanArgs is the job that has a scanner look at a document.
type ScanArgs struct {
	Document string `json:"document"`
}

// Kind is the job's stable name.
func (ScanArgs) Kind() string { return "refund_document_scan" }

// InsertOpts keeps one for each document, which is tried for as long as the document waits.
func (ScanArgs) InsertOpts() river.InsertOpts {
	o := oneAtATime()
	o.MaxAttempts = maxJobAttempts
	return o
}

// DocumentsArgs is the job that removes what attempts to attach have left behind.
type DocumentsArgs struct{}

// Kind is the job's stable name.
func (DocumentsArgs) Kind() string { return "refund_documents" }

// InsertOpts keeps one at a time; the next one makes good what this one could not.
func (DocumentsArgs) InsertOpts() river.InsertOpts { return oneAtATime() }

type purgeWorker struct {
	river.WorkerDefaults[PurgeArgs]
	service *Service
}

// Work removes one body. It may run any number of times.
func (w *purgeWorker) Work(ctx context.Context, job *river.Job[PurgeArgs]) error {
	return w.service.purge(ctx, job.Args.Document)
}

type scanWorker struct {
	river.WorkerDefaults[ScanArgs]
	service *Service
}

// Work scans one document. It may run any number of times.
func (w *scanWorker) Work(ctx context.Context, job *river.Job[ScanArgs]) error {
	return w.service.scanDocument(ctx, job.Args.Document)
}

// Between tries at a scanner that does not answer.
const (
	scanSoonest = 5 * time.Second
	scanLatest  = 15 * time.Minute
)

// NextRetry waits twice as long after each failure, up to a quarter of an hour.
func (w *scanWorker) NextRetry(job *river.Job[ScanArgs]) time.Time {
	return time.Now().Add(scanPause(job.Attempt))
}

func scanPause(attempt int) time.Duration {
	return min(scanSoonest<<min(max(attempt-1, 0), 10), scanLatest)
}

type documentsWorker struct {
	river.WorkerDefaults[DocumentsArgs]
	service *Service
}

// Work sweeps.
func (w *documentsWorker) Work(ctx context.Context, _ *river.Job[DocumentsArgs]) error {
	return w.service.SweepDocuments(ctx)
}

const (
	documentPatience = time.Hour      // longer than any upload may take
	bodyPatience     = 24 * time.Hour // of a body in the bucket that no row knows
	sweepAtOnce      = 500
)

var documentScope = db.SystemScope("refund documents")

// purge removes the body of a document that was taken back, and notes when it was gone.
func (s *Service) purge(ctx context.Context, id string) error {
	key := ""
	err := s.DB.InTx(ctx, documentScope, func(tx *db.Tx) (err error) {
		key, err = s.store.doomedDocument(ctx, tx, id)
		return err
	})
	if err != nil || key == "" {
		return err
	}
	if err := s.Bodies.Drop(ctx, key); err != nil {
		return fmt.Errorf("purge document %s: %w", id, err)
	}
	return s.DB.InTx(ctx, documentScope, func(tx *db.Tx) error { return s.store.purgedDocument(ctx, tx, id) })
}

// SweepDocuments removes documents that never arrived, bodies of removed and refused ones whose job was lost, and bodies that no row
// knows. What waits for the scanner gets a job again where that was lost.
func (s *Service) SweepDocuments(ctx context.Context) error {
	if s.Bodies == nil {
		return nil
	}
	var stranded []Document
	err := s.DB.InTx(ctx, documentScope, func(tx *db.Tx) (err error) {
		stranded, err = s.store.strandedDocuments(ctx, tx, tx.Now.Add(-documentPatience), sweepAtOnce)
		return err
	})
	for _, d := range stranded {
		if d.There() && d.Scan != Unfit {
			err = errors.Join(err, s.dropUnborn(ctx, documentScope, d))
		} else {
			err = errors.Join(err, s.purge(ctx, d.ID))
		}
	}
	err = errors.Join(err, s.DB.InTx(ctx, documentScope, func(tx *db.Tx) error { return s.scanAgain(ctx, tx) }))
	return errors.Join(err, s.Bodies.Sweep(ctx, bodyPatience, s.knowsBody))
}

// scanAgain gives what waits for the scanner a job where there is none.
func (s *Service) scanAgain(ctx context.Context, tx *db.Tx) error {
	ids, err := s.store.scanningDocuments(ctx, tx, sweepAtOnce)
	if err != nil || len(ids) == 0 {
		return err
	}
	list := make([]river.InsertManyParams, len(ids))
	for i, id := range ids {
		list[i] = river.InsertManyParams{Args: ScanArgs{Document: id}}
	}
	return s.Jobs.InsertManyTx(ctx, tx, list)
}

func (s *Service) knowsBody(ctx context.Context, key string) (known bool, err error) {
	err = s.DB.InTx(ctx, documentScope, func(tx *db.Tx) (err error) {
		known, err = s.store.knowsBody(ctx, tx, key)
		return err
	})
	return known, err
}

func registerDocuments(workers *river.Workers, s *Service) {
	river.AddWorker(workers, &purgeWorker{service: s})
	river.AddWorker(workers, &scanWorker{service: s})
	river.AddWorker(workers, &documentsWorker{service: s})
}

func periodicDocuments() *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) { return DocumentsArgs{}, nil },
		&river.PeriodicJobOpts{ID: "refund_documents", RunOnStart: true})
}
