package assistance_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"offramp/internal/clock"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/assistance"
)

// office has the programme work on weekdays, in two periods, with a last day far ahead.
func (h *house) office() {
	days := []string{"mon", "tue", "wed", "thu", "fri"}
	h.p.Help.Working = []migration.WorkingPeriod{{Days: days, From: "09:00", To: "12:00"}, {Days: days, From: "13:00", To: "18:00"}}
	h.p.Milestones = []migration.Milestone{{Key: migration.ServiceEnd, Day: migration.NewDay(2027, time.March, 31)}}
	h.p.Tiers = []migration.Tier{{Key: "team"}, {Key: "core", Core: true}}
}

func (h *house) at(t time.Time) { h.db.Clock.(*clock.Manual).Set(t) }

func (h *house) say(id, text string) assistance.Request {
	h.Helper()
	r, err := h.service.Say(h.Context(), who("a"), h.p, id, text)
	if err != nil {
		h.Fatal(err)
	}
	return r
}

func (h *house) view(id string) assistance.Desk {
	h.Helper()
	d, err := h.service.View(h.Context(), "staff", id)
	if err != nil {
		h.Fatal(err)
	}
	return d
}

func kinds(list []assistance.Entry) string {
	var names []string
	for _, e := range list {
		names = append(names, string(e.Kind))
	}
	return strings.Join(names, " ")
}

