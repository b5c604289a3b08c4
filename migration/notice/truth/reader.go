package truth

import (
	"context"
	"log/slog"
	"time"

	"offramp/internal/db"
	"offramp/internal/mail/inbound"
	"offramp/internal/mail/report"
)

const (
	readAtOnce = 500              // mails of one talk with the server
	readLease  = 10 * time.Minute // of the one process that reads
)

// Reader reads the mailbox that reports come to. Any number of processes may run one; one of them reads.
type Reader struct {
	*Service
	Box    inbound.Mailbox
	Every  time.Duration
	Logger *slog.Logger
}

// Run looks into the mailbox until ctx ends.
func (r *Reader) Run(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := r.Look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			r.Logger.ErrorContext(ctx, "read the mailbox of reports", slog.Any("error", err))
		case n > 0:
			r.Logger.InfoContext(ctx, "mail reports read", slog.Int("mails", n))
		}
		select {
		case <-ctx.Done():
		case <-time.After(r.Every):
		}
	}
}

// Look reads all that is new in the mailbox and returns how many mails it was. It returns 0 where another process reads.
func (r *Reader) Look(ctx context.Context) (n int, err error) {
	at, mine, err := r.lease(ctx)
	if err != nil || !mine {
		return 0, err
	}
	for more := true; more && ctx.Err() == nil; {
		more, err = r.Box.Read(ctx, at, readAtOnce, func(raw []byte, read inbound.Cursor) error {
			if _, err := r.Take(ctx, Mailbox, raw); err != nil {
				return err
			}
			n++
			at = read
			return r.keep(ctx, read)
		})
		if err != nil {
			break
		}
	}
	after := context.WithoutCancel(ctx)
	problem := ""
	if err != nil {
		problem = report.Clean(err.Error())
	}
	if e := r.release(after, problem); err == nil {
		err = e
	}
	return n, err
}

func (r *Reader) lease(ctx context.Context) (at inbound.Cursor, mine bool, err error) {
	err = r.db.InTx(ctx, system, func(tx *db.Tx) error {
		at, mine, err = r.store.leaseMailbox(ctx, tx, r.Box.Name(), tx.Now.Add(readLease))
		return err
	})
	return at, mine, err
}

func (r *Reader) keep(ctx context.Context, at inbound.Cursor) error {
	return r.db.InTx(ctx, system, func(tx *db.Tx) error {
		return r.store.keepMailbox(ctx, tx, r.Box.Name(), at, tx.Now.Add(readLease))
	})
}

func (r *Reader) release(ctx context.Context, problem string) error {
	return r.db.InTx(ctx, system, func(tx *db.Tx) error { return r.store.releaseMailbox(ctx, tx, r.Box.Name(), problem) })
}
