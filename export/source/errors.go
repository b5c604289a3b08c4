package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Kind says what an error of a source means for the export.
type Kind string

// The kinds of errors.
const (
	Unavailable Kind = "unavailable" // no connection, or it broke; try again later
	Locked      Kind = "locked"      // a table stayed locked, or a count took too long; try again later
	Denied      Kind = "denied"      // our credentials or rights do not suffice
	Schema      Kind = "schema"      // a table or column is missing or is not what was declared
	Invalid     Kind = "invalid"     // the query or the configuration is wrong
	// Inconsistent is a source that contradicts itself: it changed while it was read, lied about how much there is,
	// repeats itself, or answers something else than data. Another attempt may go well.
	Inconsistent Kind = "inconsistent"
)

// Error is what every method of this package returns when a source fails.
type Error struct {
	Kind    Kind
	Dataset string // may be empty
	Cause   error
}

// Error names the dataset and the cause; it is for support and logs.
func (e *Error) Error() string {
	if e.Dataset == "" {
		return fmt.Sprintf("source: %s: %v", e.Kind, e.Cause)
	}
	return fmt.Sprintf("source: dataset %q: %s: %v", e.Dataset, e.Kind, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Retryable reports whether the same call may succeed later without anybody mending anything.
func (e *Error) Retryable() bool {
	return e.Kind == Unavailable || e.Kind == Locked || e.Kind == Inconsistent
}

// KindOf returns the kind of the first *Error in err's chain, or "".
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// DatasetOf returns the dataset of the first *Error in err's chain that names one, or "".
func DatasetOf(err error) string {
	for e := (*Error)(nil); errors.As(err, &e); err = e.Cause {
		if e.Dataset != "" {
			return e.Dataset
		}
	}
	return ""
}

// classify turns an error of pgx into ours. A cancelled context stays itself: nothing is wrong with the source then.
func classify(ctx context.Context, dataset string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return &Error{Kind: kindOfState(pg.Code), Dataset: dataset, Cause: describe(pg)}
	}
	// What PostgreSQL did not say itself is the connection's doing: refused, reset, timed out, cut in a message.
	return &Error{Kind: Unavailable, Dataset: dataset, Cause: err}
}

// kindOfState follows PostgreSQL's table of error codes.
// Source: PostgreSQL documentation, appendix A.
func kindOfState(code string) Kind {
	switch code {
	case "55P03", "57014", "40P01", "40001": // lock_not_available, query_canceled, deadlock, serialization
		return Locked
	case "42501": // insufficient_privilege
		return Denied
	case "42P01", "42703", "42883", "3F000", "42704": // table, column, function, schema, object
		return Schema
	}
	switch code[:min(2, len(code))] {
	case "28", "3D": // authorization, no such database
		return Denied
	case "08", "53", "57", "58", "XX": // connection, resources, operator intervention, system, internal
		return Unavailable
	}
	return Invalid
}

// quotesData reports whether a message may hold a value of a row: a data exception, what a function raises, a fault inside the server,
// but also a name that was looked up by a value (regclass), and a text that was parsed (tsquery, query_to_xml). What is known to quote
// the query alone, or nothing, is repeated: a fault at a place of the query's own text, and faults of the connection and of rights.
func quotesData(pg *pgconn.PgError) bool {
	if pg.Code == "42501" || pg.Code == "55P03" {
		return false
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "08", "28", "40", "53", "57":
		return false
	case "42", "3F", "0A":
		return pg.Position == 0 || pg.InternalQuery != "" || pg.Where != ""
	}
	return true
}

// inStates names the states that a query meets most often when a value is not what it takes it for.
func inStates(state string) string {
	name := map[string]string{
		"22P02": "invalid text representation", "22003": "numeric value out of range", "22007": "invalid datetime format",
		"22008": "datetime field overflow", "22012": "division by zero", "22021": "character not in repertoire", "22023": "invalid parameter value",
		"22032": "invalid JSON text", "22P05": "untranslatable character", "P0001": "raised by a function",
	}[state]
	if name == "" {
		return ""
	}
	return " (" + name + ")"
}

// describe adds to PostgreSQL's sentence what helps to find the place.
func describe(pg *pgconn.PgError) error {
	var b strings.Builder
	if quotesData(pg) {
		return &quiet{text: fmt.Sprintf("SQLSTATE %s%s; the server's message may quote a row and is not repeated: run the query to see it", pg.Code, inStates(pg.Code)), cause: pg}
	}
	b.WriteString(pg.Message)
	if pg.Position > 0 {
		fmt.Fprintf(&b, " (at character %d)", pg.Position)
	}
	if pg.Hint != "" {
		b.WriteString("; " + pg.Hint)
	}
	return fmt.Errorf("%s: %w", b.String(), pg)
}
