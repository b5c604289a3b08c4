// Package erasing ties erasures to the bucket and to the installation's key, for the commands that need them.
package erasing

import (
	"context"
	"log/slog"
	"time"

	"offramp/export/receipt"
	"offramp/export/storage"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration/erasure"
)

// Prefix is where the ledger of erasures lies in the bucket of exports. Nothing sweeps there.
const Prefix = "erasures/"

// purger speaks of a bucket in the words of erasure.
type purger struct{ *storage.Bucket }

// Purge removes everything that the bucket keeps of an object.
func (p purger) Purge(ctx context.Context, key string) (erasure.Purged, error) {
	found, err := p.Bucket.Purge(ctx, key)
	return erasure.Purged(found), err
}

// Ledgers are the places outside the database where orders are kept: the bucket, and a file where one is named.
func Ledgers(bucket *storage.Bucket, file string) []erasure.Ledger {
	list := []erasure.Ledger{storage.NewArchive(bucket, Prefix)}
	if file != "" {
		list = append(list, erasure.File(file))
	}
	return list
}

// Options say what an eraser stands on.
type Options struct {
	DB         *db.DB
	Programmes erasure.Programmes
	Bucket     *storage.Bucket
	Queue      *jobs.Client
	Secret     []byte // the installation's
	Ledger     string // a file
	BackupDays int
	Logger     *slog.Logger
}

// New is what carries erasures out.
func New(o Options) (*erasure.Eraser, error) {
	key, err := receipt.NewKey(o.Secret)
	if err != nil {
		return nil, err
	}
	return erasure.New(erasure.Config{
		DB: o.DB, Programmes: o.Programmes, Store: purger{o.Bucket}, Ledgers: Ledgers(o.Bucket, o.Ledger), BackupDays: o.BackupDays,
		Logger: o.Logger, Enqueue: erasure.Enqueuer(o.Queue),
		Sign: func(payload []byte) (string, error) {
			signed, err := receipt.SignAs(erasure.CertificateType, payload, key)
			return string(signed), err
		},
	}), nil
}

// askEvery is how long to wait before the ledger outside is asked again when it did not answer.
const askEvery = 10 * time.Second

// Await asks the ledgers outside whether the database lacks erasures, until they answer. A worker waits for it: it would send mail to
// people who were erased.
func Await(ctx context.Context, d *db.DB, ledgers []erasure.Ledger, log *slog.Logger) (erasure.Standing, error) {
	e := erasure.New(erasure.Config{DB: d, Ledgers: ledgers})
	for {
		s, err := e.Standing(ctx)
		switch {
		case err == nil:
			return s, nil
		case ctx.Err() != nil:
			return s, ctx.Err()
		}
		log.ErrorContext(ctx, "the ledger of erasures outside the database does not answer; whether this database lacks erasures is not known",
			slog.Any("error", err))
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// Watch is Await for the web side: it serves while the ledger does not answer, since customers would be shut out else. An answer at the
// start is waited for a moment; a later one comes by the channel.
func Watch(ctx context.Context, ask func(context.Context) error) (<-chan error, error) {
	answer := make(chan error, 1)
	go func() { answer <- ask(ctx) }()
	select {
	case err := <-answer:
		return make(chan error), err
	case <-time.After(askEvery / 2):
	}
	lacking := make(chan error, 1)
	go func() {
		if err := <-answer; err != nil && ctx.Err() == nil {
			lacking <- err
		}
	}()
	return lacking, nil
}
