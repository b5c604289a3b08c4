package refund_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/internal/fault"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/bankfile"
)

// transfers brings n bank refunds to their approval.
func (h *house) transfers(n int) (all []refund.Refund) {
	h.Helper()
	for i := range n {
		id := fmt.Sprintf("t%d", i)
		h.customer(id)
		h.paid(id, "P"+id, 365_00, "EUR")
		all = append(all, h.approved(h.submit(id, "EUR", refund.Bank)))
	}
	return all
}

func TestF13_AFileIsMadeOnceHoweverOftenItIsAskedFor(t *testing.T) {
	h := open(t)
	all := h.transfers(6)
	var group sync.WaitGroup
	var made sync.Map
	for range 6 {
		group.Go(func() {
			b, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "EUR")
			if err == nil {
				made.Store(b.ID, b)
			} else if !errors.Is(err, refund.ErrEmptyBatch) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	total := 0
	seen := map[string]bool{}
	made.Range(func(id, value any) bool {
		b := value.(refund.Batch) //nolint:forcetypeassert // just stored
		total += b.Count
		if err := h.service.BatchFile(t.Context(), rolf, b.ID, io.Discard); !errors.Is(err, refund.ErrBatchMoved) {
			t.Errorf("a file before the release: %v", err)
		}
		for range 3 {
			group.Go(func() {
				if _, err := h.service.ReleaseBatch(t.Context(), rolf, b.ID); err != nil && !errors.Is(err, refund.ErrBatchMoved) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		h.holds(b.ID, seen)
		return true
	})
	if total != len(all) || len(seen) != len(all) || h.text(`SELECT count(*) FROM payout_attempt`) != fmt.Sprint(len(all)) {
		t.Errorf("%d in batches, %d in files, %s attempts", total, len(seen), h.text(`SELECT count(*) FROM payout_attempt`))
	}
	h.balanced()
}

// holds reads the file of a released batch by who did not write it.
func (h *house) holds(id string, seen map[string]bool) {
	h.Helper()
	var file bytes.Buffer
	if err := h.service.BatchFile(h.Context(), rolf, id, &file); err != nil {
		h.Fatal(err)
	}
	b, _, err := h.service.OpenBatch(h.Context(), rolf, id, 10)
	if err != nil {
		h.Fatal(err)
	}
	if sum := sha256.Sum256(file.Bytes()); hex.EncodeToString(sum[:]) != b.SHA256 || int64(file.Len()) != b.Size {
		h.Errorf("%d bytes of another checksum than %s", file.Len(), b.SHA256)
	}
	sum, err := bankfile.Check(&file, func(p bankfile.Payment) error {
		if seen[p.Ref] {
			h.Errorf("%s is in two files", p.Ref)
		}
		seen[p.Ref] = true
		return nil
	})
	if err != nil || sum.Count != b.Count || sum.Totals[0].Sum != b.Control {
		h.Errorf("%+v, %v, want %+v", sum, err, b)
	}
}

// execution is the day on which the file of a batch asks the bank to pay.
func (h *house) execution(id string) string {
	h.Helper()
	var file bytes.Buffer
	if err := h.service.BatchFile(h.Context(), rolf, id, &file); err != nil {
		h.Fatal(err)
	}
	m := regexp.MustCompile(`<ReqdExctnDt>\s*<Dt>([^<]*)<`).FindStringSubmatch(file.String())
	if m == nil {
		h.Fatal(file.String())
	}
	return m[1]
}

// A batch of Tuesday that is released on Saturday is paid on Monday; one of early Tuesday in Shanghai is not dated Monday.
func TestTheBankIsAskedToPayOnADayThatIsNotPast(t *testing.T) {
	h := open(t)
	h.transfers(2)
	b, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "EUR")
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Set(h.clock.Now().Add(4 * 24 * time.Hour))
	if b, err = h.service.ReleaseBatch(t.Context(), rolf, b.ID); err != nil {
		t.Fatal(err)
	}
	if got := h.execution(b.ID); got != "2026-12-07" {
		t.Errorf("paid on %s", got)
	}
	h.holds(b.ID, map[string]bool{})
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	was := h.config.Debtors["EUR"]
	was.Days.Zone = zone
	h.config.Debtors["EUR"] = was
	h.clock.Set(time.Date(2026, time.December, 7, 22, 0, 0, 0, time.UTC))
	h.customer("late")
	h.paid("late", "PL", 365_00, "EUR")
	h.approved(h.submit("late", "EUR", refund.Bank))
	if got := h.execution(h.released(refund.Bank, "EUR").ID); got != "2026-12-08" {
		t.Errorf("at six in the morning in Shanghai: %s", got)
	}
}

func TestF13_ABatchThatIsDiscardedFreesItsRefunds(t *testing.T) {
	h := open(t)
	h.transfers(2)
	b, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "EUR")
	if err != nil {
		t.Fatal(err)
	}
	if b, err = h.service.DiscardBatch(t.Context(), cora, b.ID); err != nil || b.State != refund.BatchDiscarded {
		t.Fatalf("%+v, %v", b, err)
	}
	if _, err := h.service.ReleaseBatch(t.Context(), rolf, b.ID); !errors.Is(err, refund.ErrBatchMoved) {
		t.Error(err)
	}
	if again := h.released(refund.Bank, "EUR"); again.Count != 2 {
		t.Errorf("%+v", again)
	}
	if err := h.try(`UPDATE batch_file SET bytes = 'x' WHERE batch_id IN (SELECT id FROM batch WHERE state = 'released')`); err == nil {
		t.Error("the file of a released batch was edited")
	}
	if _, err := h.service.CreateBatch(t.Context(), cora, refund.Bank, "EUR"); !errors.Is(err, refund.ErrEmptyBatch) {
		t.Error(err)
	}
	h.balanced()
}

func TestBankResultsGoToTheirQueues(t *testing.T) {
	h := open(t)
	all := h.transfers(4)
	h.released(refund.Bank, "EUR")
	amount := "190.05"
	file := "end_to_end_id,state,amount,currency,date,reason\n" +
		all[0].Ref + "-1,booked," + amount + ",EUR,2026-12-02,\n" +
		all[1].Ref + "-1,booked,190.04,EUR,2026-12-02,\n" +
		all[2].Ref + "-1,returned," + amount + ",EUR,2026-12-02,AC04\n" +
		"SOMETHING-ELSE,booked," + amount + ",EUR,2026-12-02,\n"
	i, err := h.service.ImportResults(t.Context(), clara, "r.csv", strings.NewReader(file))
	if err != nil || i.Matched != 1 || i.Differing != 1 || i.Returned != 1 || i.Unmatched != 1 || i.Open != 3 {
		t.Fatalf("%+v, %v", i, err)
	}
	for n, want := range map[int]refund.State{0: refund.Paid, 1: refund.Released, 2: refund.Returned, 3: refund.Released} {
		if got := h.get(all[n]); got.State != want {
			t.Errorf("%d is %s, want %s", n, got.State, want)
		}
	}
	if got := h.get(all[2]); got.Failure != "AC04" {
		t.Errorf("why it came back: %q", got.Failure)
	}
	h.balanced()
	if _, err := h.service.ImportResults(t.Context(), clara, "again.csv", strings.NewReader(file)); !errors.Is(err, refund.ErrImported) {
		t.Errorf("the same file again: %v", err)
	}
	_, lines, err := h.service.OpenImport(t.Context(), clara, i.ID, refund.QueueUnmatched, 10)
	if err != nil || len(lines) != 1 {
		t.Fatalf("%+v, %v", lines, err)
	}
	if _, err := h.service.MatchResult(t.Context(), clara, lines[0].ID, all[0].Ref, ""); why(err) != "refund.match.paid" {
		t.Errorf("matched with one that is paid: %v", err)
	}
	if _, err := h.service.MatchResult(t.Context(), clara, lines[0].ID, all[3].Ref, "by its bank reference"); err != nil || h.get(all[3]).State != refund.Paid {
		t.Errorf("%v, %s", err, h.get(all[3]).State)
	}
	_, lines, err = h.service.OpenImport(t.Context(), clara, i.ID, refund.QueueDiffering, 10)
	if err != nil || len(lines) != 1 || lines[0].Expected != 19005 || lines[0].Amount != 19004 {
		t.Fatalf("%+v, %v", lines, err)
	}
	for _, do := range []func() error{
		func() error {
			_, err := h.service.SettleResult(t.Context(), clara, lines[0].ID, "The bank kept a cent.")
			return err
		},
		func() error { _, err := h.service.ReopenResult(t.Context(), clara, lines[0].ID); return err },
	} {
		if err := do(); err != nil {
			t.Error(err)
		}
		if err := do(); !errors.Is(err, refund.ErrMoved) {
			t.Errorf("twice: %v", err)
		}
	}
	// What was paid may still come back.
	back := "end_to_end_id,state,amount,currency,date,reason\n" + all[0].Ref + "-1,returned," + amount + ",EUR,2026-12-09,AC06\n"
	if i, err = h.service.ImportResults(t.Context(), clara, "back.csv", strings.NewReader(back)); err != nil || i.Returned != 1 || h.get(all[0]).State != refund.Returned {
		t.Errorf("%+v, %v, %s", i, err, h.get(all[0]).State)
	}
	h.balanced()
}

func TestI02_AFileThatCannotBeReadNamesItsLines(t *testing.T) {
	h := open(t)
	for name, file := range map[string]string{
		"nothing": "", "no columns": "a,b\n1,2\n", "a float": "end_to_end_id,state,amount,currency,date\nX,booked,1e3,EUR,2026-12-02\n",
		"too many decimals": "end_to_end_id,state,amount,currency,date\nX,booked,1.005,EUR,2026-12-02\n", "no table": "<html></html>",
	} {
		_, err := h.service.ImportResults(t.Context(), clara, "x", strings.NewReader(file))
		f, ok := fault.As(err)
		if !errors.Is(err, refund.ErrImport) || !ok || len(f.Fields) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
