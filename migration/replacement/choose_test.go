package replacement_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/replacement"
)

func TestAChoiceIsMadeChangedAndUndone(t *testing.T) {
	h := open(t)
	c := h.choose("a", "next")
	if want := []string{"dataset:logs", "feature:rules"}; !slices.Equal(c.Losses, want) || c.State != replacement.Made || !c.Own {
		t.Errorf("%+v", c)
	}
	if again := h.choose("a", "next"); again.ID != c.ID {
		t.Error("the same choice was made twice")
	}
	if got := h.step("a"); got != "in_progress made next" {
		t.Error(got)
	}
	if p := h.choose("a", "paper"); !p.WithOffer || h.step("a") != "completed made paper" {
		t.Errorf("%+v, %s", p, h.step("a"))
	}
	paper, _ := h.p.Replacement("paper")
	if code, ok := h.overview("a").CodeFor(paper); !ok || code.Code != "PEN-1" {
		t.Errorf("%+v %t", code, ok)
	}
	if err := h.service.Undo(t.Context(), who("a")); err != nil || h.step("a") != "not_started" {
		t.Errorf("%v, %s", err, h.step("a"))
	}
	if err := h.service.Undo(t.Context(), who("a")); !errors.Is(err, replacement.ErrNothingChosen) {
		t.Errorf("undone twice: %v", err)
	}
	if got, want := h.mails(), "choice_made a, choice_made a"; got != want {
		t.Errorf("mails %s", got)
	}
	const prefix = "contact-a choice."
	if got, want := h.acts(), prefix+"chosen, "+prefix+"chosen, "+prefix+"undo"; got != want {
		t.Errorf("acts %s", got)
	}
}

