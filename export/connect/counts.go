package connect

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"offramp/export/source"
	"offramp/migration"
)

// Counts reads how often customers use a feature from the product's databases.
type Counts struct{ *Sources }

// plainError says in plain words what is wrong with a question of the programme. It holds no value of the product's
// data.
type plainError struct {
	words string
	cause error
}

// Error is for the log.
func (e *plainError) Error() string { return e.words + ": " + e.cause.Error() }

// Unwrap returns the cause.
func (e *plainError) Unwrap() error { return e.cause }

// Plain gives the words that may be stored and shown to staff.
func (e *plainError) Plain() string { return e.words }

var plainWords = map[source.Kind]string{
	source.Unavailable: "the source does not answer", source.Locked: "the source is busy: a table stayed locked or the question took too long",
	source.Denied: "the source refuses: the reader's rights do not suffice", source.Schema: "a table or column of the question is missing",
	source.Invalid: "the question is not right; offramp doctor says where", source.Inconsistent: "the source contradicts itself",
}

// plainly puts what a source did into plain words.
func plainly(err error) error {
	var said *plainError
	if errors.As(err, &said) {
		return said
	}
	if words, ok := plainWords[source.KindOf(err)]; ok {
		return &plainError{words: words, cause: err}
	}
	return err
}

var errNotACount = &source.Error{Kind: source.Schema, Cause: errors.New("a count of a feature is the customer's reference and a whole number")}

// CountAll reads a question about all customers: customer_ref and count in each row, in this order.
func (c Counts) CountAll(ctx context.Context, q migration.Query, yield func(ref string, uses int64) error) error {
	db, err := c.Rows(ctx, q.Source)
	if err != nil {
		return plainly(err)
	}
	var own error
	err = db.Table(ctx, q.SQL, func(columns []source.Column, values [][]byte) error {
		if len(columns) != 2 || columns[0].Name != "customer_ref" || columns[1].Name != "count" {
			return &plainError{words: "the question has to give the columns customer_ref and count", cause: errNotACount}
		}
		uses, err := whole(values[1])
		if err != nil {
			return err
		}
		own = yield(string(values[0]), uses)
		return own
	})
	if own != nil {
		return own
	}
	return plainly(err)
}

// CountOne reads a question about one customer: one row with a count. No row and NULL are none.
func (c Counts) CountOne(ctx context.Context, q migration.Query, ref string) (uses int64, err error) {
	db, err := c.Rows(ctx, q.Source)
	if err != nil {
		return 0, plainly(err)
	}
	snap, err := db.Begin(ctx, ref, "")
	if err != nil {
		return 0, plainly(err)
	}
	defer snap.Close()
	_, err = snap.Rows(ctx, source.Query{Dataset: "count", SQL: q.SQL}, func(values [][]byte) error {
		if len(values) != 1 {
			return &plainError{words: "the question has to give one count", cause: errNotACount}
		}
		uses, err = whole(values[0])
		return err
	})
	return uses, plainly(err)
}

// whole reads a count; NULL is none.
func whole(value []byte) (int64, error) {
	if value == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return 0, &plainError{words: "the question gave something that is no whole number", cause: errNotACount}
	}
	return n, nil
}

// checkFeature tries the question behind a feature without running it.
func (s *Sources) checkFeature(ctx context.Context, f migration.Feature) error {
	wrong := func(what string) error {
		return &source.Error{Kind: source.Schema, Dataset: f.Key, Cause: errors.New(what)}
	}
	db, err := s.Rows(ctx, f.Source)
	if err != nil {
		return err
	}
	if !strings.Contains(f.SQL, ":"+migration.CustomerParameter) {
		found, err := db.CheckTable(ctx, f.SQL)
		if err == nil && (len(found) != 2 || found[0].Name != "customer_ref" || found[1].Name != "count") {
			err = wrong("a question about all customers gives the columns customer_ref and count")
		}
		return err
	}
	snap, err := db.Begin(ctx, "0", "")
	if err != nil {
		return err
	}
	defer snap.Close()
	found, err := snap.Check(ctx, source.Query{Dataset: f.Key, SQL: f.SQL})
	if err == nil && len(found) != 1 {
		err = wrong("a question about one customer gives one count")
	}
	return err
}
