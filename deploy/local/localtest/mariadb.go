package localtest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"testing"

	"offramp/deploy/local"
)

var mariadb = sync.OnceValues(func() (*local.MariaDB, error) {
	dir, err := scratch()
	if err != nil {
		return nil, err
	}
	return startMariaDB(filepath.Join(dir, "mariadb"), 0)
})

func startMariaDB(dir string, port int) (*local.MariaDB, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	return local.StartMariaDB(ctx, local.MariaDBOptions{Dir: dir, Port: port})
}

// MariaDBDatabase is a database of one test. It is dropped when the test ends.
type MariaDBDatabase struct {
	Server *local.MariaDB
	Name   string
	URL    string  // as root, whom nothing binds
	Owner  *sql.DB // the same, for setting up; takes several statements at once
}

// MariaDB makes an empty database in this process's server. Tests that stop it spoil it for the others.
func MariaDB(t testing.TB) MariaDBDatabase {
	t.Helper()
	m, err := mariadb()
	if err != nil {
		t.Fatalf("start MariaDB: %v", err)
	}
	d := MariaDBDatabase{Server: m, Name: fmt.Sprintf("test_%d", databases.Add(1))}
	d.URL = m.URL(d.Name, url.User("root"))
	root, err := m.Open("")
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if _, err = root.ExecContext(ctx, "create database "+d.Name); err != nil {
		t.Fatal(err)
	}
	if d.Owner, err = m.Open(d.Name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.Owner.Close()
		if _, err := root.ExecContext(ctx, "drop database "+d.Name); err != nil {
			t.Error(err)
		}
		_ = root.Close()
	})
	return d
}

// Numbers is a table with the column seq, from 1 to n, in words that MariaDB and MySQL know.
func Numbers(n int) string {
	return fmt.Sprintf(`(WITH RECURSIVE d(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM d WHERE n < 99)
		SELECT 1 + a.n + 100 * b.n + 10000 * c.n AS seq FROM d a, d b, d c WHERE a.n + 100 * b.n + 10000 * c.n < %d AND c.n <= %d) AS numbers`, n, n/10000)
}
