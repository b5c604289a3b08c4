package notice_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"offramp/internal/mail"
	"offramp/migration/notice"
)

// TestN06_ATestIsThePreviewToTheByteAndTouchesNoCustomer sends a colleague what a customer would get.
func TestN06_ATestIsThePreviewToTheByteAndTouchesNoCustomer(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,zh-CN")
	customer := h.one(`SELECT id FROM customer WHERE ref = 'A-1'`)
	letter, _, err := h.notices.Preview(t.Context(), ben.ID, "announcement", customer, "en")
	if err != nil {
		t.Fatal(err)
	}
	try := func(address, key, hash string) error {
		return h.notices.Try(t.Context(), ben.ID, "Ben", address, key, customer, "en", hash)
	}
	for name, c := range map[string]struct {
		err, want error
	}{
		"another letter": {try("ben@boats.example", "announcement", strings.Repeat("0", 64)), notice.ErrChanged},
		"no address":     {try("", "announcement", letter.Sum), notice.ErrNoAddress},
		"no notice":      {try("ben@boats.example", "none", letter.Sum), notice.ErrUnknown},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if err := try("ben@boats.example", "announcement", letter.Sum); err != nil {
		t.Fatal(err)
	}
	h.at("2026-05-01T02:00:00Z") // nothing is approved and nothing is due
	got := h.box.Messages("ben@boats.example")
	if len(got) != 1 || got[0].Subject != "[Test] Boats closes on 31 January 2027" || len(h.got("A-1")) != 0 {
		t.Fatalf("ben got %d mails, the customer %q", len(got), h.got("A-1"))
	}
	if unix(got[0].HTML) != unix(letter.HTML) || unix(got[0].Text) != unix(letter.Plain) || got[0].Header["List-Unsubscribe"] != "" {
		t.Error("the test is not the preview")
	}
	if n := h.one(`SELECT count(*)::text FROM notice_message`); n != "0" {
		t.Errorf("%s messages to customers", n)
	}
	tried, err := h.notices.Tried(t.Context(), ben.ID, "announcement")
	if err != nil || tried == nil || tried.State != "accepted" || tried.HTML != "" || tried.Plain != "" || tried.BodyHash != letter.Sum {
		t.Errorf("%+v, %v", tried, err)
	}
	h.exec(`INSERT INTO notice_trial (id, notice, customer_id, asked_by, asked_at, address, name, locale, subject, html, plain, body_hash, state)
		SELECT 'x' || n, notice, customer_id, asked_by, asked_at, address, name, locale, subject, '', '', '', 'accepted' FROM notice_trial, generate_series(1, 49) n`)
	if err := try("ben@boats.example", "announcement", letter.Sum); !errors.Is(err, notice.ErrTrials) {
		t.Errorf("the fifty-first of a day: %v", err)
	}
	h.exec(`UPDATE notice_trial SET state = 'sending', asked_at = '2026-05-01T01:00Z' WHERE id = 'x1'`)
	h.at("2026-05-01T02:00:01Z")
	if state := h.one(`SELECT state FROM notice_trial WHERE id = 'x1'`); state != "unknown" || len(h.box.Messages("ben@boats.example")) != 1 {
		t.Errorf("the test of a process that died is %s", state)
	}
}

// unix takes off what mail does to line ends.
func unix(text string) string { return strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), "\n") }

// givenUp is a mail server that takes its time: meanwhile another process gives the test up.
type givenUp struct{ h *harbour }

func (g givenUp) Hand(context.Context, mail.Envelope) mail.Result {
	g.h.exec(`UPDATE notice_trial SET state = 'unknown', html = '', plain = '', ended_at = now() WHERE state = 'sending'`)
	return mail.Result{State: mail.Accepted}
}

func TestATestThatWasGivenUpTooEarlyIsWhatItCameTo(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,zh-CN")
	customer := h.one(`SELECT id FROM customer WHERE ref = 'A-1'`)
	letter, _, err := h.notices.Preview(t.Context(), ben.ID, "announcement", customer, "en")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.notices.Try(t.Context(), ben.ID, "Ben", "ben@boats.example", "announcement", customer, "en", letter.Sum); err != nil {
		t.Fatal(err)
	}
	h.sender.Post = givenUp{h}
	h.at("2026-05-01T02:00:00Z")
	if state := h.one(`SELECT state FROM notice_trial`); state != "accepted" {
		t.Errorf("the test is %s", state)
	}
}
