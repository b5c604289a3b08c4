package source

import (
	"context"
	"strconv"
	"strings"
)

// Scans implements Adviser. A table has the name that the query gives it. Rows are what the server guesses.
// Source: MySQL manual, "EXPLAIN Output Format"; MariaDB documentation, "EXPLAIN".
func (s *mysqlSnapshot) Scans(ctx context.Context, q Query, above int64) (scans []Scan, err error) {
	a, err := s.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := s.limited(ctx, q, "planning")
	defer cancel()
	a.sql = "explain format=traditional " + a.sql
	at := map[string]int{}
	err = s.run(ctx, q, a, func(columns []Column) error {
		for i, c := range columns {
			at[strings.ToLower(c.Name)] = i
		}
		return nil
	}, func(values [][]byte) error {
		cell := func(name string) string {
			if i, ok := at[name]; ok {
				return string(values[i])
			}
			return ""
		}
		rows, _ := strconv.ParseInt(cell("rows"), 10, 64)
		whole := cell("type") == "ALL" || cell("type") == "index"
		if whole && rows > above && strings.Contains(cell("extra"), "Using where") && !strings.HasPrefix(cell("table"), "<") { // <derived2> is what was read already
			scans = append(scans, Scan{Table: cell("table"), Rows: rows})
		}
		return nil
	})
	return scans, err
}
