package refund_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"offramp/internal/money"
	"offramp/migration/refund"
)

// readAll reads every place that shows money at one instant: the budget, the tiles and the queue by state, the month's close and its
// file, and holds them against each other.
func (h *house) readAll() refund.Standing {
	h.Helper()
	figures, err := h.service.Figures(h.Context(), clara, h.p)
	if err != nil {
		h.Fatal(err)
	}
	var budget, tiles, queue refund.Standing
	for _, b := range figures.Budget {
		budget = budget.Plus(b.Standing)
	}
	for _, s := range figures.States {
		tiles = tiles.Plus(s.Standing)
		page, err := h.service.Queue(h.Context(), clara, refund.Filter{States: []refund.State{s.State}}, "")
		if err != nil {
			h.Fatalf("%s: %v", s.State, err)
		}
		for _, stand := range page.Stands {
			queue = queue.Plus(stand.Standing)
		}
	}
	now := h.clock.Now().In(h.p.Zone)
	month := refund.Month{Year: now.Year(), Month: now.Month()}
	closed, err := h.service.CloseMonth(h.Context(), clara, h.p.Zone, month)
	if err != nil || len(closed.Now) != 1 {
		h.Fatalf("%+v, %v", closed, err)
	}
	var line refund.CloseLine // everything happened in this month
	for _, l := range closed.Lines {
		line = refund.CloseLine{Paid: line.Paid + l.Paid, Back: line.Back + l.Back, Credits: line.Credits + l.Credits, Closing: line.Closing + l.Closing}
	}
	for name, got := range map[string]refund.Standing{"tiles": tiles, "queue": queue, "close": closed.Now[0].Standing} {
		if got != budget {
			h.Errorf("%s: %+v, the budget %+v", name, got, budget)
		}
	}
	if line.Paid-line.Back != budget.Paid || line.Credits != budget.Credited || line.Closing != budget.Owed() {
		h.Errorf("the close has %+v, the budget %+v", line, budget)
	}
	h.inFile(month, budget)
	return budget
}

// inFile holds the month's workbook against where the money stands.
func (h *house) inFile(month refund.Month, want refund.Standing) {
	h.Helper()
	var file bytes.Buffer
	if err := h.service.WriteMonth(h.Context(), clara, month, refund.XLSX, refund.Summary, h.words(), &file); err != nil {
		h.Fatal(err)
	}
	book, err := excelize.OpenReader(&file)
	if err != nil {
		h.Fatal(err)
	}
	rows, err := book.GetRows("now", excelize.Options{RawCellValue: true})
	if err != nil || len(rows) != 2 {
		h.Fatalf("%q, %v", rows, err)
	}
	for i, n := range []int64{want.Due, want.Approved, want.Returned, want.OnTheWay, want.Unknown, want.Paid, want.Credited} {
		if got := rows[1][i+1]; got != money.Format(n, "CNY") {
			h.Errorf("column %s of the file is %s, want %d", rows[0][i+1], got, n)
		}
	}
}

func TestTheSameMoneyIsShownEverywhere(t *testing.T) {
	h := open(t)
	for id, ref := range map[string]string{"a": "P1", "b": "P2", "c": "P3", "d": "P4", "e": "P5", "f": "P6"} {
		if id > "b" {
			h.customer(id)
		}
		h.paid(id, ref, 365_00, "CNY")
	}
	const each = 190_05
	expect := func(when string, want refund.Standing) {
		t.Helper()
		if got := h.readAll(); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
		h.balanced()
	}
	gone := h.submit("f", "CNY", refund.Original)
	expect("asked for", refund.Standing{Due: each})
	if _, err := h.service.Withdraw(t.Context(), who("f"), h.p, gone.Ref, gone.Version); err != nil {
		t.Fatal(err)
	}
	paid, lost := h.approved(h.submit("a", "CNY", refund.Original)), h.approved(h.submit("b", "CNY", refund.Original))
	expect("approved", refund.Standing{Approved: 2 * each})
	h.released(refund.Original, "CNY")
	expect("sent", refund.Standing{OnTheWay: 2 * each})
	h.exec(`UPDATE payout_attempt SET state = 'unknown' WHERE refund_id = $1`, lost.ID)
	h.exec(`UPDATE refund SET state = 'unknown', updated_at = now() WHERE id = $1`, lost.ID)
	expect("nobody knows of one", refund.Standing{OnTheWay: each, Unknown: each})
	h.exec(`UPDATE payout_attempt SET state = 'succeeded', settled_at = $2 WHERE refund_id = $1`, paid.ID, h.clock.Now())
	h.exec(`UPDATE refund SET state = 'paid', settled = amount, updated_at = $2 WHERE id = $1`, paid.ID, h.clock.Now())
	expect("one has arrived", refund.Standing{Unknown: each, Paid: each})
	h.exec(`UPDATE payout_attempt SET state = 'failed', settled_at = $2 WHERE refund_id = $1`, lost.ID, h.clock.Now())
	h.exec(`UPDATE refund SET state = 'returned', updated_at = $2 WHERE id = $1`, lost.ID, h.clock.Now())
	expect("the other came back", refund.Standing{Returned: each, Paid: each})
	credit := h.approved(h.submit("c", "CNY", refund.Credit))
	h.released(refund.Credit, "CNY")
	due := h.submit("d", "CNY", refund.Original)
	declined := h.submit("e", "CNY", refund.Bank)
	if _, err := h.service.Decline(t.Context(), clara, h.p, declined.Ref, declined.Version, refund.ReasonUsed, ""); err != nil {
		t.Fatal(err)
	}
	expect("credited, asked for and declined", refund.Standing{Due: due.Amount, Returned: each, Paid: each, Credited: credit.Amount})
	if err := h.service.Reconcile(t.Context()); err != nil { // folds the figures
		t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	expect("folded", refund.Standing{Due: due.Amount, Returned: each, Paid: each, Credited: credit.Amount})
}
