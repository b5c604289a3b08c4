package local

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func post(t *testing.T, h *Webhooks, secret, id, body string) *http.Response {
	t.Helper()
	signer, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	signature, err := signer.Sign(id, now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.Hook, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func TestWebhooksVerifiesAndAnswers(t *testing.T) {
	h, err := StartWebhooks(t.Context(), WebhookOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	h.AnswerNext(Answer{Status: 503, RetryAfter: "7"}, Answer{Status: 302, Location: "http://169.254.169.254/"}, Answer{Bytes: 100_000})
	if res := post(t, h, h.Secret, "msg_1", `{"a":1}`); res.StatusCode != 503 || res.Header.Get("Retry-After") != "7" {
		t.Errorf("first answer: %s", res.Status)
	}
	if res := post(t, h, "whsec_"+strings.Repeat("A", 32), "msg_2", `{}`); res.StatusCode != 302 {
		t.Errorf("second answer: %s", res.Status)
	}
	if body, err := io.ReadAll(post(t, h, h.Secret, "msg_1", `{"a":1}`).Body); err != nil || len(body) != 100_000 {
		t.Errorf("third answer: %d bytes, %v", len(body), err)
	}
	if res := post(t, h, h.Secret, "msg_3", `{}`); res.StatusCode != http.StatusNoContent {
		t.Errorf("fourth answer: %s", res.Status)
	}
	events := h.Events()
	if len(events) != 4 || !events[3].Verified || events[2].Verified || events[2].Fault == "" {
		t.Errorf("events: %+v", events)
	}
	if _, body := fetch(t, h.URL+"/api/events?id=msg_1"); strings.Count(body, `"id": "msg_1"`) != 2 {
		t.Errorf("by id: %s", body)
	}
	if _, page := fetch(t, h.URL+"/events/1"); !strings.Contains(page, "&#34;a&#34;: 1") {
		t.Errorf("page: %s", page)
	}
}
