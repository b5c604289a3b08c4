package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"offramp/internal/db"
	"offramp/internal/fault"
)

// Row is one entry as it stands in the log.
type Row struct {
	Entry
	Seq      int64
	At       time.Time
	Hash     []byte
	Recorded Recorded
}

// Recorded is what the database has written beside an entry by itself. Entries from before it did so have none.
type Recorded struct {
	At      time.Time `json:"at"`                // by the database server's own clock
	By      string    `json:"by"`                // the role that it was written as
	Session string    `json:"session,omitempty"` // the public name of the session that proved who acted; empty: none
}

// stampKey is where that stands in an entry's detail: so the chain's digest covers it.
const stampKey = "recorded"

// Filter narrows a list; empty fields do not. From is included, To is not.
type Filter struct {
	Actor, ActorKind, CustomerID string
	Object                       string // a part of the object, or of what stands in the detail, such as a reference
	Act                          string // or its beginning, such as "export."
	From, To                     time.Time
}

// Page asks for Size entries (default 50) before the one numbered Before; 0 is the newest page.
type Page struct {
	Before int64
	Size   int
	Within time.Duration // how long PostgreSQL may look; 0: as long as it takes
}

// ErrTooLong is met by a look that a filter makes too long.
var ErrTooLong = fault.New(fault.Unavailable, "audit.too_long")

const listSQL = `
	SELECT seq, at, actor, actor_kind, act, object, coalesce(customer_id, ''), detail, hash, detail->'recorded' FROM audit
	 WHERE ($1 = 0 OR seq < $1) AND ($2 = '' OR actor = $2) AND ($3 = '' OR actor_kind = $3) AND starts_with(act, $4)
	   AND ($5 = '' OR strpos(lower(object), lower($5)) > 0 OR strpos(lower(detail::text), lower($5)) > 0) AND ($6 = '' OR customer_id = $6)
	   AND ($7::timestamptz IS NULL OR at >= $7) AND ($8::timestamptz IS NULL OR at < $8)
	 ORDER BY seq DESC LIMIT $9`

// List returns entries within scope, newest first. The next page lies before the last one's Seq.
func List(ctx context.Context, d *db.DB, scope db.Scope, f Filter, p Page) (list []Row, err error) {
	if p.Size <= 0 {
		p.Size = 50
	}
	err = d.Read(ctx, scope,
		func(b *pgx.Batch) {
			b.Queue(`SELECT set_config('statement_timeout', $1, true)`, strconv.FormatInt(p.Within.Milliseconds(), 10))
			b.Queue(listSQL, p.Before, f.Actor, f.ActorKind, f.Act, f.Object, f.CustomerID, instant(f.From), instant(f.To), p.Size)
		},
		func(r pgx.BatchResults) error {
			if _, err := r.Exec(); err != nil {
				return err
			}
			rows, err := r.Query()
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, scanRow)
			return err
		})
	var stopped *pgconn.PgError
	if errors.As(err, &stopped) && stopped.Code == "57014" && ctx.Err() == nil { // query_canceled
		return nil, ErrTooLong.Wrap(err)
	}
	if err != nil {
		return nil, fmt.Errorf("list audit log: %w", err)
	}
	return list, nil
}

func scanRow(row pgx.CollectableRow) (r Row, err error) {
	var stamp []byte
	err = row.Scan(&r.Seq, &r.At, &r.Actor, &r.ActorKind, &r.Act, &r.Object, &r.CustomerID, &r.Detail, &r.Hash, &stamp)
	if err != nil || stamp == nil {
		return r, err
	}
	delete(r.Detail, stampKey)
	return r, json.Unmarshal(stamp, &r.Recorded)
}

// instant is NULL for the zero time.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
