package source

import (
	"context"
	"errors"
	"strings"
)

// CheckTable implements Source.
func (p *postgres) CheckTable(ctx context.Context, sql string) (columns []Column, err error) {
	err = p.plainly(ctx, func(s *snapshot) error {
		description, err := s.pg.Prepare(ctx, "", strip(sql), nil)
		if err != nil {
			return classify(ctx, "", err)
		}
		if columns = columnsOf(description.Fields); len(columns) == 0 {
			return &Error{Kind: Invalid, Cause: errors.New("the query returns no columns")}
		}
		return s.plan(ctx, Query{}, strip(sql), nil)
	})
	return columns, err
}

// Table implements Source.
func (p *postgres) Table(ctx context.Context, sql string, yield func(columns []Column, values [][]byte) error) error {
	return p.plainly(ctx, func(s *snapshot) error {
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		reader := s.pg.ExecParams(inner, strip(sql), nil, nil, nil, nil)
		columns := columnsOf(reader.FieldDescriptions())
		for reader.NextRow() {
			if err := yield(columns, reader.Values()); err != nil {
				cancel()
				_, _ = reader.Close()
				return err
			}
		}
		_, err := reader.Close()
		return classify(ctx, "", err)
	})
}

// plainly runs do in a read-only snapshot without a customer.
func (p *postgres) plainly(ctx context.Context, do func(*snapshot) error) error {
	opened, err := p.Begin(ctx, "", "")
	if err != nil {
		return err
	}
	defer opened.Close()
	s, ok := opened.(*snapshot)
	if !ok {
		return &Error{Kind: Invalid, Cause: errors.New("the snapshot is not of PostgreSQL")}
	}
	return do(s)
}

func strip(sql string) string { return strings.TrimRight(sql, "; \t\r\n") }
