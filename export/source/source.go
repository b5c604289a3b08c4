// Package source reads a retired product's data where it lives: rows by SQL, attachments by key.
//
// An export opens one [Snapshot] per source, bound to one customer, and reads every dataset through it, so that all of
// them show the same instant. Values travel as the database's own text and are never turned into Go values on the way:
// that is what makes reading as fast as the database can send, and lossless.
package source

import (
	"context"
	"net"
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
	// Weigh tells how much the query gives: exact for rows and attachments, an estimate from a sample for bytes of rows.
	Weigh(ctx context.Context, q Query) (Weight, error)
	// Split cuts the query by q.Key into ranges in order, such that the rows of each at perRow bytes, with their
	// attachments, weigh at most most bytes where single rows allow it. Together they are the whole query, each row is in
	// exactly one, and the first and the last are open. A query without a key, or a source that cannot, gives one share:
	// all of it.
	Split(ctx context.Context, q Query, perRow, most int64) ([]Share, error)
	// Rows reads the query and calls yield for each row. A nil value is NULL. The values are in the source's text form
	// (see Column) and valid only until yield returns. When yield fails, reading stops, the snapshot is of no more use,
	// and yield's error is returned as it is. The columns are compared with q.Columns first, as in Check.
	Rows(ctx context.Context, q Query, yield func(values [][]byte) error) (int64, error)
	// Close ends the snapshot. Closing again does nothing.
	Close()
}

// Info describes a snapshot and what its source can give.
type Info struct {
	ID     string    // for Begin's join; empty when it cannot be joined, so that one reader must read everything
	AsOf   time.Time // the instant, by the source's own clock
	Steady bool      // all of it shows that instant; false: the source has no snapshots, and changes may show in between
	Free   bool      // needs no joining: any reader on any worker may read any range, each with a snapshot of its own
}

// Query is one dataset's question to the source: SQL for a database, Objects for a bucket or directory, Request for an API.
type Query struct {
	Dataset string // names the dataset in errors
	// SQL is one SELECT, in which :customer_id stands for the customer's reference.
	SQL string
	// Objects is a prefix of keys, Request a GET; both with :customer_id.
	Objects *ObjectQuery
	Request *Request
	// Key is a column with values that are unique and ordered within a customer. Range, which needs it, restricts the query.
	Key   string
	Range Range
	// Where restricts the query further; all must hold. For databases only.
	Where []Condition
	// Files, when not zero, are the columns that name each row's attachment.
	Files FileColumns
	// Rows is the most that the query may give; one more is an error that says so. 0 is no limit.
	MaxRows int64
	// CountSQL replaces "select count(*) from (SQL)" when that would be slow. It has one row with one whole number.
	CountSQL string
	// Unconverted, when not nil, stands in the place of a value that is not of its column's type, in a source without types of its
	// own: the very slice. Its row is then the reader's to refuse. Nil: such a value ends the reading.
	Unconverted []byte
	// Lost, when not nil, says how rows are marked whose page a source keeps refusing, so that the others are read all the same. Nil:
	// such a page ends the reading.
	Lost *Lost
	// Columns, when not empty, are the columns that the query must have, in this order. An empty Type matches any.
	Columns []Column
}

// Lost are the very slices that stand in the place of each value of a row that a source does not give.
type Lost struct {
	Row  []byte // its page fails, and the pages behind it are read
	Rest []byte // this row and all behind it, whose number nobody knows: there is no way on
}

// Range is the rows with From <= key < Before; nil is open. The bounds are in the text form that the source gave them in.
type Range struct {
	From   *string `json:"from,omitempty"`
	Before *string `json:"before,omitempty"`
}

// Whole reports whether nothing is left out.
func (r Range) Whole() bool { return r.From == nil && r.Before == nil }

// Condition restricts a column to some values, compared as text, or to instants or days in a range.
type Condition struct {
	Column string
	In     []string
	From   string // at or after; an instant in RFC 3339 or a day as 2026-03-01; empty: open
	Before string // before; empty: open
}

// FileColumns name the columns with an attachment's key and with its size in bytes, which may be empty.
type FileColumns struct{ Key, Size string }

// Weight is how much a query gives.
type Weight struct {
	Rows      int64 `json:"rows"`
	Bytes     int64 `json:"bytes"` // of all rows, as text; an estimate
	Files     int64 `json:"files"`
	FileBytes int64 `json:"file_bytes"` // as the rows say; 64 KiB for each where they do not
}

// Share is a part of a query, cut by its key.
type Share struct {
	Range Range `json:"range"`
	Weight
}

// ObjectQuery is one customer's objects below a prefix.
type ObjectQuery struct {
	Prefix   string
	Metadata bool // also each object's media type and metadata
}

// Request is a GET whose answer holds a list, page after page. The fields are those of migration.Request.
type Request struct {
	Path, Items, Total string
	Header             map[string]string
	Paging             Paging
}

// Paging is how the next page is asked for. The fields are those of migration.Paging.
type Paging struct {
	By, Cursor, More, Parameter, SizeParameter string
	First, Size                                int
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

// Pacer keeps the pace at which one source is asked by several processes. Safe for concurrent use.
type Pacer interface {
	// Take reserves n requests, every apart, and returns how long to wait for the first of them.
	Take(ctx context.Context, n int, every time.Duration) (time.Duration, error)
	// Hold keeps everybody from asking for a while.
	Hold(ctx context.Context, d time.Duration) error
}

// Options bound what a source may cost the product's database and us.
type Options struct {
	LockTimeout  time.Duration // how long to wait for a locked table; 0 is 10 s
	CountTimeout time.Duration // how long one count or check may take; 0 is 10 min
	QueryTimeout time.Duration // how long a reading may wait for one more row; who takes the rows may be slow; 0 is 10 min
	Header       string        // for an HTTP API: one header line with its secret, such as "Authorization: Bearer x"; never in errors
	// Away dials the hosts to which an HTTP API may redirect attachments; nil: public addresses only.
	Away *net.Dialer
	// Pacer keeps the rate of an HTTP API for all processes; nil: this one is alone.
	Pacer Pacer
}

// WithDefaults fills in what is not told.
func (o Options) WithDefaults() Options {
	if o.LockTimeout <= 0 {
		o.LockTimeout = 10 * time.Second
	}
	if o.CountTimeout <= 0 {
		o.CountTimeout = 10 * time.Minute
	}
	if o.QueryTimeout <= 0 {
		o.QueryTimeout = 10 * time.Minute
	}
	return o
}
