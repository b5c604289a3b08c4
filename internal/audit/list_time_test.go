package audit_test

import (
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
	held, err := database.Super(t).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec(t.Context(), `LOCK TABLE audit IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	_, err = audit.List(t.Context(), d, db.StaffScope("ada"), audit.Filter{}, audit.Page{Within: 50 * time.Millisecond})
	if !errors.Is(err, audit.ErrTooLong) {
		t.Errorf("a look that waits: %v", err)
	}
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 { // whichever connection it is
		if _, err := audit.List(t.Context(), d, db.StaffScope("ada"), audit.Filter{}, audit.Page{}); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
}
