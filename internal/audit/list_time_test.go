package audit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/db"
)

// A look that does not end is stopped with a word, and the connection is as good as before.
func TestALookAtTheLogEndsInItsTime(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	d := database.Web(t)
	look := func(within time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // of this test, should nothing else end it
		defer cancel()
		_, err := audit.List(ctx, d, db.StaffScope("ada"), audit.Filter{}, audit.Page{Within: within})
		return err
	}
	if err := look(0); err != nil { // which the connection then has prepared: preparing waits for the lock, too
		t.Fatal(err)
	}
	held, err := database.Super(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec(t.Context(), `LOCK TABLE audit IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	if err := look(50 * time.Millisecond); !errors.Is(err, audit.ErrTooLong) {
		t.Errorf("a look that waits: %v", err)
	}
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 { // whichever connection it is
		if err := look(0); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}
