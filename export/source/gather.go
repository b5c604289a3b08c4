package source

import (
	"context"
	"fmt"
)

// Gatherer is a snapshot of a source that can be asked several things at once.
type Gatherer interface {
	Snapshot
	// Gather checks, weighs and reads whole queries together: what Check, Weigh and Rows say of each, in two round trips for
	// all, into memory. Nil where the rows would take more than room bytes; the snapshot may then have begun anew, at a later
	// instant, and is as good as new. Queries with a Range or Where are refused. The snapshot must not have joined another.
	Gather(ctx context.Context, queries []Query, room int) ([]*Gathered, error)
}

// Gathered is what a small query gives, in memory.
type Gathered struct {
	Columns []Column
	Weight  Weight // rows and attachments as the source counts them, by a statement of its own; bytes as they were read
	held    held
}

// Rows gives the rows as Snapshot.Rows does, as often as one likes.
func (g *Gathered) Rows(ctx context.Context, yield func(values [][]byte) error) (int64, error) {
	return g.held.each(ctx, yield)
}

// gatherRows is the most rows that are worth gathering.
const gatherRows = 10_000

// held are rows back to back.
type held struct {
	values  []byte
	lengths []int32 // -1: NULL
	width   int
	rows    int64
}

// size is how many bytes the rows take.
func (h *held) size() int { return len(h.values) + 4*len(h.lengths) }

func (h *held) add(values [][]byte) {
	for _, v := range values {
		if v == nil {
			h.lengths = append(h.lengths, -1)
			continue
		}
		h.values, h.lengths = append(h.values, v...), append(h.lengths, int32(len(v)))
	}
	h.width = len(values)
	h.rows++
}

func (h *held) each(ctx context.Context, yield func(values [][]byte) error) (int64, error) {
	row, lengths, at := make([][]byte, h.width), h.lengths, 0
	for n := range h.rows {
		if n%256 == 0 && ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		for i := range row {
			length := int(lengths[i])
			if length < 0 {
				row[i] = nil
				continue
			}
			row[i] = h.values[at : at+length : at+length]
			at += length
		}
		lengths = lengths[h.width:]
		if err := yield(row); err != nil {
			return n, err
		}
	}
	return h.rows, nil
}

// refuseRestricted is the error for a query that is less than its SQL.
func refuseRestricted(queries []Query) error {
	for _, q := range queries {
		if q.restricted() {
			return &Error{Kind: Invalid, Dataset: q.Dataset, Cause: fmt.Errorf("only whole queries can be gathered")}
		}
	}
	return nil
}
