package assistance_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/jobs"
	"offramp/migration"
	"offramp/migration/assistance"
)

var today = time.Date(2026, time.December, 1, 2, 0, 0, 0, time.UTC)

// house is the service on a database with two customers, each with an export.
type house struct {
	*testing.T
	db      *db.DB
	service *assistance.Service
	p       *migration.Programme
}

func open(t *testing.T) *house {
	t.Helper()
	t.Parallel()
	h := &house{T: t, db: localtest.DB(t, db.Options{Clock: clock.NewManual(today), MaxConns: 8})}
	queue, err := jobs.NewInserter(h.db)
	if err != nil {
		t.Fatal(err)
	}
	h.service = assistance.NewService(h.db, queue)
	h.p = &migration.Programme{Version: 1, Locales: []string{"zh-CN", "en"}, Zone: time.UTC, Help: migration.Help{Email: "moving@hezhou.example"}}
	for i, id := range []string{"a", "b"} {
		h.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ($1, 'HZ-' || $1, 'Customer ' || $1, 'team', 'en', 'UTC', $2, $2)`, id, today)
		h.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('contact-' || $1, $1, $1 || '@example.com', 'Lin ' || $1, 'owner', $2, $2)`, id, today)
		h.exec(`INSERT INTO export (id, number, customer_id, requested_by, selection, locale, state, requested_at) VALUES ('export-' || $1, $3, $1, 'contact-' || $1, '{}', 'en', 'cancelled', $2)`, id, today, 10001+i)
	}
	return h
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	err := h.db.InTx(h.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(h.Context(), sql, args...)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
}

// queue is the first page of a shelf.
func (h *house) queue(shelf assistance.Shelf) ([]assistance.Listed, error) {
	list, _, err := h.service.Queue(h.Context(), "staff", shelf, assistance.Cursor{}, 10)
	return list, err
}

// answer answers as somebody who has read up to an entry.
func (h *house) answer(id, text string, heard int) (assistance.Request, error) {
	return h.service.Answer(h.Context(), "staff", h.p, id, assistance.Reply{Text: text, Heard: heard})
}

func who(id string) migration.Who {
	return migration.Who{CustomerID: id, ContactID: "contact-" + id, Role: migration.Owner}
}

func (h *house) ask(id string, ask assistance.Ask) assistance.Request {
	h.Helper()
	r, err := h.service.Open(h.Context(), who(id), h.p, ask)
	if err != nil {
		h.Fatal(err)
	}
	return r
}

// mails lists the templates that wait to be sent, in order.
func (h *house) mails() (list string) {
	h.Helper()
	const sql = `SELECT coalesce(string_agg(args->>'template' || ' ' || (args->'data'->>'request'), ', ' ORDER BY id), '') FROM river_job WHERE kind = 'mail'`
	if err := h.db.Pool.QueryRow(h.Context(), sql).Scan(&list); err != nil {
		h.Fatal(err)
	}
	return list
}

// acts lists what the audit log says, in order.
func (h *house) acts() (list string) {
	h.Helper()
	err := h.db.InTx(h.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(h.Context(), `SELECT coalesce(string_agg(actor || ' ' || act || ' ' || object, ', ' ORDER BY seq), '') FROM audit`).Scan(&list)
	})
	if err != nil {
		h.Fatal(err)
	}
	return list
}