func TestNoneAndLaterTakeAReason(t *testing.T) {
	h := open(t)
	for name, c := range map[string]struct {
		why    replacement.Decline
		fields []string
	}{
		"nothing":    {replacement.Decline{}, []string{"reason"}},
		"unknown":    {replacement.Decline{Reason: "weather"}, []string{"reason"}},
		"of later":   {replacement.Decline{Reason: "budget"}, []string{"reason"}},
		"other":      {replacement.Decline{Reason: "other", Text: " \n"}, []string{"text"}},
		"too long":   {replacement.Decline{Reason: "not_needed", Text: strings.Repeat("字", replacement.MaxText+1)}, []string{"text"}},
		"everything": {replacement.Decline{Reason: "x", Text: strings.Repeat("字", replacement.MaxText+1)}, []string{"reason", "text"}},
	} {
		_, err := h.service.ChooseNone(t.Context(), who("a"), h.p, c.why)
		f, ok := fault.As(err)
		var got []string
		if ok {
			for _, field := range f.Fields {
				got = append(got, field.Name)
			}
		}
		if !errors.Is(err, replacement.ErrReason) || !slices.Equal(got, c.fields) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.service.Defer(t.Context(), who("a"), h.p, replacement.Decline{Reason: "budget"}); err != nil || h.step("a") != "in_progress deferred " {
		t.Errorf("%v, %q", err, h.step("a"))
	}
	c, err := h.service.ChooseNone(t.Context(), who("a"), h.p, replacement.Decline{Reason: "other", Text: " We stop, too.\n"})
	if err != nil || c.Text != "We stop, too." || h.step("a") != "completed none " {
		t.Errorf("%+v, %v, %q", c, err, h.step("a"))
	}
	if got := h.overview("a").Choice; got == nil || got.Decision != replacement.None || got.Reason != "other" {
		t.Errorf("%+v", got)
	}
}

func TestOnlyOwnersDecide(t *testing.T) {
	h := open(t)
	member := who("a")
	member.Role = migration.Member
	accept := h.accept("a", "paper")
	_, choose := h.service.Choose(t.Context(), member, h.p, accept)
	_, none := h.service.ChooseNone(t.Context(), member, h.p, replacement.Decline{Reason: "not_needed"})
	_, later := h.service.Defer(t.Context(), member, h.p, replacement.Decline{Reason: "budget"})
	_, form := h.service.HandOverForm(t.Context(), member, h.p)
	_, over := h.service.StartHandOver(t.Context(), member, h.p, nil)
	for i, err := range []error{choose, none, later, form, over, h.service.Undo(t.Context(), member)} {
		if !errors.Is(err, replacement.ErrNotOwner) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if got := h.acts(); got != "" {
		t.Error(got)
	}
}

// TestLossesAreAcceptedAsTheyAreNow is about what changes between the page and the choice.
func TestLossesAreAcceptedAsTheyAreNow(t *testing.T) {
	h := open(t)
	accept := h.accept("a", "next")
	for name, losses := range map[string][]string{"none": nil, "fewer": accept.Losses[:1], "more": append(slices.Clone(accept.Losses), "dataset:boats"), "others": {"x", "y"}} {
		if _, err := h.service.Choose(t.Context(), who("a"), h.p, replacement.Accept{Replacement: "next", Losses: losses}); !errors.Is(err, replacement.ErrLossesChanged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.count(h.counter(&product{all: map[string]int64{"HZ-b": 2}}), "rules") // a is now known to use no rules
	if _, err := h.service.Choose(t.Context(), who("a"), h.p, accept); !errors.Is(err, replacement.ErrLossesChanged) {
		t.Errorf("counted meanwhile: %v", err)
	}
	if c := h.choose("a", "next"); !slices.Equal(c.Losses, []string{"dataset:logs"}) {
		t.Errorf("%+v", c.Losses)
	}
}

func TestAnOfferThatEndsInBetween(t *testing.T) {
	h := open(t)
	h.codes("fleet", "F-1")
	accept := h.accept("a", "fleet")
	if !accept.WithOffer {
		t.Fatal("the offer is not open")
	}
	fleet, _ := h.p.Replacement("fleet")
	h.clock.Set(fleet.Offer.Until.End(h.p.Zone).Add(time.Nanosecond))
	if _, err := h.service.Choose(t.Context(), who("a"), h.p, accept); !errors.Is(err, replacement.ErrOfferEnded) {
		t.Errorf("%v", err)
	}
	if h.acts() != "op codes.import" || h.step("a") != "not_started" {
		t.Errorf("something happened: %s, %s", h.acts(), h.step("a"))
	}
	c := h.choose("a", "fleet")
	if _, ok := h.overview("a").CodeFor(fleet); c.WithOffer || ok {
		t.Error("a code of an offer that has ended")
	}
}

func TestAProductThatWasWithdrawn(t *testing.T) {
	h := open(t)
	accept := h.accept("a", "paper")
	h.choose("b", "paper")
	gone := read(t, strings.Replace(source, "kind: self", "kind: self\n    withdrawn: true", 1))
	if _, err := h.service.Choose(t.Context(), who("a"), gone, accept); !errors.Is(err, replacement.ErrWithdrawn) {
		t.Errorf("chosen after it was withdrawn: %v", err)
	}
	if _, err := h.service.Check(t.Context(), who("a"), gone, "paper"); !errors.Is(err, replacement.ErrWithdrawn) {
		t.Errorf("checked after it was withdrawn: %v", err)
	}
	if _, err := h.service.Check(t.Context(), who("a"), gone, "nothing"); !errors.Is(err, replacement.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	sweep := replacement.NewSweep(h.service, h.counter(&product{}))
	for range 2 {
		if err := sweep(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.step("b"); got != "action_needed withdrawn paper" {
		t.Error(got)
	}
	if got := h.mails(); got != "choice_made b, choice_withdrawn b" {
		t.Error(got)
	}
	if o := h.overview("b"); o.Choice.State != replacement.Withdrawn {
		t.Errorf("%+v", o.Choice)
	}
	h.p = gone
	h.choose("b", "next")
}

func TestACustomerWhoHasMovedChoosesNoMore(t *testing.T) {
	h := open(t)
	c := h.choose("a", "next")
	if err := h.service.Take(t.Context(), "next", "msg-1", replacement.Report{CustomerRef: "HZ-a", State: "done"}); err != nil {
		t.Fatal(err)
	}
	check, err := h.service.Check(t.Context(), who("a"), h.p, "paper")
	if err != nil || !check.CarriedOut {
		t.Errorf("%+v, %v", check, err)
	}
	_, choose := h.service.Choose(t.Context(), who("a"), h.p, replacement.Accept{Replacement: "paper"})
	_, none := h.service.ChooseNone(t.Context(), who("a"), h.p, replacement.Decline{Reason: "not_needed"})
	for i, err := range []error{choose, none, h.service.Undo(t.Context(), who("a"))} {
		if !errors.Is(err, replacement.ErrCarriedOut) {
			t.Errorf("%d: %v", i, err)
		}
	}
	h.choose("b", "next")
	if err := h.journeys.Confirm(t.Context(), who("b"), true); err != nil {
		t.Fatal(err)
	}
	if err := h.service.Undo(t.Context(), who("b")); !errors.Is(err, replacement.ErrCarriedOut) {
		t.Errorf("after step 5: %v", err)
	}
	if o := h.overview("a"); o.Choice.ID != c.ID || o.Choice.State != replacement.Moved {
		t.Errorf("%+v", o.Choice)
	}
}

// TestACodeIsDrawnOnce lets one customer click often and many customers draw at once, on two replicas.
func TestACodeIsDrawnOnce(t *testing.T) {
	h := open(t)
	var ids []string
	for i := range 6 {
		id := fmt.Sprint("c", i)
		h.customer(id)
		ids = append(ids, id, id) // two clicks
	}
	if r := h.codes("fleet", "F-1", "F-2", "F-3", "F-4"); r.Added != 4 {
		t.Fatalf("%+v", r)
	}
	accept := h.accept("c0", "fleet")
	replicas := []*replacement.Service{h.service, h.replica()}
	var all sync.WaitGroup
	for i, id := range ids {
		all.Go(func() {
			if _, err := replicas[i%2].Choose(context.WithoutCancel(t.Context()), who(id), h.p, accept); err != nil {
				t.Error(id, err)
			}
		})
	}
	all.Wait()
	drawn, waiting := map[string]string{}, 0
	fleet, _ := h.p.Replacement("fleet")
	for i := range 6 {
		id := fmt.Sprint("c", i)
		code, ok := h.overview(id).CodeFor(fleet)
		switch {
		case !ok:
			t.Errorf("%s has neither code nor place", id)
		case code.Waiting:
			waiting++
		case drawn[code.Code] != "":
			t.Errorf("%s and %s have the code %s", drawn[code.Code], id, code.Code)
		default:
			drawn[code.Code] = id
		}
	}
	if len(drawn) != 4 || waiting != 2 {
		t.Errorf("%d codes drawn, %d wait", len(drawn), waiting)
	}
	if n := strings.Count(h.mails(), "choice_made"); n != 6 {
		t.Errorf("%d mails for 6 choices", n)
	}
}

func TestAnExhaustedPoolServesWhoWaitsLater(t *testing.T) {
	h := open(t)
	h.choose("a", "fleet")
	h.clock.Advance(time.Minute)
	h.choose("b", "fleet")
	if check, err := h.service.Check(t.Context(), who("a"), h.p, "fleet"); err != nil || !check.Scarce || !check.Code {
		t.Errorf("%+v, %v", check, err)
	}
	pools, err := h.service.Pools(t.Context(), h.p)
	if err != nil || len(pools) != 1 || pools[0].Waiting != 2 || pools[0].Free != 0 || !pools[0].Since.Equal(today) {
		t.Errorf("%+v, %v", pools, err)
	}
	waiters, err := h.service.Waiting(t.Context(), "staff", 10)
	if err != nil || len(waiters) != 2 || waiters[0].CustomerRef != "HZ-a" {
		t.Errorf("%+v, %v", waiters, err)
	}
	if r := h.codes("fleet", " F-1 ", "", "F-1", strings.Repeat("x", 101)); r.Added != 1 || r.Known != 1 || r.Served != 1 || len(r.Refused) != 2 || r.Refused[0].Line != 2 || r.Refused[1].Line != 4 {
		t.Errorf("%+v", r)
	}
	if r := h.codes("fleet", "F-1"); r.Added != 0 || r.Known != 1 || r.Served != 0 {
		t.Errorf("imported again: %+v", r)
	}
	fleet, _ := h.p.Replacement("fleet")
	if code, _ := h.overview("a").CodeFor(fleet); code.Code != "F-1" || code.Waiting {
		t.Errorf("who waited longest: %+v", code)
	}
	if code, _ := h.overview("b").CodeFor(fleet); !code.Waiting {
		t.Errorf("who came later: %+v", code)
	}
	if err := h.service.Undo(t.Context(), who("b")); err != nil {
		t.Fatal(err)
	}
	if r := h.codes("fleet", "F-2"); r.Served != 0 {
		t.Errorf("served who does not want it any more: %+v", r)
	}
	if got := h.mails(); got != "choice_made a, choice_made b, code_ready a" {
		t.Error(got)
	}
	if leaked := h.text(`SELECT coalesce(string_agg(sealed, ' '), '') || coalesce((SELECT string_agg(args::text, ' ') FROM river_job), '') FROM offer_code`); strings.Contains(leaked, "F-1") {
		t.Error("a code lies about in the clear")
	}
}

func TestACodeStaysTheCustomersOverChanges(t *testing.T) {
	h := open(t)
	h.codes("fleet", "F-1", "F-2")
	fleet, _ := h.p.Replacement("fleet")
	h.choose("a", "fleet")
	first, _ := h.overview("a").CodeFor(fleet)
	h.choose("a", "next")
	if _, ok := h.overview("a").CodeFor(fleet); ok {
		t.Error("a code of what is not chosen")
	}
	h.choose("a", "fleet")
	if again, _ := h.overview("a").CodeFor(fleet); again.Code != first.Code || first.Code == "" {
		t.Errorf("%q, then %q", first.Code, again.Code)
	}
}

func TestOffersThatEndAreToldOnce(t *testing.T) {
	h := open(t)
	h.customer("c")
	h.exec(`UPDATE customer SET tier = 'core' WHERE id = 'c'`) // the offer is not for them
	h.codes("fleet", "F-1")
	h.choose("a", "fleet")
	sweep := replacement.NewSweep(h.service, h.counter(&product{}))
	run := func() {
		t.Helper()
		if err := sweep(t.Context(), h.p); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if got := h.mails(); got != "choice_made a" {
		t.Errorf("too early: %s", got)
	}
	fleet, _ := h.p.Replacement("fleet")
	h.clock.Set(fleet.Offer.Until.End(h.p.Zone).Add(time.Second - 7*24*time.Hour))
	run()
	run()
	if got := h.mails(); got != "choice_made a, offer_expiring a" {
		t.Error(got)
	}
	for id, want := range map[string]string{"a": "completed made fleet", "b": "action_needed offer_ending fleet", "c": "not_started"} {
		if got := h.step(id); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
	if n := h.text(`SELECT count(*)::text FROM journey_event WHERE kind = 'choice.offer_ending'`); n != "1" {
		t.Errorf("told %s times", n)
	}
}

func TestZ06_NothingOfAnotherCustomerIsInReach(t *testing.T) {
	h := open(t)
	h.codes("fleet", "F-1")
	h.choose("b", "fleet")
	h.choose("a", "next")
	if err := h.service.SetTick(t.Context(), who("b"), h.p, "next", "export", true); err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.Overview(t.Context(), db.CustomerScope("a"), "b"); !errors.Is(err, replacement.ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, table := range []string{"feature_usage", "feature_request", "replacement_choice", "offer_code", "offer_waiting", "offer_notice", "hand_over", "guide_tick"} {
		h.exec(`INSERT INTO feature_usage (customer_id, feature, uses, counted_at) VALUES ('b', $1, 1, now())`, table)
		for _, scope := range []db.Scope{db.NoScope(), db.CustomerScope("a")} {
			h.tx(scope, func(tx *db.Tx) error {
				var n int
				if err := tx.Pgx.QueryRow(t.Context(), `SELECT count(*) FROM `+table+` WHERE customer_id = 'b'`).Scan(&n); err != nil || n > 0 {
					t.Errorf("%s sees %d rows of b in %s, %v", scope, n, table, err)
				}
				return nil
			})
		}
	}
	h.tx(db.CustomerScope("a"), func(tx *db.Tx) error {
		tag, err := tx.Pgx.Exec(t.Context(), `UPDATE offer_code SET customer_id = 'a' WHERE customer_id = 'b'`)
		if err != nil || tag.RowsAffected() > 0 {
			t.Errorf("took a code away: %v, %v", tag, err)
		}
		return nil
	})
	err := h.db.InTx(t.Context(), db.CustomerScope("a"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(t.Context(), `INSERT INTO offer_code (id, replacement, digest, sealed, imported_at) VALUES ('x', 'fleet', 'x', 'x', now())`)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("a customer brought a code in: %v", err)
	}
}

func TestAGuideKeepsItsTicks(t *testing.T) {
	h := open(t)
	for _, done := range []bool{false, true, true} {
		if err := h.service.SetTick(t.Context(), who("a"), h.p, "next", "export", done); err != nil {
			t.Fatal(err)
		}
	}
	if tick := h.overview("a").Ticks["next"]["export"]; tick.Name != "Lin a" || !tick.At.Equal(today) {
		t.Errorf("%+v", tick)
	}
	if err := h.service.SetTick(t.Context(), who("a"), h.p, "next", "export", false); err != nil || len(h.overview("a").Ticks["next"]) != 0 {
		t.Errorf("%v, %v", err, h.overview("a").Ticks)
	}
	for _, c := range [][2]string{{"next", "x"}, {"paper", "export"}, {"x", "export"}} {
		if err := h.service.SetTick(t.Context(), who("a"), h.p, c[0], c[1], true); !errors.Is(err, replacement.ErrNotFound) {
			t.Errorf("%v: %v", c, err)
		}
	}
	if got := h.acts(); got != "contact-a guide.tick, contact-a guide.untick" {
		t.Error(got)
	}
}
