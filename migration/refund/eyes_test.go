package refund_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"offramp/internal/db"
	"offramp/migration/refund"
)

func TestF02_OneOfTwoDecisionsWins(t *testing.T) {
	h := open(t)
	for i := range 5 {
		id := fmt.Sprintf("c%d", i)
		h.customer(id)
		h.paid(id, "P"+id, 365_00, "CNY")
		r := h.submit(id, "CNY", refund.Original)
		r, err := h.service.Review(t.Context(), clara, r.Ref, r.Version)
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		errs := make([]error, 3)
		all.Go(func() { _, errs[0] = h.service.Approve(t.Context(), alan, h.p, r.Ref, r.Version) })
		all.Go(func() { _, errs[1] = h.service.Approve(t.Context(), bella, h.p, r.Ref, r.Version) })
		all.Go(func() {
			_, errs[2] = h.service.Decline(t.Context(), cora, h.p, r.Ref, r.Version, refund.ReasonUsed, "")
		})
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, refund.ErrMoved) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d of three decisions won: %v", won, errs)
		}
	}
	h.balanced()
}

func TestF03_WhatIsEditedAfterItsApprovalIsNotApproved(t *testing.T) {
	for name, sql := range map[string]string{
		"account": `UPDATE refund SET method = 'bank', account = 'v1', account_kind = 'iban' WHERE id = $1`,
		"method":  `UPDATE refund SET method = 'waive' WHERE id = $1`,
		"quote":   `UPDATE refund SET quote_digest = md5(random()::text) || md5(random()::text) WHERE id = $1`,
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.paid("a", "P1", 365_00, "CNY")
			r := h.approved(h.submit("a", "CNY", refund.Original))
			b, err := h.service.CreateBatch(t.Context(), cora, refund.Original, "CNY")
			if err != nil {
				t.Fatal(err)
			}
			h.exec(sql, r.ID)
			if got := h.get(r); got.State != refund.Submitted || got.ApprovedBy != "" || got.ReviewedBy != "" || got.BatchID != "" {
				t.Errorf("%+v", got)
			}
			if _, err := h.service.ReleaseBatch(t.Context(), rolf, b.ID); !errors.Is(err, refund.ErrEmptyBatch) {
				t.Errorf("released: %v", err)
			}
			_, items, err := h.service.OpenBatch(t.Context(), rolf, b.ID, 10)
			if err != nil || len(items) != 1 || items[0].Dropped != "submitted" {
				t.Errorf("%+v, %v", items, err)
			}
			h.balanced()
			r = h.approved(h.get(r)) // by the same people, anew
			h.balanced()
			if r.Method == refund.Original {
				h.released(refund.Original, "CNY")
				if err := h.try(sql, r.ID); err == nil {
					t.Error("edited after its release")
				}
			}
		})
	}
}

func TestF03_TheServiceHoldsToWhatWasApproved(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "EUR")
	h.paid("b", "P2", 365_00, "EUR")
	edited, other := h.approved(h.submit("a", "EUR", refund.Bank)), h.approved(h.submit("b", "EUR", refund.Bank))
	b, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "EUR")
	if err != nil || b.Count != 2 || b.Size == 0 {
		t.Fatalf("%+v, %v", b, err)
	}
	h.exec(`UPDATE refund SET account = $2 WHERE id = $1`, edited.ID, h.text(`SELECT account FROM refund WHERE id = $1`, other.ID))
	done, err := h.service.ReleaseBatch(t.Context(), rolf, b.ID)
	if err != nil || done.Count != 1 || done.Dropped != 1 || done.Control != other.Amount || done.SHA256 == b.SHA256 {
		t.Errorf("%+v, %v", done, err)
	}
	h.balanced()
}

