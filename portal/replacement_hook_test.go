package portal_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/replacement"
)

// hook sends a message as the replacement next does, spoiled by change, and returns the status and the answer.
func (w *world) hook(path, id, body string, change ...func(*http.Request)) (int, map[string]any) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	key, err := webhooks.NewWebhook(nextSecret)
	if err != nil {
		w.Fatal(err)
	}
	now := time.Now()
	signature, err := key.Sign(id, now, []byte(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(webhooks.HeaderWebhookID, id)
	r.Header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(webhooks.HeaderWebhookSignature, signature)
	for _, c := range change {
		c(r)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		w.Fatal(err)
	}
	answer := map[string]any{}
	_ = json.Unmarshal(raw, &answer)
	return response.StatusCode, answer
}

func TestReplacementsReportAndRedeem(t *testing.T) {
	w := newWorld(t)
	next := migration.Replacement{
		Key: "next", Name: migration.Text{"en": "Next"}, Kind: migration.KindOwn,
		SignUp: &migration.SignUp{URL: "https://next.example/start", Fields: []string{migration.FieldCustomerRef, migration.FieldContactEmail}},
	}
	p, err := w.programme.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	with := *p
	with.Replacements = []migration.Replacement{next}
	owner := migration.Who{CustomerID: w.ids["a"], ContactID: w.ids["owner"], Role: migration.Owner}
	w.tell("a", migration.Event{Kind: migration.StepsReconfigure, Actor: "system", Rules: migration.StepRules{Choose: true}})
	choices := w.choices()
	if _, err := choices.Choose(t.Context(), owner, &with, replacement.Accept{Replacement: "next"}); err != nil {
		t.Fatal(err)
	}
	address, err := choices.StartHandOver(t.Context(), owner, &with, next.SignUp.Fields)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	token, err := json.Marshal(map[string]string{"token": u.Query().Get("offramp_token")})
	if err != nil {
		t.Fatal(err)
	}
	const report, over = "/webhooks/replacements/next", "/webhooks/replacements/next/hand-over"
	body := `{"customer_ref":"HZ-20418","state":"done"}`
	unsigned := func(r *http.Request) { r.Header.Del(webhooks.HeaderWebhookSignature) }
	form := func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }
	other := func(r *http.Request) { r.Header.Set(webhooks.HeaderWebhookID, "msg_9") }
	for _, c := range []struct {
		name, path, id, body string
		change               func(*http.Request)
		status               int
	}{
		{"unsigned", report, "msg_1", body, unsigned, 401},
		{"altered", report, "msg_1", body, other, 401},
		{"of another replacement", "/webhooks/replacements/other", "msg_1", body, nil, 401},
		{"a form", report, "msg_1", body, form, 415},
		{"no JSON", report, "msg_1", "x", nil, 400},
		{"nobody", report, "msg_1", `{"customer_ref":"HZ-0","state":"done"}`, nil, 404},
		{"undecided", report, "msg_1", `{"customer_ref":"HZ-7","state":"done"}`, nil, 409},
		{"no token", over, "msg_2", `{"token":"a.b.c"}`, nil, 410},
		{"too large", report, "msg_1", `{"customer_ref":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413},
		{"redeemed", over, "msg_3", string(token), nil, 200},
		{"replayed", over, "msg_4", string(token), nil, 410},
		{"done", report, "msg_5", body, nil, 204},
		{"done again", report, "msg_5", body, nil, 204},
	} {
		change := c.change
		if change == nil {
			change = func(*http.Request) {}
		}
		status, answer := w.hook(c.path, c.id, c.body, change)
		if status != c.status {
			t.Errorf("%s: %d %v, want %d", c.name, status, answer, c.status)
		}
		if fields, _ := answer["fields"].(map[string]any); c.name == "redeemed" && (fields["customer_ref"] != "HZ-20418" || fields["contact_email"] != "owner@canary.example" || len(fields) != 2) {
			t.Errorf("%v", answer)
		}
	}
	j, err := w.customers.Journey(t.Context(), db.CustomerScope(w.ids["a"]), w.ids["a"])
	if err != nil || j.Status[migration.StepChoose] != migration.Completed || j.Detail.Choice.State != "moved" {
		t.Errorf("%+v, %v", j, err)
	}
}
