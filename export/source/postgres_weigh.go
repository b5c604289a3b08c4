package source

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

const (
	// unsized is what an attachment of unknown size is taken for in estimates.
	unsized = 64 << 10
	// sampled rows give a dataset's width.
	sampled = 100
)

// Weigh implements Snapshot.
func (s *snapshot) Weigh(ctx context.Context, q Query) (w Weight, err error) {
	if w.Rows, err = s.Count(ctx, q); err != nil || w.Rows == 0 {
		return w, err
	}
	width, err := s.ask(ctx, q, fmt.Sprintf("select coalesce(avg(octet_length(r::text)), 0)::bigint from (select * from (%%s) q limit %d) r", sampled))
	if err != nil {
		return w, err
	}
	w.Bytes = w.Rows * width
	if q.Files.Key == "" {
		return w, nil
	}
	key := pgx.Identifier{q.Files.Key}.Sanitize()
	if w.Files, err = s.ask(ctx, q, "select count("+key+") from (%s) q"); err != nil {
		return w, err
	}
	if w.FileBytes = w.Files * unsized; q.Files.Size == "" {
		return w, nil
	}
	size := pgx.Identifier{q.Files.Size}.Sanitize()
	w.FileBytes, err = s.ask(ctx, q, "select coalesce(sum(greatest("+size+", 0)), 0)::bigint from (%s) q where "+key+" is not null")
	return w, err
}

// ask puts one more question with a whole number for an answer; %s in it stands for the dataset's query.
func (s *snapshot) ask(ctx context.Context, q Query, question string) (int64, error) {
	q.CountSQL = fmt.Sprintf(question, "\n"+strip(q.SQL)+"\n")
	return s.Count(ctx, q)
}

// Split implements Snapshot.
func (s *snapshot) Split(ctx context.Context, q Query, _, _ int64) ([]Share, error) {
	w, err := s.Weigh(ctx, q)
	return []Share{{Weight: w}}, err
}