func TestZ05_NobodyDoesTwoThingsToOneRefund(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 20_000_00, "CNY") // needs a second approver
	r := h.submit("a", "CNY", refund.Original)
	same := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, refund.ErrSamePerson) {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := h.service.Review(t.Context(), "contact-a", r.Ref, r.Version)
	same("who asked reviews", err)
	// A member of staff with the address of one of the customer's people.
	h.exec(`INSERT INTO identity (id, realm, issuer, subject, name, email, created_at, signed_in_at) VALUES ('staff-kin', 'staff', 'i', 's', 'Kin', 'A@Example.com', $1, $1)`, today)
	_, err = h.service.Review(t.Context(), "staff-kin", r.Ref, r.Version)
	same("who belongs to the customer reviews", err)
	if r, err = h.service.Review(t.Context(), clara, r.Ref, r.Version); err != nil {
		t.Fatal(err)
	}
	_, err = h.service.Approve(t.Context(), clara, h.p, r.Ref, r.Version)
	same("who reviewed approves", err)
	if r, err = h.service.Approve(t.Context(), alan, h.p, r.Ref, r.Version); err != nil || r.State != refund.Second {
		t.Fatalf("%s, %v", r.State, err)
	}
	_, err = h.service.Approve(t.Context(), alan, h.p, r.Ref, r.Version)
	same("who approved approves again", err)
	if r, err = h.service.Approve(t.Context(), bella, h.p, r.Ref, r.Version); err != nil || r.State != refund.Approved {
		t.Fatalf("%s, %v", r.State, err)
	}
	b, err := h.service.CreateBatch(t.Context(), cora, refund.Original, "CNY")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{cora, clara, alan, bella, "staff-kin"} {
		_, err = h.service.ReleaseBatch(t.Context(), id, b.ID)
		same(id+" releases", err)
	}
	if _, err := h.service.ReleaseBatch(t.Context(), rolf, b.ID); err != nil {
		t.Error(err)
	}
}

// TestZ05_NotEvenByRawSQL writes as the application's role what the service would not.
func TestZ05_NotEvenByRawSQL(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	approve := `UPDATE refund SET state = 'approved', approved_by = $2, approved_at = now(), approved_content = content WHERE id = $1`
	for what, c := range map[string]struct {
		sql  string
		args []any
	}{
		"who asked reviews":          {`UPDATE refund SET state = 'reviewed', reviewed_by = $2, reviewed_at = now() WHERE id = $1`, []any{r.ID, "contact-a"}},
		"approved without a review":  {approve, []any{r.ID, alan}},
		"who asked is rewritten":     {`UPDATE refund SET requested_by = $2 WHERE id = $1`, []any{r.ID, "x"}},
		"paid without anybody":       {`UPDATE refund SET state = 'paid', settled = amount WHERE id = $1`, []any{r.ID}},
		"born approved":              {`INSERT INTO refund SELECT (jsonb_populate_record(r, '{"id": "z", "ref": "RF-2026-999999", "number": 999999, "state": "approved"}')).* FROM refund r WHERE id = $1`, []any{r.ID}},
		"a decision is taken out":    {`DELETE FROM refund_decision WHERE refund_id = $1`, []any{r.ID}},
		"history is rewritten":       {`UPDATE refund_event SET actor = 'x' WHERE refund_id = $1`, []any{r.ID}},
		"a payment is freed":         {`UPDATE refund_payment SET live = false WHERE refund_id = $1`, []any{r.ID}},
		"a payment is given twice":   {`INSERT INTO refund_payment SELECT refund_id, customer_id, 'P1', 1, 36500 FROM refund_payment WHERE refund_id = $1`, []any{r.ID}},
		"the ledger is rewritten":    {`UPDATE ledger_posting SET amount = 1`, nil},
		"the ledger is cut":          {`DELETE FROM ledger_entry`, nil},
		"released out of any batch":  {`UPDATE refund SET state = 'released', released_by = $2 WHERE id = $1`, []any{r.ID, rolf}},
		"an attempt's key is edited": {`UPDATE payout_attempt SET key = 'x'`, nil},
	} {
		if err := h.try(c.sql, c.args...); err == nil {
			t.Errorf("%s", what)
		}
	}
	r, err := h.service.Review(t.Context(), clara, r.Ref, r.Version)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		sql  string
		args []any
	}{
		"who asked approves":          {approve, []any{r.ID, "contact-a"}},
		"who reviewed approves":       {approve, []any{r.ID, clara}},
		"the reviewer is rewritten":   {`UPDATE refund SET state = 'approved', reviewed_by = 'x', approved_by = $2, approved_content = content WHERE id = $1`, []any{r.ID, clara}},
		"approved for something else": {`UPDATE refund SET state = 'approved', approved_by = $2, approved_content = 'x' WHERE id = $1`, []any{r.ID, alan}},
	} {
		if err := h.try(c.sql, c.args...); err == nil {
			t.Errorf("%s", what)
		}
	}
	r, err = h.service.Approve(t.Context(), alan, h.p, r.Ref, r.Version)
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.service.CreateBatch(t.Context(), cora, refund.Original, "CNY")
	if err != nil {
		t.Fatal(err)
	}
	for what, sql := range map[string]string{
		"the maker releases the batch":     `UPDATE batch SET state = 'released', released_by = created_by, released_at = now() WHERE id = $1`,
		"a refund leaves before its batch": `UPDATE refund SET state = 'released', released_by = 'staff-rolf' WHERE batch_id = $1`,
		"a refund is in two batches":       `INSERT INTO batch_item SELECT batch_id, refund_id, customer_id, 2, amount, content, end_to_end || 'x' FROM batch_item WHERE batch_id = $1`,
	} {
		if err := h.try(sql, b.ID); err == nil {
			t.Error(what)
		}
	}
	if _, err := h.service.ReleaseBatch(t.Context(), rolf, b.ID); err != nil {
		t.Error(err)
	}
	h.balanced()
}

