package connect

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"offramp/export/source"
)

// nobodyFor bounds how long a query may take for a customer who does not exist.
const nobodyFor = 30 * time.Second

// nobodies are customers' numbers that nobody has, of the kinds that products use: a query that compares numbers takes
// the first or the second, one that compares UUIDs the third.
func nobodies() []string {
	var b [18]byte
	_, _ = rand.Read(b[:]) // never fails
	return []string{
		fmt.Sprintf("-%d", 1_000_000_000+int(binary.BigEndian.Uint32(b[:4])%1_000_000_000)),
		fmt.Sprintf("-%d", 30_000+int(b[16])),
		fmt.Sprintf("%x-%x-4%x-a%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])[:36],
	}
}

var errRow = errors.New("a row")

// tryNobody asks a query for a customer who does not exist and refuses one that answers with rows: it would hand them
// to every customer. It never reads more than one row. A query that takes no such number, or too long, is not refused;
// unproved says so.
func tryNobody(ctx context.Context, db source.Source, q source.Query) (unproved string, err error) {
	ctx, cancel := context.WithTimeout(ctx, nobodyFor)
	defer cancel()
	var last error
	for _, number := range nobodies() {
		rows, err := rowsOf(ctx, db, q, number)
		switch {
		case err != nil && ctx.Err() != nil:
			return fmt.Sprintf("took more than %s for a customer who does not exist, so that it is not known whether it keeps to one customer", nobodyFor), nil
		case err != nil:
			last = err
		case rows:
			return "", &source.Error{Kind: source.Invalid, Dataset: q.Dataset, Cause: fmt.Errorf(
				"returns rows for the customer number %s, which nobody has: every customer would be given them. Restrict the query to :customer_id in each of its parts", number)}
		default:
			return "", nil
		}
	}
	if k := source.KindOf(last); k == source.Denied || k == source.Unavailable {
		return "", last
	}
	return "", nil
}

// rowsOf reports whether the query, or its own count, has rows for a customer.
func rowsOf(ctx context.Context, db source.Source, q source.Query, customer string) (bool, error) {
	snap, err := db.Begin(ctx, customer, "")
	if err != nil {
		return false, err
	}
	defer snap.Close()
	if q.CountSQL != "" {
		if n, err := snap.Count(ctx, q); err != nil || n > 0 {
			return n > 0, err
		}
	}
	_, err = snap.Rows(ctx, q, func([][]byte) error { return errRow })
	if errors.Is(err, errRow) {
		return true, nil
	}
	return false, err
}
