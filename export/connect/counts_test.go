package connect

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local/localtest"
	"offramp/export/source"
	"offramp/migration"
)

func TestCountsOfFeaturesComeFromTheProductsDatabase(t *testing.T) {
	t.Parallel()
	database := localtest.EmptyDatabase(t)
	conn, err := pgx.Connect(t.Context(), database.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	if _, err := conn.Exec(t.Context(), `CREATE TABLE rule (owner text); INSERT INTO rule VALUES ('a'), ('a'), ('b''c')`); err != nil {
		t.Fatal(err)
	}
	sources := New(map[string]string{"product": database.SuperURL}, source.Options{})
	t.Cleanup(sources.Close)
	counts := Counts{sources}
	ask := func(sql string) migration.Query { return migration.Query{Source: "product", SQL: sql} }
	got := map[string]int64{}
	err = counts.CountAll(t.Context(), ask(`SELECT owner AS customer_ref, count(*) AS count FROM rule GROUP BY owner;`), func(ref string, n int64) error {
		got[ref] = n
		return nil
	})
	if err != nil || len(got) != 2 || got["a"] != 2 || got["b'c"] != 1 {
		t.Errorf("%v, %v", got, err)
	}
	for ref, want := range map[string]int64{"a": 2, "b'c": 1, "nobody": 0} {
		if n, err := counts.CountOne(t.Context(), ask(`SELECT count(*) FROM rule WHERE owner = :customer_id`), ref); err != nil || n != want {
			t.Errorf("%s: %d, %v", ref, n, err)
		}
	}
	if n, err := counts.CountOne(t.Context(), ask(`SELECT sum(1) FROM rule WHERE owner = :customer_id`), "nobody"); err != nil || n != 0 {
		t.Errorf("NULL: %d, %v", n, err)
	}
	for sql, want := range map[string]string{
		`SELECT owner, count(*) FROM rule GROUP BY owner`:                    "the question has to give the columns customer_ref and count",
		`SELECT owner AS customer_ref, 1.5 AS count FROM rule`:               "the question gave something that is no whole number",
		`SELECT owner AS customer_ref, 1 AS count FROM CANARY`:               "a table or column of the question is missing",
		`SELECT owner AS customer_ref, 1/0 AS count FROM rule`:               "the question is not right; offramp doctor says where",
		`SELECT owner AS customer_ref, owner AS count FROM CANARY; SELECT 1`: "the question is not right; offramp doctor says where",
	} {
		err := counts.CountAll(t.Context(), ask(sql), func(string, int64) error { return nil })
		var said interface{ Plain() string }
		if !errors.As(err, &said) || said.Plain() != want || strings.Contains(said.Plain(), "CANARY") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	mine := errors.New("mine")
	if err := counts.CountAll(t.Context(), ask(`SELECT owner AS customer_ref, 1 AS count FROM rule`), func(string, int64) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("%v", err)
	}
	p := &migration.Programme{Features: []migration.Feature{
		{Key: "good", Query: ask(`SELECT owner AS customer_ref, count(*) AS count FROM rule GROUP BY owner`)},
		{Key: "names", Query: ask(`SELECT owner, count(*) FROM rule GROUP BY owner`)},
		{Key: "one", Query: ask(`SELECT count(*) FROM rule WHERE owner = :customer_id`)},
		{Key: "two", Query: ask(`SELECT count(*), 2 FROM rule WHERE owner = :customer_id`)},
		{Key: "lost", Query: ask(`SELECT count(*) FROM lost WHERE owner = :customer_id`)},
		{Key: "attribute", Attribute: "seats"},
	}}
	var paths []string
	for _, problem := range sources.CheckProgramme(t.Context(), p) {
		paths = append(paths, problem.Path)
	}
	if s := strings.Join(paths, " "); s != "features[1] features[3] features[4]" {
		t.Error(s)
	}
}