func TestF10_TheDatabaseGivesNoPaymentBackTwice(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	h.paid("a", "P2", 100_00, "CNY")
	h.exec(`UPDATE payment SET refunded = 5000, credited = 4000 WHERE ref = 'P2'`)
	// The refund grows by its new part, so that nothing but the part can be wrong.
	cover := `WITH grown AS (UPDATE refund SET amount = amount + $3 WHERE id = $1)
		INSERT INTO refund_payment (refund_id, customer_id, payment_ref, amount, paid) VALUES ($1, 'a', $2, $3, $4)`
	for what, args := range map[string][]any{
		"more than is left":      {r.ID, "P2", 1001, 10000},
		"more than was paid":     {r.ID, "P2", 1000, 10001},
		"an unknown payment":     {r.ID, "P9", 1, 1},
		"a payment that is live": {r.ID, "P1", 1, 36500},
	} {
		if err := h.try(cover, args...); err == nil || db.IsCheck(err, "refund_adds_up") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := h.try(cover, r.ID, "P2", 1000, 10000); err != nil {
		t.Errorf("what is left: %v", err)
	}
}

func TestF14_AnEntryThatDoesNotBalanceIsRefused(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	post := func(postings string) error {
		return h.try(`WITH e AS (INSERT INTO ledger_entry (refund_id, customer_id, tier, kind, key, at) VALUES ($1, 'a', 'team', 'pay', 'x', now()) RETURNING id)
			INSERT INTO ledger_posting (entry_id, customer_id, account, currency, amount) SELECT e.id, 'a', p.* FROM e, (VALUES `+postings+`) p`, r.ID)
	}
	for _, bad := range []string{`('paid', 'CNY', 1)`, `('paid', 'CNY', 1), ('liability', 'USD', -1)`, `('paid', 'CNY', 2), ('liability', 'CNY', -1)`} {
		if post(bad) == nil {
			t.Errorf("%s was entered", bad)
		}
	}
	if err := h.try(`INSERT INTO ledger_entry (refund_id, customer_id, tier, kind, key, at) VALUES ($1, 'a', 'team', 'pay', 'x', now())`, r.ID); err == nil {
		t.Error("an entry of nothing")
	}
	h.balanced()
	// One that balances and says what is not so is found by the check.
	if err := post(`('paid', 'CNY', -1), ('liability', 'CNY', 1)`); err != nil {
		t.Fatal(err)
	}
	faults, err := h.service.CheckBalance(t.Context())
	if err != nil || len(faults) != 1 || faults[0].Object != r.Ref {
		t.Errorf("%+v, %v", faults, err)
	}
	if err := h.service.Daily(t.Context()); err != nil || h.text(`SELECT kind FROM refund_task`) != refund.TaskLedger || h.text(`SELECT count(*) FROM audit WHERE act = 'ledger.alert'`) != "1" {
		t.Errorf("no alert: %v", err)
	}
}
