package refund_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"offramp/deploy/local"
	"offramp/internal/db"
	"offramp/migration/refund"
)

// by runs one statement as one of the application's roles in the widest scope there is.
func (h *house) by(d *db.DB, sql string, args ...any) error {
	return d.InTx(h.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(h.Context(), sql, args...)
		return err
	})
}

func denied(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "42501"
}

const attemptSQL = `INSERT INTO payout_attempt (refund_id, number, customer_id, payment_ref, channel, provider_payment, amount, currency, key, state, planned_at)
	SELECT r.id, 9, r.customer_id, p.payment_ref, p.provider, p.provider_payment, $2, r.currency, 'forged-' || r.ref, 'planned', now()
	  FROM refund r JOIN refund_payment p ON p.refund_id = r.id WHERE r.id = $1`

func TestZ05_NothingIsPaidThatNobodyReleased(t *testing.T) {
	h := open(t)
	h.pay(local.StripePayment{ID: "pi_P1", Amount: 365_00, Currency: "CNY"}, local.StripePayment{ID: "pi_P2", Amount: 365_00, Currency: "CNY"})
	h.paid("a", "P1", 365_00, "CNY")
	h.paid("b", "P2", 365_00, "CNY")
	r, other := h.submit("a", "CNY", refund.Original), h.submit("b", "CNY", refund.Original)
	web, work := h.database.Web(t, db.Options{Clock: h.clock}), h.database.Work(t, db.Options{Clock: h.clock})
	for who, d := range map[string]*db.DB{"the web side": web, "a worker": work} {
		if err := h.by(d, attemptSQL, r.ID, r.Amount); !denied(err) {
			t.Errorf("%s writes an attempt: %v", who, err)
		}
	}
	if err := h.by(h.db, attemptSQL, r.ID, r.Amount); !db.IsCheck(err, "payout_attempt_released") {
		t.Errorf("both in one pay what was only asked for: %v", err)
	}
	if err := h.by(work, `SELECT payout_plan('x', '{}', now())`); !denied(err) {
		t.Errorf("a worker plans payments: %v", err)
	}
	if err := h.by(web, `INSERT INTO river_job (kind, args, max_attempts, queue) VALUES ('refund_pay', '{"refund_id": "x", "number": 1}', 1, 'payout')`); !denied(err) {
		t.Errorf("the web side enqueues a payment: %v", err)
	}
	if err := h.by(web, `UPDATE river_job SET kind = 'refund_pay'`); !denied(err) {
		t.Errorf("the web side makes another job a payment: %v", err)
	}
	h.approved(other)
	h.released(refund.Original, "CNY")
	for what, amount := range map[string]int64{"more than was released": other.Amount + 1, "less": other.Amount - 1} {
		if err := h.by(h.db, strings.Replace(attemptSQL, "p.payment_ref, p.provider", "p.payment_ref || 'x', p.provider", 1), other.ID, amount); !db.IsCheck(err, "payout_attempt_released") {
			t.Errorf("%s: %v", what, err)
		}
	}
	// The web side has the database plan again and again: nothing more is planned than what was released.
	for _, sql := range []string{
		`SELECT count(*) FROM payout_plan((SELECT batch_id FROM refund WHERE state = 'released'), (SELECT array_agg(id) FROM refund), now())`,
		`SELECT count(*) FROM payout_plan_again((SELECT id FROM refund WHERE state = 'released'), 1, now())`,
	} {
		if err := h.by(web, sql); err != nil && !db.IsUnique(err, "payout_attempt_one_live") || h.text(`SELECT count(*)::text FROM payout_attempt`) != "1" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if err := h.by(web, `UPDATE payout_attempt SET state = 'succeeded'`); err != nil || h.text(`SELECT state FROM payout_attempt`) != "planned" {
		t.Errorf("the web side settles what the provider pays: %v", err)
	}
	// Somebody whom no guard binds has written an attempt. The worker asks before it calls.
	super := h.database.Super(t)
	conn, err := super.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `SET session_replication_role = replica`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), attemptSQL, r.ID, r.Amount); err != nil {
		t.Fatal(err)
	}
	h.exec(`INSERT INTO river_job (kind, args, max_attempts, queue) SELECT 'refund_pay', jsonb_build_object('refund_id', refund_id, 'number', number), 9, 'payout' FROM payout_attempt WHERE refund_id = $1`, r.ID)
	h.work()
	if got := h.text(`SELECT string_agg(r.ref || ' ' || a.state, ', ' ORDER BY r.ref) FROM payout_attempt a JOIN refund r ON r.id = a.refund_id`); got != r.Ref+" planned, "+other.Ref+" succeeded" {
		t.Errorf("paid: %s", got)
	}
	if got := h.text(`SELECT string_agg(kind, ' ') FROM refund_task`); got != refund.TaskNotReleased {
		t.Errorf("tasks: %q", got)
	}
}

