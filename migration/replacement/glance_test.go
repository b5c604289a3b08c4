package replacement_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/replacement"
)

// glance reads as the portal does, under a scope.
func (h *house) glance(scope db.Scope) (g replacement.Glance, err error) {
	err = h.db.Read(h.Context(), scope, replacement.QueueGlance, func(r pgx.BatchResults) error {
		g, err = replacement.ReadGlance(r)
		return err
	})
	return g, err
}

// TestAGlanceSaysWhatTheOverviewSays compares the two readings of one customer in several states.
func TestAGlanceSaysWhatTheOverviewSays(t *testing.T) {
	h := open(t)
	same := func(state string) {
		t.Helper()
		whole, err := h.service.Overview(t.Context(), db.CustomerScope("a"), "a")
		if err != nil {
			t.Fatal(err)
		}
		g, err := h.glance(db.CustomerScope("a"))
		if err != nil {
			t.Fatal(err)
		}
		want := replacement.Overview{Usage: whole.Usage, Choice: whole.Choice, CountedAt: whole.CountedAt, Counting: whole.Counting}
		if diff := cmp.Diff(want, g.Overview); diff != "" {
			t.Errorf("%s (-overview +glance): %s", state, diff)
		}
		if g.Customer.Tier != "team" || g.Customer.Attributes["seats"] != "20" {
			t.Errorf("%s: %+v", state, g.Customer)
		}
	}
	same("nothing is known")
	h.exec(`INSERT INTO feature_count (feature, counted_at, tried_at, problem) VALUES ('rules', $1, $1, ''), ('horns', NULL, $1, 'no answer'), ('crew', $1, $2, 'no answer')`, today, today.Add(time.Hour))
	h.exec(`INSERT INTO feature_usage (customer_id, feature, uses, counted_at) VALUES ('a', 'rules', 14, $1), ('a', 'old', 3, $1), ('b', 'horns', 9, $1)`, today)
	same("counted")
	if err := h.service.Refresh(t.Context(), migration.Who{CustomerID: "a", ContactID: "contact-a", Role: migration.Member}, h.p); err != nil {
		t.Fatal(err)
	}
	same("asked for a count")
	if _, err := h.service.ChooseNone(t.Context(), migration.Who{CustomerID: "a", ContactID: "contact-a", Role: migration.Owner}, h.p, replacement.Decline{Reason: "not_needed"}); err != nil {
		t.Fatal(err)
	}
	same("decided")
	for _, scope := range []db.Scope{db.NoScope(), db.StaffScope("s"), db.CustomerScope("nobody")} {
		if _, err := h.glance(scope); !errors.Is(err, replacement.ErrNotFound) {
			t.Errorf("%s: %v", scope, err)
		}
	}
}
