// Package find finds customers among a million by what a caller says: number, company (two Chinese characters, or the initials of their
// syllables, are enough), person, address or telephone number. What is typed decides by its shape what is searched. Nothing is counted,
// and no search takes longer than a limit.
package find

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
)

// What people may meet. All are about the field q.
var (
	ErrShort = fault.New(fault.Invalid, "find.short")
	ErrSlow  = fault.New(fault.Limited, "find.slow") // Args: Seconds
)

// limit is how long a search may take.
const limit = 2 * time.Second

// atOnce is how many customers that have changed are indexed before a search; the rest is left to the worker.
const atOnce = 500

// Service finds customers. Safe for concurrent use.
type Service struct {
	db    *db.DB
	store store
}

// New works on d.
func New(d *db.DB) *Service { return &Service{db: d} }

// Result is a page of what was found.
type Result struct {
	Hits   []migration.Hit
	More   bool
	Near   bool // nothing was written so; these differ by a character
	Behind bool // customers that have just come are not found yet
}

// Search finds customers by text, and those of ids, which other references named; best match first. The search is recorded, addresses in
// it masked. ErrShort, ErrSlow. For staff.
func (s *Service) Search(ctx context.Context, staffID, text string, ids []string, skip, most int) (r Result, err error) {
	q := read(text)
	if len(q.wanted) == 0 && len(q.other) == 0 && len(ids) == 0 {
		if utf8.RuneCountInString(q.plain) < 2 {
			return r, ErrShort.Field("q", "find.short", nil)
		}
	}
	if r.Behind, err = s.Index(ctx, atOnce); err != nil {
		return r, fmt.Errorf("index customers: %w", err)
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if err := s.store.limit(ctx, tx, limit); err != nil {
			return err
		}
		if r.Hits, err = s.store.search(ctx, tx, q, ids, skip, most+1); err != nil {
			return err
		}
		if len(r.Hits) == 0 && skip == 0 {
			if r.Hits, err = s.store.near(ctx, tx, q, most); err != nil {
				return err
			}
			r.Near = len(r.Hits) > 0
		}
		if r.More = len(r.Hits) > most; r.More {
			r.Hits = r.Hits[:most]
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "customer.search", Object: "customers",
			Detail: map[string]any{"text": masked(text), "skip": skip, "found": len(r.Hits)},
		})
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "57014" && ctx.Err() == nil {
		return r, ErrSlow.Wrap(err).Field("q", "find.slow", map[string]any{"Limit": int(limit / time.Second)})
	}
	return r, err
}

// masked is a text as the audit log keeps it.
func masked(text string) string {
	if strings.Contains(text, "@") {
		return locale.Mask(text)
	}
	return text
}

// indexScope is that of making the index.
var indexScope = db.SystemScope("customer search")

// Index brings up to most customers that have changed into the index, and reports whether there are more.
func (s *Service) Index(ctx context.Context, most int) (more bool, err error) {
	err = s.db.InTx(ctx, indexScope, func(tx *db.Tx) error {
		list, err := s.store.stale(ctx, tx, most)
		if err != nil || len(list) == 0 {
			return err
		}
		more = len(list) == most
		return s.store.write(ctx, tx, list)
	})
	return more, err
}
