package product_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local/localtest"
	"offramp/deploy/local/product"
)

// shelf keeps what was stored, to be counted.
type shelf struct {
	mu    sync.Mutex
	bytes map[string]int
}

func (s *shelf) Put(_ context.Context, key, _ string, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes[key] = len(content)
	return nil
}

// TestLoad makes a small product twice over: the second time nothing is left to do.
func TestLoad(t *testing.T) {
	database := localtest.EmptyDatabase(t)
	store := &shelf{bytes: map[string]int{}}
	for range 2 {
		if err := product.Load(t.Context(), database.SuperURL, product.Options{Largest: 5000, Store: store}); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pgx.Connect(t.Context(), database.SuperURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var customers, files, stored, smallest, largest int
	const sql = `SELECT (SELECT count(*) FROM customer), (SELECT count(*) FROM attachment), (SELECT sum(size_bytes) FROM attachment),
		min(n), max(n) FROM (SELECT c.id, (SELECT count(*) FROM task WHERE customer_id = c.id) + (SELECT count(*) FROM comment WHERE customer_id = c.id)
		+ (SELECT count(*) FROM member WHERE customer_id = c.id) + (SELECT count(*) FROM project WHERE customer_id = c.id) AS n FROM customer c) x`
	if err := conn.QueryRow(t.Context(), sql).Scan(&customers, &files, &stored, &smallest, &largest); err != nil {
		t.Fatal(err)
	}
	sum := 0
	for _, n := range store.bytes {
		sum += n
	}
	if customers != 200 || files != len(store.bytes) || stored != sum || files > 1500 || smallest > 15 || largest < 5000 {
		t.Errorf("customers %d, files %d of %d, bytes %d of %d, rows from %d to %d", customers, files, len(store.bytes), stored, sum, smallest, largest)
	}
	accounts, err := product.Accounts(t.Context(), database.SuperURL)
	if err != nil || len(accounts) < 300 || accounts[0].Email != "xiaowen@farshore.example" || accounts[0].Role != "owner" {
		t.Errorf("%d accounts, first %+v, %v", len(accounts), accounts[0], err)
	}
}