func TestZ05_WhoDecidesHasTheRoleAndItStandsBeside(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.staff("staff-sam", "support")
	r := h.submit("a", "CNY", refund.Original)
	for _, who := range []string{alan, "staff-sam", "nobody"} {
		if _, err := h.service.Review(t.Context(), who, r.Ref, r.Version); !errors.Is(err, refund.ErrRole) {
			t.Errorf("%s reviews: %v", who, err)
		}
	}
	h.exec(`UPDATE identity SET state = 'disabled' WHERE id = $1`, clara)
	if _, err := h.service.Review(t.Context(), clara, r.Ref, r.Version); !errors.Is(err, refund.ErrRole) {
		t.Errorf("who is disabled reviews: %v", err)
	}
	h.exec(`UPDATE identity SET state = 'active' WHERE id = $1`, clara)
	h.approved(r)
	if _, err := h.service.CreateBatch(t.Context(), rolf, refund.Original, "CNY"); err == nil {
		t.Error("a releaser makes the batch")
	}
	b := h.released(refund.Original, "CNY")
	if got := h.text(`SELECT string_agg(duty || ' ' || role, ', ' ORDER BY duty) FROM refund_decision WHERE duty <> 'request'`); got != "approve finance_approver, release finance_releaser, review finance_clerk" {
		t.Errorf("beside the decisions: %s", got)
	}
	if got := h.text(`SELECT created_role || ' ' || released_role FROM batch WHERE id = $1`, b.ID); got != "finance_clerk finance_releaser" {
		t.Errorf("beside the batch: %s", got)
	}
}

func TestZ05_ASecondLookIsASecondPersons(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	r, err := h.service.Decline(t.Context(), clara, h.p, r.Ref, r.Version, refund.ReasonUsed, "")
	if err != nil {
		t.Fatal(err)
	}
	if r, err = h.service.Object(t.Context(), who("a"), r.Ref, r.Version, "We did not use it."); err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.Review(t.Context(), clara, r.Ref, r.Version); !errors.Is(err, refund.ErrSamePerson) {
		t.Errorf("who declined it reviews the objection: %v", err)
	}
	if _, err := h.service.Decline(t.Context(), clara, h.p, r.Ref, r.Version, refund.ReasonUsed, ""); !errors.Is(err, refund.ErrSamePerson) {
		t.Errorf("who declined it declines it again: %v", err)
	}
	for what, sql := range map[string]string{
		"reviews":   `UPDATE refund SET state = 'reviewed', reviewed_by = 'staff-clara', reviewed_at = now() WHERE id = $1`,
		"declines":  `UPDATE refund SET state = 'declined', declined_by = 'staff-clara', reason = 'used' WHERE id = $1`,
		"rewrites":  `UPDATE refund SET declined_by = 'staff-cora' WHERE id = $1`,
		"is nobody": `UPDATE refund SET state = 'declined', declined_by = 'nobody', reason = 'used' WHERE id = $1`,
	} {
		if err := h.try(sql, r.ID); err == nil {
			t.Errorf("by raw SQL, who declined it %s", what)
		}
	}
	if _, err := h.service.Review(t.Context(), cora, r.Ref, r.Version); err != nil {
		t.Errorf("another clerk: %v", err)
	}
}

func TestF10_ARefundAddsUpToItsParts(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	if err := h.try(`UPDATE refund SET amount = amount - 1 WHERE id = $1`, r.ID); !db.IsCheck(err, "refund_adds_up") {
		t.Errorf("an amount below its parts: %v", err)
	}
	h.paid("a", "P2", 100_00, "CNY")
	if err := h.try(`INSERT INTO refund_payment (refund_id, customer_id, payment_ref, amount, paid) VALUES ($1, 'a', 'P2', 1, 10000)`, r.ID); !db.IsCheck(err, "refund_adds_up") {
		t.Errorf("one part more: %v", err)
	}
}

func TestZ05_WhatDecidesIsNotSetFreely(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	web, work := h.database.Web(t, db.Options{Clock: h.clock}), h.database.Work(t, db.Options{Clock: h.clock})
	for what, c := range map[string]struct {
		d   *db.DB
		sql string
	}{
		"the web side gives a role":              {web, `UPDATE identity SET roles = '{finance_releaser}' WHERE id = 'staff-clara'`},
		"the web side lets somebody in again":    {web, `UPDATE identity SET state = 'active' WHERE id = 'staff-clara'`},
		"the web side adds somebody with a role": {web, `INSERT INTO identity (id, realm, issuer, subject, name, roles, created_at, signed_in_at) VALUES ('x', 'staff', 'i', 'x', 'x', '{finance_releaser}', now(), now())`},
		"a worker gives a role":                  {work, `UPDATE identity SET roles = '{finance_releaser}' WHERE id = 'staff-clara'`},
		"a worker signs somebody in":             {work, `SELECT staff_signs_in('x', 'i', 'x', 'x', '', '{finance_releaser}', now())`},
		"the web side says what was paid":        {web, `UPDATE payment SET gross = 918000000`},
		"the web side adds a payment":            {web, `INSERT INTO payment SELECT * FROM payment`},
		"a worker reviews":                       {work, `UPDATE refund SET state = 'reviewed', reviewed_by = 'staff-clara', reviewed_at = now() WHERE ref = '` + r.Ref + `'`},
		"a worker makes a batch":                 {work, `INSERT INTO batch SELECT * FROM batch`},
	} {
		if err := h.by(c.d, c.sql); !denied(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	h.exec(`UPDATE entitlement_import SET finished_at = now()`)
	if err := h.by(work, `UPDATE payment SET gross = 918000000`); !db.IsCheck(err, "payment_imported") {
		t.Errorf("a worker says what was paid outside of any import: %v", err)
	}
}
