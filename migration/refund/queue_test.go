package refund_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"offramp/migration/refund"
)

// crowd submits n refunds, one an hour, in CNY and JPY by turns, and reviews every third.
func (h *house) crowd(n int) (all []refund.Refund) {
	h.Helper()
	for i := range n {
		id := fmt.Sprintf("q%03d", i)
		h.customer(id)
		currency := []string{"CNY", "JPY"}[i%2]
		h.paid(id, "P"+id, int64(365_00+i*365), currency)
		r := h.submit(id, currency, refund.Original)
		if i%3 == 0 {
			var err error
			if r, err = h.service.Review(h.Context(), clara, r.Ref, r.Version); err != nil {
				h.Fatal(err)
			}
		}
		all = append(all, r)
		h.clock.Advance(time.Hour)
	}
	return all
}

func refs(rows []refund.Row) (out []string) {
	for _, r := range rows {
		out = append(out, r.Ref)
	}
	return out
}

func TestTheQueueFiltersPagesAndAddsUp(t *testing.T) {
	h := open(t)
	all := h.crowd(60)
	choose := func(by func(refund.Refund) bool) (out []string, sum int64) {
		for _, r := range all {
			if by(r) {
				out, sum = append(out, r.Ref), sum+r.Amount
			}
		}
		return out, sum
	}
	for name, c := range map[string]struct {
		filter refund.Filter
		by     func(refund.Refund) bool
		down   bool // the order is by amount
	}{
		"all":             {refund.Filter{}, func(refund.Refund) bool { return true }, false},
		"submitted":       {refund.Filter{States: []refund.State{refund.Submitted}}, func(r refund.Refund) bool { return r.State == refund.Submitted }, false},
		"currency":        {refund.Filter{Currency: "JPY"}, func(r refund.Refund) bool { return r.Currency == "JPY" }, false},
		"reviewed in CNY": {refund.Filter{States: []refund.State{refund.Reviewed}, Currency: "CNY"}, func(r refund.Refund) bool { return r.State == refund.Reviewed && r.Currency == "CNY" }, false},
		"another tier":    {refund.Filter{Tier: "core"}, func(refund.Refund) bool { return false }, false},
		"a method":        {refund.Filter{Method: refund.Bank}, func(refund.Refund) bool { return false }, false},
		"old":             {refund.Filter{OlderThan: 1}, func(r refund.Refund) bool { return !r.RequestedAt.After(h.clock.Now().AddDate(0, 0, -1)) }, false},
		"amounts":         {refund.Filter{Currency: "CNY", Least: 20000, Most: 25000}, func(r refund.Refund) bool { return r.Currency == "CNY" && r.Amount >= 20000 && r.Amount <= 25000 }, true},
		"a reference":     {refund.Filter{Text: all[7].Ref}, func(r refund.Refund) bool { return r.Ref == all[7].Ref }, false},
		"a number":        {refund.Filter{Text: "HZ-q012"}, func(r refund.Refund) bool { return r.CustomerID == "q012" }, false},
		"a name's head":   {refund.Filter{Text: "customer Q01"}, func(r refund.Refund) bool { return strings.HasPrefix(r.CustomerID, "q01") }, false},
		"what nobody has": {refund.Filter{Text: "%"}, func(refund.Refund) bool { return false }, false},
	} {
		want, sum := choose(c.by)
		if c.down {
			slices.Reverse(want) // the crowd's amounts grow
		}
		var got []string
		var total int64
		for after, n := "", 0; ; n++ {
			page, err := h.service.Queue(t.Context(), clara, c.filter, after)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, refs(page.Rows)...)
			if n == 0 {
				for _, s := range page.Totals {
					total += s.Amount
				}
			}
			if after = page.Next; after == "" {
				break
			}
		}
		if !slices.Equal(got, want) || total != sum {
			t.Errorf("%s: %d of %d, total %d, want %d\n got %v\nwant %v", name, len(got), len(want), total, sum, got, want)
		}
		var streamed []string
		if err := h.service.Stream(t.Context(), clara, c.filter, func(r refund.Row) error { streamed = append(streamed, r.Ref); return nil }); err != nil || !slices.Equal(streamed, want) {
			t.Errorf("%s streamed: %d of %d, %v", name, len(streamed), len(want), err)
		}
	}
	if err := h.service.Reconcile(t.Context()); err != nil { // folds the totals
		t.Fatal(err)
	}
	page, err := h.service.Queue(t.Context(), clara, refund.Filter{Currency: "CNY"}, "")
	if err != nil || len(page.Totals) != 1 || page.Totals[0].Count != 30 {
		t.Errorf("folded: %+v, %v", page.Totals, err)
	}
}

