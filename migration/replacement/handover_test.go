package replacement_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/migration/replacement"
)

// hand starts a hand-over of a to next and returns the token.
func (h *house) hand(fields ...string) string {
	h.Helper()
	address, err := h.service.StartHandOver(h.Context(), who("a"), h.p, fields)
	if err != nil {
		h.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host != "next.example" || u.Query().Get("from") != "boats" || strings.Contains(address, "HZ-a") {
		h.Fatalf("address %s, %v", address, err)
	}
	return u.Query().Get("offramp_token")
}

func TestAHandOverGivesWhatWasAgreedToOnce(t *testing.T) {
	h := open(t)
	if _, err := h.service.HandOverForm(t.Context(), who("a"), h.p); !errors.Is(err, replacement.ErrNothingChosen) {
		t.Errorf("before a choice: %v", err)
	}
	h.choose("a", "paper")
	if _, err := h.service.StartHandOver(t.Context(), who("a"), h.p, nil); !errors.Is(err, replacement.ErrNoSignUp) {
		t.Errorf("without a sign-up: %v", err)
	}
	h.choose("a", "next")
	form, err := h.service.HandOverForm(t.Context(), who("a"), h.p)
	want := []replacement.Value{{"customer_ref", "HZ-a"}, {"customer_name", "Customer a"}, {"contact_email", "a@example.com"}, {"seats", "20"}}
	if err != nil || !slices.Equal(form, want) {
		t.Errorf("%v, %v", form, err)
	}
	for _, bad := range []string{"tier", "iban", ""} {
		if _, err := h.service.StartHandOver(t.Context(), who("a"), h.p, []string{bad}); !errors.Is(err, replacement.ErrConsent) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	token := h.hand("seats", "customer_name")
	out, err := h.service.Redeem(t.Context(), h.p, "next", token)
	if err != nil || !slices.Equal(out.Values, []replacement.Value{{"customer_name", "Customer a"}, {"seats", "20"}}) {
		t.Errorf("%+v, %v", out, err)
	}
	if o := h.overview("a"); o.HandOver == nil || o.HandOver.RedeemedAt == nil || o.HandOver.ID != out.HandOverID {
		t.Errorf("%+v", o.HandOver)
	}
	if err := h.service.Take(t.Context(), "next", "m", replacement.Report{HandOverID: out.HandOverID, State: "accepted"}); err != nil || h.step("a") != "in_progress accepted next" {
		t.Errorf("%v, %s", err, h.step("a"))
	}
	if got := h.acts(); !strings.HasSuffix(got, "contact-a hand_over.start, replacement next hand_over.redeem, replacement next choice.accepted") {
		t.Error(got)
	}
}

func TestAHandOverLinkIsRefusedReplayedAlteredAndLate(t *testing.T) {
	h := open(t)
	h.choose("a", "next")
	refused := func(name, key, token string) {
		t.Helper()
		if _, err := h.service.Redeem(t.Context(), h.p, key, token); !errors.Is(err, replacement.ErrHandOver) {
			t.Errorf("%s: %v", name, err)
		}
	}
	token := h.hand("seats")
	parts := strings.Split(token, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	altered := base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(payload), `"exp":1`, `"exp":2`, 1)))
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	for name, bad := range map[string]string{
		"empty": "", "half": parts[0] + "." + parts[1], "altered": parts[0] + "." + altered + "." + parts[2], "unsigned": none + "." + parts[1] + ".",
		"other signature": parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])), "other header": none + "." + parts[1] + "." + parts[2],
	} {
		refused(name, "next", bad)
	}
	refused("for another replacement", "paper", token)
	if _, err := h.service.Redeem(t.Context(), h.p, "next", token); err != nil {
		t.Fatal(err)
	}
	refused("replayed", "next", token)
	late := h.hand("seats")
	h.clock.Advance(10 * time.Minute)
	refused("late", "next", late)
	gone := h.hand("seats")
	h.exec(`UPDATE contact SET state = 'disabled'`)
	refused("agreed to by somebody who is disabled", "next", gone)
	h.exec(`UPDATE contact SET state = 'active'`)
	over := h.hand("seats")
	h.choose("a", "paper")
	refused("of a choice that was changed", "next", over)
}

