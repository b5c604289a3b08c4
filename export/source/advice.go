package source

import (
	"context"
	"encoding/json"
	"strconv"
)

// Scan is a table that a query reads from end to end to find one customer's rows, for want of an index.
type Scan struct {
	Table string
	Rows  int64 // as estimated by the database's statistics
}

// Adviser is a snapshot that can tell what a query would cost.
type Adviser interface {
	// Scans returns the tables with more than the given number of rows that the query would read whole. An index on the
	// customer's column makes such a query up to a hundred times faster.
	Scans(ctx context.Context, q Query, above int64) ([]Scan, error)
}

// plan is the part of EXPLAIN's JSON that matters here.
type plan struct {
	Node   string `json:"Node Type"`
	Schema string `json:"Schema"`
	Table  string `json:"Relation Name"`
	Filter string `json:"Filter"`
	Plans  []plan `json:"Plans"`
}

// Scans implements Adviser. The customer may be any that exists: the plan is made for this one.
func (s *snapshot) Scans(ctx context.Context, q Query, above int64) ([]Scan, error) {
	a, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	if err := s.plan(ctx, q, a.sql, make([][]byte, len(a.values))); err != nil {
		return nil, err
	}
	a.sql = "explain (verbose, format json) " + a.sql
	result := s.exec(ctx, a).Read()
	if result.Err != nil {
		return nil, s.failed(ctx, q, result.Err)
	}
	var plans []struct{ Plan plan }
	if err := json.Unmarshal(result.Rows[0][0], &plans); err != nil {
		return nil, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: err}
	}
	tables := map[[2]string]bool{}
	for _, p := range plans {
		p.Plan.sequential(tables)
	}
	var scans []Scan
	for t := range tables {
		n, err := s.estimate(ctx, t)
		if err != nil {
			return nil, classify(ctx, q.Dataset, err)
		}
		if n > above {
			scans = append(scans, Scan{Table: t[0] + "." + t[1], Rows: n})
		}
	}
	return scans, nil
}

// plan has a query planned but not run. Planning asks for rights that preparing does not. NULL is a value of every type.
func (s *snapshot) plan(ctx context.Context, q Query, sql string, values [][]byte) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.CountTimeout, s.tooLong(q, "planning"))
	defer cancel()
	result := s.pg.ExecParams(ctx, "explain "+sql, values, nil, nil, nil).Read()
	if result.Err != nil {
		return s.failed(ctx, q, result.Err)
	}
	return nil
}

// sequential collects tables that are read whole only to throw rows away.
func (p plan) sequential(into map[[2]string]bool) {
	if p.Node == "Seq Scan" && p.Filter != "" {
		into[[2]string{p.Schema, p.Table}] = true
	}
	for _, child := range p.Plans {
		child.sequential(into)
	}
}

func (s *snapshot) estimate(ctx context.Context, table [2]string) (int64, error) {
	result := s.pg.ExecParams(ctx,
		`select greatest(c.reltuples, 0)::bigint from pg_class c join pg_namespace n on n.oid = c.relnamespace
		  where n.nspname = $1 and c.relname = $2`,
		[][]byte{[]byte(table[0]), []byte(table[1])}, nil, nil, nil).Read()
	if result.Err != nil || len(result.Rows) != 1 {
		return 0, result.Err
	}
	return strconv.ParseInt(string(result.Rows[0][0]), 10, 64)
}