func TestAConversationIsKeptAndTheCustomerSeesTheirPart(t *testing.T) {
	h := open(t)
	r := h.ask("a", assistance.Ask{Topic: "dates", Text: "Until when?"})
	if _, err := h.service.AddNote(t.Context(), "staff", r.ID, "CANARY: they have called before."); err != nil {
		t.Fatal(err)
	}
	if _, err := h.answer(r.ID, "Until March.", 0); err != nil {
		t.Fatal(err)
	}
	h.say(r.ID, "Which March?")
	d := h.view(r.ID)
	if got, want := kinds(d.Entries), "note owner staff customer"; got != want {
		t.Errorf("colleagues see %q, want %q", got, want)
	}
	if d.Owner != "staff" || d.State != assistance.Open {
		t.Errorf("%+v", d.Request)
	}
	c, err := h.service.Read(t.Context(), who("a"), r.ID)
	if err != nil || kinds(c.Entries) != "staff customer" || c.Entries[1].Name != "Lin a" || c.Asker != "Lin a" {
		t.Errorf("the customer sees %+v, %v", c, err)
	}
	for _, e := range c.Entries {
		if strings.Contains(e.Text, "CANARY") {
			t.Error("the customer reads a note")
		}
	}
	if _, err := h.service.Read(t.Context(), who("b"), r.ID); !errors.Is(err, assistance.ErrNotFound) {
		t.Errorf("another customer: %v", err)
	}
	if _, err := h.service.Say(t.Context(), who("b"), h.p, r.ID, "x"); !errors.Is(err, assistance.ErrNotFound) {
		t.Errorf("another customer writes: %v", err)
	}
	if w, err := h.service.WaitingOf(t.Context(), who("a")); err != nil || w != (assistance.Waiting{Open: 1}) {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestQ06_TheSecondOfTwoAnswersIsWarnedAndNothingIsLost(t *testing.T) {
	h := open(t)
	r := h.ask("a", assistance.Ask{Topic: "other", Text: "Help."})
	first, second := h.view(r.ID).Heard(), h.view(r.ID).Heard()
	if others := h.lookers(r.ID, "other"); others != "staff" {
		t.Errorf("the second sees %q looking", others)
	}
	if _, err := h.answer(r.ID, "One.", first); err != nil {
		t.Fatal(err)
	}
	if _, err := h.answer(r.ID, "Two.", second); !errors.Is(err, assistance.ErrMeanwhile) {
		t.Errorf("the second answer: %v", err)
	}
	if n := strings.Count(h.mails(), "help_answered"); n != 1 {
		t.Errorf("%d mails", n)
	}
	if _, err := h.answer(r.ID, "Two.", h.view(r.ID).Heard()); err != nil {
		t.Errorf("once it was read: %v", err)
	}
	if got := kinds(h.view(r.ID).Entries); got != "owner staff staff" {
		t.Errorf("%q", got)
	}
}

func (h *house) lookers(id, who string) string {
	h.Helper()
	others, _, err := h.service.Present(h.Context(), who, id, true)
	if err != nil {
		h.Fatal(err)
	}
	var names []string
	for _, o := range others {
		names = append(names, o.ID)
	}
	return strings.Join(names, " ")
}

func TestQ07_TimesCountFromReopeningAndStopWhenSettled(t *testing.T) {
	h := open(t)
	h.office()
	monday := time.Date(2026, time.December, 7, 0, 0, 0, 0, time.UTC)
	at := func(day, hour, minute int) {
		h.at(monday.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute))
	}
	at(0, 11, 30)
	r := h.ask("a", assistance.Ask{Topic: "other", Text: "Help."})
	if want := monday.AddDate(0, 0, 1).Add(11*time.Hour + 30*time.Minute); !r.DueAt.Equal(want) {
		t.Errorf("due %s, want %s: eight working hours", r.DueAt, want)
	}
	at(0, 13, 30)
	if _, err := h.answer(r.ID, "Look here.", 0); err != nil {
		t.Fatal(err)
	}
	at(4, 17, 0) // the customer takes their time, which is not ours
	if _, err := h.service.Close(t.Context(), who("a"), h.p, r.ID); err != nil {
		t.Fatal(err)
	}
	at(11, 17, 50)
	if r = h.say(r.ID, "It does not work."); r.State != assistance.Open {
		t.Errorf("%+v", r)
	}
	at(14, 9, 0)
	if _, err := h.service.Answer(t.Context(), "staff", h.p, r.ID, assistance.Reply{Text: "Mended.", Heard: h.view(r.ID).Heard(), Settled: true}); err != nil {
		t.Fatal(err)
	}
	at(20, 9, 0)
	rounds := h.view(r.ID).Rounds
	if len(rounds) != 2 {
		t.Fatalf("%+v", rounds)
	}
	for i, want := range []time.Duration{time.Hour, 10 * time.Minute} {
		if got := rounds[i]; got.ToAnswer != want || got.ToSettle != want || got.EndedAt == nil {
			t.Errorf("round %d: %+v, want %s", i+1, got, want)
		}
	}
}

func TestALateRequestIsRaisedOnceAndASnoozedOneComesBack(t *testing.T) {
	h := open(t)
	h.office()
	monday := time.Date(2026, time.December, 7, 9, 0, 0, 0, time.UTC)
	h.at(monday)
	late, calm := h.ask("a", assistance.Ask{Topic: "other", Text: "One."}), h.ask("b", assistance.Ask{Topic: "other", Text: "Two."})
	if _, err := h.service.Snooze(t.Context(), "staff", late.ID, monday.AddDate(0, 0, 10)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.Snooze(t.Context(), "staff", calm.ID, monday.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if list, err := h.queue(assistance.All); err != nil || len(list) != 0 {
		t.Errorf("put off and in the queue: %v, %v", list, err)
	}
	h.at(monday.Add(time.Hour))
	h.watch()
	if list, _ := h.queue(assistance.All); len(list) != 1 || list[0].ID != calm.ID {
		t.Errorf("back after an hour: %+v", list)
	}
	if _, err := h.answer(calm.ID, "Done.", 0); err != nil {
		t.Fatal(err)
	}
	h.at(monday.AddDate(0, 0, 1).Add(time.Minute))
	h.watch()
	h.watch()
	list, _ := h.queue(assistance.All)
	if len(list) != 1 || list[0].ID != late.ID || list[0].Priority != assistance.Raised || list[0].SnoozedUntil != nil {
		t.Errorf("the late one: %+v", list)
	}
	if n := strings.Count(h.mails(), "help_late HR-10001"); n != 1 {
		t.Errorf("%d mails about it: %s", n, h.mails())
	}
	if got := kinds(h.view(late.ID).Entries); got != "snoozed woken late" {
		t.Errorf("%q", got)
	}
}

func (h *house) watch() {
	h.Helper()
	if err := h.service.Watch(h.Context(), h.p); err != nil {
		h.Fatal(err)
	}
}

func TestPriorityFollowsDaysLeftAndTier(t *testing.T) {
	h := open(t)
	h.office()
	h.exec(`UPDATE customer SET tier = 'core' WHERE id = 'b'`)
	h.at(time.Date(2026, time.December, 7, 9, 0, 0, 0, time.UTC))
	a, b := h.ask("a", assistance.Ask{Topic: "other", Text: "One."}), h.ask("b", assistance.Ask{Topic: "other", Text: "Two."})
	if a.Priority != assistance.Calm || b.Priority != assistance.Normal {
		t.Errorf("far ahead: %d, %d", a.Priority, b.Priority)
	}
	h.at(time.Date(2027, time.March, 29, 9, 0, 0, 0, time.UTC))
	if err := h.service.Weigh(t.Context(), h.p); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{a.ID, b.ID} {
		if d := h.view(id); d.Priority != assistance.Urgent {
			t.Errorf("two days ahead: %+v", d.Request)
		}
	}
	h.exec(`INSERT INTO extension (customer_id, milestone, day, granted_by, granted_at) VALUES ('a', 'service_end', '2027-09-30', 'staff', $1)`, today)
	if later := h.ask("a", assistance.Ask{Topic: "other", Text: "Three."}); later.Priority != assistance.Calm {
		t.Errorf("with an extension: %d", later.Priority)
	}
}

func TestTheQueueIsPagedByKeyAndLeavesNobodyOut(t *testing.T) {
	h := open(t)
	h.office()
	h.at(time.Date(2026, time.December, 7, 9, 0, 0, 0, time.UTC))
	const all = 25
	h.exec(`INSERT INTO help_request (id, customer_id, contact_id, text, state, created_at, priority, due_at)
		SELECT 'r' || n, 'a', 'contact-a', 'x' || n, 'open', $1, 1 + n % 3, $1::timestamptz + (n % 4) * interval '1 hour' FROM generate_series(1, $2) n`, today, all)
	seen, after, before := map[string]bool{}, assistance.Cursor{}, assistance.Cursor{}
	for range all {
		list, next, err := h.service.Queue(t.Context(), "staff", assistance.All, after, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if seen[r.ID] {
				t.Errorf("%s comes twice", r.ID)
			}
			if here := (assistance.Cursor{Priority: int(r.Priority)}); here.Priority < before.Priority {
				t.Errorf("%s comes after one that presses less", r.ID)
			} else {
				before = here
			}
			seen[r.ID] = true
		}
		if next == nil {
			break
		}
		after = *next
	}
	if len(seen) != all {
		t.Errorf("%d of %d", len(seen), all)
	}
}

func TestHandingOverAsksForAColleagueWhoAnswers(t *testing.T) {
	h := open(t)
	r := h.ask("a", assistance.Ask{Topic: "other", Text: "Help."})
	if _, err := h.service.Give(t.Context(), "staff", r.ID, "nobody"); fault.KindOf(err) != fault.Invalid {
		t.Errorf("to nobody: %v", err)
	}
	if _, err := h.service.Snooze(t.Context(), "staff", r.ID, today.AddDate(0, 0, 90)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("for a quarter: %v", err)
	}
	if _, err := h.service.Open(t.Context(), who("a"), h.p, assistance.Ask{Topic: "other", Text: "x", Refund: "RF-2026-000001"}); !errors.Is(err, assistance.ErrNoContext) {
		t.Errorf("a refund that is not theirs: %v", err)
	}
}