// signed are the headers of a message of Standard Webhooks.
func signed(t *testing.T, secret, id string, at time.Time, body string) http.Header {
	t.Helper()
	w, err := webhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := w.Sign(id, at, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set(webhooks.HeaderWebhookID, id)
	header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	header.Set(webhooks.HeaderWebhookSignature, signature)
	return header
}

func TestAReportHasToBeSigned(t *testing.T) {
	h := open(t)
	const body = `{"customer_ref":"HZ-a","state":"done"}`
	now := time.Now()
	id, err := h.service.Verify("next", signed(t, hook, "msg_1", now, body), []byte(body))
	if err != nil || id != "msg_1" {
		t.Errorf("%q, %v", id, err)
	}
	other := "whsec_" + base64.StdEncoding.EncodeToString([]byte("another secret of ours it is"))
	for name, c := range map[string]struct {
		key    string
		header http.Header
		body   string
	}{
		"altered":             {"next", signed(t, hook, "msg_1", now, body), strings.Replace(body, "HZ-a", "HZ-b", 1)},
		"too old":             {"next", signed(t, hook, "msg_1", now.Add(-time.Hour), body), body},
		"from the future":     {"next", signed(t, hook, "msg_1", now.Add(time.Hour), body), body},
		"another secret":      {"next", signed(t, other, "msg_1", now, body), body},
		"no signature":        {"next", http.Header{}, body},
		"another replacement": {"paper", signed(t, hook, "msg_1", now, body), body},
		"unknown replacement": {"x", signed(t, hook, "msg_1", now, body), body},
		"another message's id": {"next", func() http.Header {
			g := signed(t, hook, "msg_1", now, body)
			g.Set(webhooks.HeaderWebhookID, "msg_2")
			return g
		}(), body},
	} {
		if _, err := h.service.Verify(c.key, c.header, []byte(c.body)); !errors.Is(err, replacement.ErrUnsigned) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReportsMoveTheJourneyForwardOnly(t *testing.T) {
	h := open(t)
	h.choose("a", "next")
	for i, c := range []struct {
		message, state, step string
	}{
		{"m1", "accepted", "in_progress accepted next"},
		{"m2", "importing", "in_progress importing next"},
		{"m3", "accepted", "in_progress importing next"}, // it came late
		{"m4", "failed", "problem failed next"},
		{"m4", "done", "problem failed next"}, // the same message again, whatever it says now
		{"m5", "importing", "in_progress importing next"},
		{"m6", "done", "completed moved next"},
		{"m7", "failed", "completed moved next"},
	} {
		if err := h.service.Take(t.Context(), "next", c.message, replacement.Report{CustomerRef: "HZ-a", State: c.state}); err != nil {
			t.Error(i, err)
		}
		if got := h.step("a"); got != c.step {
			t.Errorf("%d: %s, want %s", i, got, c.step)
		}
	}
	for name, c := range map[string]struct {
		key  string
		r    replacement.Report
		want error
	}{
		"nobody":           {"next", replacement.Report{CustomerRef: "HZ-x", State: "done"}, replacement.ErrNotFound},
		"undecided":        {"next", replacement.Report{CustomerRef: "HZ-b", State: "done"}, replacement.ErrNothingChosen},
		"chose another":    {"paper", replacement.Report{CustomerRef: "HZ-a", State: "done"}, replacement.ErrNothingChosen},
		"unknown handover": {"next", replacement.Report{HandOverID: "x", State: "done"}, replacement.ErrNotFound},
	} {
		for range 2 { // what was refused is refused again: it was not noted
			if err := h.service.Take(t.Context(), c.key, "again", c.r); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestAReportOfAPartnerLeavesTheStepDone(t *testing.T) {
	h := open(t)
	h.choose("a", "fleet")
	if err := h.service.Take(t.Context(), "fleet", "m", replacement.Report{CustomerRef: "HZ-a", State: "importing"}); err != nil || h.step("a") != "completed importing fleet" {
		t.Errorf("%v, %s", err, h.step("a"))
	}
}

func TestI01_ReadReport(t *testing.T) {
	t.Parallel()
	for _, body := range []string{``, `[]`, `{}`, `{"customer_ref":"x"}`, `{"customer_ref":"x","state":"gone"}`, `{"state":"done"}`, `{"customer_ref":"x","hand_over_id":"y","state":"done"}`, `{"customer_ref":1,"state":"done"}`} {
		if _, err := replacement.ReadReport([]byte(body)); !errors.Is(err, replacement.ErrBadReport) {
			t.Errorf("%s: %v", body, err)
		}
	}
	r, err := replacement.ReadReport([]byte(`{"customer_ref":"x","state":"done","more":true}`))
	if err != nil || r.CustomerRef != "x" || r.State != "done" {
		t.Errorf("%+v, %v", r, err)
	}
}
