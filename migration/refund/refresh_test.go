package refund_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"offramp/internal/jobs"
	"offramp/migration"
	"offramp/migration/refund"
)

// TestWhatWasAskedForIsNotDueOnceMore imports what customers have paid again while a refund of a part of it is under way, and
// once more after it was withdrawn.
func TestWhatWasAskedForIsNotDueOnceMore(t *testing.T) {
	h := openTill(t)
	h.payments = refund.NewEntitlements(h.db, h.programmes, refund.CoveredPayments)
	h.take(payFile, refund.PaymentOptions{})
	p, err := h.programmes.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	service := refund.NewService(config(t, h.db))
	owner := migration.Who{CustomerID: h.id("A-1"), ContactID: "contact", Role: migration.Owner}
	if _, err := service.ChooseMethod(t.Context(), owner, p, "CNY", refund.Original, ""); err != nil {
		t.Fatal(err)
	}
	estimate, err := service.Estimate(t.Context(), owner, p)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := service.Submit(t.Context(), owner, p, refund.Submission{Currency: "CNY", QuoteDigest: estimate.Quotes[0].Digest})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	more := payFile + "A-1,P-9,,2026-07-20,card,stripe,pi_9,CNY,365.00,,,2026-08-01,2027-07-31,,,,\n"
	more = strings.Replace(more, "100.00,\nA-1", "100.00,10.00\nA-1", 1) // what is covered has changed, too
	h.takeSorted(more)
	if got, want := h.settles(), `A-1 refund.due [{"minor": 18100, "currency": "CNY"}]`; !strings.HasSuffix(got, want) { // 181 of 365 days of P-9 alone
		t.Errorf("got  %s\nwant %s", got, want)
	}
	h.clock.Advance(time.Minute)
	if _, err := service.Withdraw(t.Context(), owner, p, asked.Ref, asked.Version); err != nil {
		t.Fatal(err)
	}
	h.clock.Advance(time.Minute)
	h.takeSorted(strings.Replace(more, "10.00\nA-1", "20.00\nA-1", 1))
	if got, want := h.settles(), `A-1 refund.due [{"minor": 397060, "currency": "CNY"}]`; !strings.HasSuffix(got, want) {
		t.Errorf("withdrawn: got  %s\nwant %s", got, want)
	}
}

// takeSorted imports a file whose last line is of customer A-1, whose lines come first.
func (h *till) takeSorted(file string) {
	h.Helper()
	lines := strings.Split(strings.TrimSpace(file), "\n")
	last := len(lines) - 1
	sorted := append([]string{lines[0], lines[last]}, lines[1:last]...)
	h.take(strings.Join(sorted, "\n")+"\n", refund.PaymentOptions{})
}

// TestWorkersFollowTheProgramme runs the periodic jobs as a process does: what is due is worked out anew soon after it starts.
func TestWorkersFollowTheProgramme(t *testing.T) {
	h := openTill(t)
	h.take(payFile, refund.PaymentOptions{Complete: true})
	h.apply(strings.Replace(shopProgramme, "service_end, day: 2027-01-31", "service_end, day: 2027-02-28", 1))
	done := make(chan error, 10)
	c := config(t, h.db)
	c.Refresh = func(ctx context.Context) error {
		_, err := h.payments.Refresh(ctx, "system")
		done <- err
		return err
	}
	workers := river.NewWorkers()
	refund.Register(workers, refund.NewService(c))
	client, err := jobs.New(h.db, jobs.Config{
		ID: "worker", Workers: workers, Logger: slog.New(slog.DiscardHandler), Drain: time.Second, Periodic: refund.Periodic(),
		Queues: map[string]int{refund.PayoutQueue: 1, river.QueueDefault: 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Stop(context.WithoutCancel(t.Context())) })
	select {
	case err = <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("nobody worked out anew what is due")
	}
	if got := h.settles(); err != nil || !strings.HasSuffix(got, `A-1 refund.due [{"minor": 320480, "currency": "CNY"}]`) { // 153 of 365 days
		t.Error(got, err)
	}
}
