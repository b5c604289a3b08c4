package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
)

// ceilingTable is what the ceiling selects from: 17 columns, found by a primary key.
const ceilingTable = `CREATE TABLE ceiling AS SELECT n AS id, 1 AS a, 'a@b.example' AS email, 'A name' AS name, 'An org' AS org, 'team' AS plan,
	'active' AS state, 'HZ-' || n AS ref, 'zh-CN' AS locale, 20 AS seats, now() AS b, now() AS c, now() AS d, now() AS e, now() AS f, 3 AS stage,
	'{"city": "x"}'::jsonb AS address FROM generate_series(1, 100000) n;
	ALTER TABLE ceiling ADD PRIMARY KEY (id); ANALYZE ceiling`

const ceilingColumns = 17

// serveCeiling is a bare echo handler with one indexed select: what a page with one row cannot beat.
func serveCeiling(address, url string) error {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return err
	}
	cfg.MaxConns = 16
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return err
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.GET("/", func(c echo.Context) error {
		id, _ := strconv.Atoi(c.QueryParam("id"))
		rows, err := pool.Query(c.Request().Context(), "SELECT * FROM ceiling WHERE id = $1", 1+id%100000)
		if err != nil {
			return err
		}
		values, err := pgx.CollectExactlyOneRow(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
		if err != nil || len(values) != ceilingColumns {
			return echo.ErrInternalServerError
		}
		return c.String(http.StatusOK, values[3].(string))
	})
	server := &http.Server{Addr: address, Handler: e, ReadHeaderTimeout: 5 * time.Second}
	return server.ListenAndServe()
}
