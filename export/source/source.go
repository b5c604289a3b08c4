// Package source reads a retired product's data where it lives: rows by SQL, attachments by key.
//
// An export opens one [Snapshot] per source, bound to one customer, and reads every dataset through it, so that all of
// them show the same instant. Values travel as the database's own text and are never turned into Go values on the way:
// that is what makes reading as fast as the database can send, and lossless.
package source

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// Source is one database of the retired product. It is safe for concurrent use.
type Source interface {
	// Begin opens a snapshot of one customer's data. customer is the customer's reference in the retired product and
	// the only value that queries can be given; it may be empty for a snapshot that only checks. A non-empty join is
	// another snapshot's Info().ID, whose instant the new one shares while that one is still open.
	Begin(ctx context.Context, customer, join string) (Snapshot, error)
	// Table reads a query that is about all customers and has no parameter, calling yield for each row as Snapshot.Rows
	// does. It serves the import of customers, never an export.
	Table(ctx context.Context, sql string, yield func(columns []Column, values [][]byte) error) error
	// CheckTable prepares such a query without running it and returns its columns.
	CheckTable(ctx context.Context, sql string) ([]Column, error)
	// Ping reports whether the source answers and lets us in.
	Ping(ctx context.Context) error
	// Close ends all connections.
	Close()
}

// Snapshot is a read-only view of one instant for one customer. It is not safe for concurrent use. All errors about the
// source are *Error.
type Snapshot interface {
	// Info tells which instant this is.
	Info() Info
	// Check prepares the query without running it and returns its columns. It fails with a Schema error, which names the
	// place, when a table or column does not exist, or when the query's declared columns are not the ones found.
	Check(ctx context.Context, q Query) ([]Column, error)
	// Count asks the source how many rows the query has.
	Count(ctx context.Context, q Query) (int64, error)
	// Rows reads the query and calls yield for each row. A nil value is NULL. The values are in the source's text form
	// (see Column) and valid only until yield returns. When yield fails, reading stops, the snapshot is of no more use,
	// and yield's error is returned as it is. The columns are compared with q.Columns first, as in Check.
	Rows(ctx context.Context, q Query, yield func(values [][]byte) error) (int64, error)
	// Close ends the snapshot. Closing again does nothing.
	Close()
}

// Info describes a snapshot.
type Info struct {
	ID   string    // for Begin's join
	AsOf time.Time // the instant, by the source's own clock
}

// Query is one dataset's question to the source.
type Query struct {
	Dataset string // names the dataset in errors
	// SQL is one SELECT, in which :customer_id stands for the customer's reference.
	SQL string
	// CountSQL replaces "select count(*) from (SQL)" when that would be slow. It has one row with one whole number.
	CountSQL string
	// Columns, when not empty, are the columns that the query must have, in this order. An empty Type matches any.
	Columns []Column
}

// Column is a column of a dataset. Type says what its text form is:
//
//	text       anything, as it is; also arrays, ranges, enums and whatever has no type of its own here
//	integer    -12
//	number     12.50, 1e+20, NaN, Infinity, -Infinity
//	boolean    t or f
//	date       2026-03-01
//	time       14:05:00.5 or, with a zone, 14:05:00.5+00
//	timestamp  2026-03-01 14:05:00.5, without a zone
//	instant    2026-03-01 14:05:00.5+00, always UTC
//	duration   P1DT2H, ISO 8601
//	binary     \x68656c6c6f
//	json       as it was stored
//	uuid       lower-case with hyphens
type Column struct {
	Name string
	Type string
}

// Options bound what a source may cost the product's database and us.
type Options struct {
	LockTimeout  time.Duration // how long to wait for a locked table; 0 is 10 s
	CountTimeout time.Duration // how long one count or check may take; 0 is 10 min
}

func (o Options) withDefaults() Options {
	if o.LockTimeout <= 0 {
		o.LockTimeout = 10 * time.Second
	}
	if o.CountTimeout <= 0 {
		o.CountTimeout = 10 * time.Minute
	}
	return o
}

// Open prepares a source of rows from its URL, such as postgres://reader:secret@db.example/product. It does not connect
// yet: [Source.Ping] does. pool_max_conns in the URL bounds the connections (8 unless told).
func Open(ctx context.Context, rawURL string, o Options) (Source, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// The parser's own error would repeat the URL with its password.
		return nil, &Error{Kind: Invalid, Cause: fmt.Errorf("the source's URL cannot be read")}
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return openPostgres(ctx, rawURL, o.withDefaults())
	}
	return nil, &Error{Kind: Invalid, Cause: fmt.Errorf("a source of rows has a URL that begins with postgres://, not %q", u.Scheme+"://")}
}
