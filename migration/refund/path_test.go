package refund_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"offramp/internal/db"
	"offramp/migration/refund"
)

// inFront runs statements as the application's role, in one transaction, with tables in front of ours for whoever looks for them
// by name alone. The right to make them is given for it: without that, nothing of it can begin.
func (h *house) inFront(tables []string, statements ...func(exec func(sql string, args ...any) error) error) error {
	h.Helper()
	if err := h.try(`CREATE TEMPORARY TABLE payment (x integer)`); err == nil {
		h.Error("the application makes temporary tables")
	}
	super := h.database.Super(h.T)
	if _, err := super.Exec(h.Context(), `GRANT TEMPORARY ON DATABASE `+h.database.Name+` TO PUBLIC`); err != nil {
		h.Fatal(err)
	}
	defer func() {
		if _, err := super.Exec(h.Context(), `REVOKE TEMPORARY ON DATABASE `+h.database.Name+` FROM PUBLIC`); err != nil {
			h.Fatal(err)
		}
	}()
	return h.db.InTx(h.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		for _, name := range tables {
			if _, err := tx.Pgx.Exec(h.Context(), `CREATE TEMPORARY TABLE `+name+` (LIKE public.`+name+` INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING IDENTITY) ON COMMIT DROP`); err != nil {
				h.Fatal(err)
			}
		}
		for _, statement := range statements {
			err := statement(func(sql string, args ...any) error {
				_, err := tx.Pgx.Exec(h.Context(), sql, args...)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

type executes = func(exec func(sql string, args ...any) error) error

func doing(sql string, args ...any) executes {
	return func(exec func(sql string, args ...any) error) error { return exec(sql, args...) }
}

func (h *house) refusedBy(err error, constraint string) {
	h.Helper()
	if !db.IsCheck(err, constraint) {
		h.Errorf("%v, want a refusal by %s", err, constraint)
	}
}

func TestZ05_TablesInFrontReleaseNothingWithoutABatch(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.approved(h.submit("a", "CNY", refund.Original))
	err := h.inFront([]string{"batch", "batch_item"},
		doing(`INSERT INTO batch (id, ref, state, method, currency, count, control, sha256, created_by, created_at, released_by, released_at)
			VALUES ('b', 'PB', 'released', 'original', 'CNY', 1, 1, '', 'staff-cora', now(), 'staff-rolf', now())`),
		doing(`INSERT INTO batch_item (batch_id, refund_id, customer_id, n, amount, content) SELECT 'b', id, customer_id, 1, amount, content FROM public.refund WHERE id = $1`, r.ID),
		doing(`UPDATE public.refund SET state = 'batched', batch_id = 'b' WHERE id = $1`, r.ID),
		doing(`UPDATE public.refund SET state = 'released', released_by = 'staff-rolf', released_at = now() WHERE id = $1`, r.ID))
	h.refusedBy(err, "refund_is_released")
	if got := h.get(r); got.State != refund.Approved {
		t.Errorf("it is %s", got.State)
	}
}

func TestF10_TablesInFrontGiveNoMoreBackThanWasPaid(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	h.paid("a", "P2", 10_777_36, "CNY")
	err := h.inFront([]string{"payment", "refund_payment"},
		doing(`INSERT INTO payment SELECT (jsonb_populate_record(p, '{"gross": 918000000000}')).* FROM public.payment p WHERE ref = 'P2'`),
		doing(`INSERT INTO public.refund_payment (refund_id, customer_id, payment_ref, amount, paid) VALUES ($1, 'a', 'P2', 918000000, 918000000)`, r.ID))
	h.refusedBy(err, "refund_payment_within")
}

func TestF03_TablesInFrontHideNoEntryAndNoDecision(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	err := h.inFront([]string{"ledger_entry", "ledger_posting", "refund_decision", "refund_event", "identity", "contact"},
		doing(`UPDATE public.refund SET state = 'reviewed', reviewed_by = 'staff-clara', reviewed_at = now() WHERE id = $1`, r.ID),
		doing(`UPDATE public.refund SET state = 'approved', approved_by = 'staff-alan', approved_at = now(), approved_content = content WHERE id = $1`, r.ID))
	if err != nil {
		t.Fatal(err)
	}
	for what, sql := range map[string]string{
		"review approve": `SELECT string_agg(duty, ' ' ORDER BY duty DESC) FROM refund_decision WHERE refund_id = $1 AND duty <> 'request'`,
		"accrue":         `SELECT kind FROM ledger_entry WHERE refund_id = $1`,
	} {
		if got := h.text(sql, r.ID); got != what {
			t.Errorf("%q is on record, want %q", got, what)
		}
	}
	h.balanced()
}

func TestF03_TheRightToMakeTemporaryTablesIsNobodys(t *testing.T) {
	h := open(t)
	for who, d := range map[string]*db.DB{"the web side": h.database.Web(t), "a worker": h.database.Work(t), "both in one": h.db} {
		_, err := d.Pool.Exec(t.Context(), `CREATE TEMPORARY TABLE batch (id text)`)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s: %v", who, err)
		}
	}
}