func TestARequestIsOpenedAnsweredAndClosed(t *testing.T) {
	h := open(t)
	n := int64(1250)
	r := h.ask("a", assistance.Ask{ExportID: "export-a", Dataset: "tasks", Expected: &n, Text: "  The tasks of 2019.\n"})
	if r.Reference() != "HR-10001" || r.ExportReference != "EX-10001" || r.State != assistance.Open || r.Text != "The tasks of 2019." {
		t.Errorf("%+v", r)
	}
	list, err := h.queue(assistance.All)
	if err != nil || len(list) != 1 || list[0].CustomerRef != "HZ-a" || list[0].ContactName != "Lin a" || *list[0].Expected != 1250 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := h.answer(r.ID, " ", 9); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an empty answer: %v", err)
	}
	if _, err := h.answer(r.ID, "They are in tasks.part-02.csv.", 0); err != nil {
		t.Fatal(err)
	}
	again, err := h.answer(r.ID, "Again.", 2)
	if err != nil || again.State != assistance.Answered || again.Answer != "Again." {
		t.Errorf("answered again: %+v, %v", again, err)
	}
	if list, err := h.queue(assistance.AnsweredOnes); err != nil || len(list) != 1 || list[0].ID != r.ID {
		t.Errorf("answered: %v, %v", list, err)
	}
	for range 2 {
		if _, err := h.service.Close(t.Context(), who("a"), h.p, r.ID); err != nil {
			t.Fatal(err)
		}
	}
	mine, err := h.service.ListForCustomer(t.Context(), who("a"), "export-a")
	if err != nil || len(mine) != 1 || mine[0].State != assistance.Closed || mine[0].Answer != "Again." || mine[0].AnsweredBy != "staff" {
		t.Errorf("%+v, %v", mine, err)
	}
	if got, want := h.mails(), "help_received HR-10001, help_request HR-10001, help_answered HR-10001, help_answered HR-10001"; got != want {
		t.Errorf("mails %q, want %q", got, want)
	}
	const subject = " request for help HR-10001"
	if got, want := h.acts(), "contact-a help.open"+subject+", staff help.list requests for help all, staff help.answer"+subject+", staff help.answer"+subject+", staff help.list requests for help answered, contact-a help.close"+subject; got != want {
		t.Errorf("recorded %q,\n    want %q", got, want)
	}
}

func TestTheSameAskedOftenIsOneRequest(t *testing.T) {
	h := open(t)
	var all sync.WaitGroup
	var ids sync.Map
	for range 8 {
		all.Go(func() {
			r, err := h.service.Open(t.Context(), who("a"), h.p, assistance.Ask{ExportID: "export-a", Text: "All of it."})
			if err != nil {
				t.Error(err)
			}
			ids.Store(r.ID, r.Number)
		})
	}
	all.Wait()
	n := 0
	ids.Range(func(_, number any) bool { n++; return number == int64(10001) })
	if n != 1 || strings.Count(h.mails(), "help_received") != 1 {
		t.Errorf("%d requests, mails %s", n, h.mails())
	}
	if other := h.ask("a", assistance.Ask{ExportID: "export-a", Text: "Something else."}); other.Number == 10001 {
		t.Error("another request is the same")
	}
}

func TestZ02_RequestsOfOthersDoNotExist(t *testing.T) {
	h := open(t)
	theirs := h.ask("b", assistance.Ask{ExportID: "export-b", Text: "CANARY"})
	for _, id := range []string{"export-b", "nothing"} {
		if _, err := h.service.Open(t.Context(), who("a"), h.p, assistance.Ask{ExportID: id, Text: "x"}); !errors.Is(err, assistance.ErrNotFound) {
			t.Errorf("a request about %s: %v", id, err)
		}
	}
	for _, id := range []string{theirs.ID, "nothing"} {
		if _, err := h.service.Close(t.Context(), who("a"), h.p, id); !errors.Is(err, assistance.ErrNotFound) {
			t.Errorf("closed %s: %v", id, err)
		}
	}
	if list, err := h.service.ListForCustomer(t.Context(), who("a"), "export-b"); err != nil || len(list) > 0 {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestI01_WhatIsAskedIsHeldToItsBounds(t *testing.T) {
	h := open(t)
	less := int64(-1)
	for name, c := range map[string]struct {
		ask   assistance.Ask
		field string
	}{
		"nothing":  {assistance.Ask{ExportID: "export-a", Text: " \n "}, "text"},
		"too long": {assistance.Ask{Text: strings.Repeat("字", assistance.MaxText+1)}, "text"},
		"negative": {assistance.Ask{Dataset: "tasks", Expected: &less}, "expected"},
	} {
		_, err := h.service.Open(t.Context(), who("a"), h.p, c.ask)
		if f, ok := fault.As(err); !ok || len(f.Fields) != 1 || f.Fields[0].Name != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range 20 {
		h.ask("a", assistance.Ask{Text: fmt.Sprint("request ", i)})
	}
	if _, err := h.service.Open(t.Context(), who("a"), h.p, assistance.Ask{Text: "one more"}); fault.KindOf(err) != fault.Limited {
		t.Errorf("the twenty-first open request: %v", err)
	}
}