func TestI01_AFilterThatMakesNoSenseIsRefused(t *testing.T) {
	h := open(t)
	for name, c := range map[string]struct {
		filter refund.Filter
		after  string
	}{
		"state": {refund.Filter{States: []refund.State{"x"}}, ""}, "method": {refund.Filter{Method: "x"}, ""}, "currency": {refund.Filter{Currency: "XXY"}, ""},
		"amount without currency": {refund.Filter{Least: 1}, ""}, "amounts crossed": {refund.Filter{Currency: "CNY", Least: 2, Most: 1}, ""},
		"age": {refund.Filter{OlderThan: -1}, ""}, "text": {refund.Filter{Text: strings.Repeat("字", 201)}, ""}, "place": {refund.Filter{}, "x"},
		"another filter's place": {refund.Filter{}, "a1.1"}, "half a place": {refund.Filter{}, "t1"},
	} {
		if _, err := h.service.Queue(t.Context(), clara, c.filter, c.after); !errors.Is(err, refund.ErrFilter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBulkApprovalSaysForEachWhatBecameOfIt(t *testing.T) {
	h := open(t)
	all := h.crowd(10) // 0, 3, 6 and 9 are reviewed
	h.exec(`UPDATE identity SET email = 'q003@example.com' WHERE id = $1`, alan)
	choices := []refund.Choice{
		{Ref: all[0].Ref, Version: all[0].Version},
		{Ref: all[1].Ref, Version: all[1].Version},
		{Ref: all[3].Ref, Version: all[3].Version},
		{Ref: all[6].Ref, Version: all[6].Version - 1},
		{Ref: "RF-2026-999999", Version: 1},
		{Ref: all[9].Ref, Version: all[9].Version},
		{Ref: all[9].Ref, Version: all[9].Version},
	}
	results, err := h.service.BulkApprove(t.Context(), alan, h.p, choices)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, refund.ErrMoved, refund.ErrSamePerson, refund.ErrMoved, refund.ErrNotFound, nil, refund.ErrMoved} {
		if !errors.Is(results[i].Err, want) || results[i].Ref != choices[i].Ref {
			t.Errorf("%d: %+v, want %v", i, results[i], want)
		}
	}
	for i, want := range map[int]refund.State{0: refund.Approved, 1: refund.Submitted, 3: refund.Reviewed, 6: refund.Reviewed, 9: refund.Approved} {
		if got := h.get(all[i]); got.State != want {
			t.Errorf("%d is %s, want %s", i, got.State, want)
		}
	}
	if got := h.step("q000"); got != "in_progress approved" || strings.Count(h.mails(), "refund_approved") != 2 || h.text(`SELECT count(*) FROM audit WHERE act = 'refund.approve'`) != "2" {
		t.Errorf("%s, %s", got, h.mails())
	}
	if _, err := h.service.BulkApprove(t.Context(), alan, h.p, make([]refund.Choice, refund.BulkLimit+1)); !errors.Is(err, refund.ErrTooMany) {
		t.Error(err)
	}
	h.balanced()
}

func word(key string) string { return key[strings.LastIndexByte(key, '.')+1:] }

func TestTheQueueAndAMonthAsFiles(t *testing.T) {
	h := open(t)
	h.exec(`UPDATE customer SET name = E'\n=HYPERLINK("x")' WHERE id = 'a'`)
	h.paid("a", "P1", 365_00, "CNY")
	h.paid("b", "P2", 365_00, "CNY")
	h.approved(h.submit("a", "CNY", refund.Original))
	credit := h.approved(h.submit("b", "CNY", refund.Credit))
	h.released(refund.Credit, "CNY")
	var file bytes.Buffer
	if err := h.service.WriteQueue(t.Context(), clara, refund.Filter{}, refund.CSV, h.words(), &file); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(file.Bytes(), []byte("\ufeff")) {
		t.Error("Excel does not see that the file is UTF-8")
	}
	file.Next(len("\ufeff"))
	rows, err := csv.NewReader(&file).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][2] != "'\n=HYPERLINK(\"x\")" || rows[1][7] != "190.05" || rows[2][5] != "credited" {
		t.Errorf("%v, %v", rows, err)
	}
	if err := h.service.WriteQueue(t.Context(), clara, refund.Filter{}, refund.XLSX, h.words(), &file); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	if cells, err := book.GetRows("queue"); err != nil || len(cells) != 3 || cells[1][2] != "\n=HYPERLINK(\"x\")" {
		t.Errorf("%v, %v", cells, err)
	}
	if formula, err := book.GetCellFormula("queue", "C2"); err != nil || formula != "" {
		t.Errorf("a formula: %q, %v", formula, err)
	}
	closed, err := h.service.CloseMonth(t.Context(), clara, h.p.Zone, refund.Month{Year: 2026, Month: time.December})
	want := refund.CloseLine{Tier: "team", Currency: "CNY", Accrued: 19005 + credit.Amount, Goodwill: 905 + 905 + credit.Amount - 19005, Credits: credit.Amount, Closing: 19005}
	if err != nil || len(closed.Lines) != 1 || closed.Lines[0] != want {
		t.Errorf("%+v, want %+v, %v", closed, want, err)
	}
	if closed, err = h.service.CloseMonth(t.Context(), clara, h.p.Zone, refund.Month{Year: 2027, Month: time.January}); err != nil || closed.Lines[0].Opening != 19005 || closed.Lines[0].Accrued != 0 || closed.Lines[0].Closing != 19005 {
		t.Errorf("the next month: %+v, %v", closed, err)
	}
	december := refund.Month{Year: 2026, Month: time.December}
	for part, want := range map[refund.MonthPart][]string{
		refund.Summary: {"Team customers,CNY,0.00,"}, refund.Postings: {"accrue", "liability,CNY,-190.05", "credits,CNY,-", "+08:00", "at (Beijing)"},
	} {
		file.Reset()
		if err := h.service.WriteMonth(t.Context(), clara, december, refund.CSV, part, h.words(), &file); err != nil {
			t.Fatal(err)
		}
		if _, err := csv.NewReader(strings.NewReader(file.String())).ReadAll(); err != nil { // one table: every row has as many columns
			t.Errorf("%s: %v", part, err)
		}
		for _, want := range want {
			if !strings.Contains(file.String(), want) {
				t.Errorf("%s: no %q in\n%s", part, want, file.String())
			}
		}
	}
}

// words are a file's words in these tests: the ends of the messages' keys, and one name for every tier.
func (h *house) words() refund.FileWords {
	return refund.FileWords{Word: word, Tier: func(key string) string { return "Team customers" }, Zone: h.p.Zone, Clock: "Beijing"}
}

func TestAMonthsWorkbookHasItsSheetsByName(t *testing.T) {
	h := open(t)
	h.paid("a", "P1", 365_00, "CNY")
	h.approved(h.submit("a", "CNY", refund.Original))
	for _, c := range []struct {
		month    time.Month
		postings int // rows below the heading
	}{{time.December, 3}, {time.November, 0}} {
		var file bytes.Buffer
		if err := h.service.WriteMonth(t.Context(), clara, refund.Month{Year: 2026, Month: c.month}, refund.XLSX, refund.Summary, h.words(), &file); err != nil {
			t.Fatal(err)
		}
		book, err := excelize.OpenReader(&file)
		if err != nil {
			t.Fatal(err)
		}
		if got := book.GetSheetList(); !slices.Equal(got, []string{"summary", "postings", "now"}) {
			t.Errorf("%s: sheets %q", c.month, got)
		}
		rows, err := book.GetRows("postings")
		if err != nil || len(rows) != 1+c.postings || rows[0][0] != "at (Beijing)" || rows[0][7] != "posted" {
			t.Errorf("%s: %q, %v", c.month, rows, err)
		}
		if rows, err = book.GetRows("now"); err != nil || len(rows) != 2 || rows[1][2] != "190.05" {
			t.Errorf("%s: %q, %v", c.month, rows, err)
		}
	}
}
