package sms_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/internal/sms"
)

func TestNumbersAreNormalised(t *testing.T) {
	for text, want := range map[string]string{
		"+49 1511 234-5678": "+4915112345678", "0049 (1511) 2345678": "+4915112345678", "+86 138 0013 8000": "+8613800138000", "＋８６１３８００１３８０００": "+8613800138000",
		"+1 (212) 555-0100": "+12125550100",
	} {
		if got, err := sms.Number(text); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": sms.ErrNoNumber, "138 0013 8000": sms.ErrNoCountry, "0151 12345678": sms.ErrNoCountry, "+49": sms.ErrNoNumber, "+49 15": sms.ErrNoNumber, "+999 123456789": sms.ErrNoNumber,
		"+49 1511 2345678 ext. 5": sms.ErrNoNumber, "+1-800-FLOWERS": sms.ErrNoNumber, "+" + strings.Repeat("1", 60): sms.ErrNoNumber,
		"mail@example.com": sms.ErrNoNumber,
	} {
		if got, err := sms.Number(text); !errors.Is(err, want) {
			t.Errorf("%q: %q, %v; want %v", text, got, err, want)
		}
	}
	if got := sms.Masked("+4915112345678"); got != "+49 ••• 78" {
		t.Errorf("masked: %s", got)
	}
	if got := sms.Pretty("+8613800138000"); got != "+86 138 0013 8000" {
		t.Errorf("pretty: %s", got)
	}
}

func TestTextsAreMeasuredAsNetworksCutThem(t *testing.T) {
	for _, c := range []struct {
		text string
		want sms.Length
	}{
		{"", sms.Length{}},
		{strings.Repeat("a", 160), sms.Length{Parts: 1}},
		{strings.Repeat("a", 161), sms.Length{Parts: 2}},
		{strings.Repeat("a", 306), sms.Length{Parts: 2}},
		{strings.Repeat("a", 307), sms.Length{Parts: 3}},
		{strings.Repeat("€", 80), sms.Length{Parts: 1}}, // two septets each
		{strings.Repeat("€", 81), sms.Length{Parts: 2}},
		{strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), sms.Length{Parts: 3}}, // no character is cut in two
		{strings.Repeat("移", 70), sms.Length{Parts: 1, Unicode: true}},
		{strings.Repeat("移", 71), sms.Length{Parts: 2, Unicode: true}},
		{strings.Repeat("移", 134), sms.Length{Parts: 2, Unicode: true}},
		{strings.Repeat("移", 135), sms.Length{Parts: 3, Unicode: true}},
		{strings.Repeat("a", 70) + "’", sms.Length{Parts: 2, Unicode: true}}, // one curly quotation mark costs half of the room
		{strings.Repeat("😀", 35), sms.Length{Parts: 1, Unicode: true}},
		{strings.Repeat("😀", 36), sms.Length{Parts: 2, Unicode: true}},
	} {
		if got := sms.Measure(c.text); got != c.want {
			t.Errorf("%.20s… (%d characters): %+v, want %+v", c.text, len([]rune(c.text)), got, c.want)
		}
	}
}

// config is one for a gateway on this machine.
func config(address string) sms.Config {
	return sms.Config{
		URL: address, Method: http.MethodPost, Format: sms.JSON, Body: `{"to": "{number}", "text": "{text}", "ref": "{reference}"}`, Status: "200-299",
		IDField: "id", CodeField: "code", BadNumber: []string{"21211"}, Timeout: 2 * time.Second, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
	}
}

func gateway(t *testing.T, c sms.Config) *sms.Gateway {
	t.Helper()
	g, err := sms.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestEachAnswerIsOneOfFour(t *testing.T) {
	m := sms.Message{Number: "+4915112345678", Text: "Hello", Reference: "ref-1"}
	vonage := func(c *sms.Config) {
		c.Field, c.Values, c.Later, c.IDField, c.CodeField, c.BadNumber = "messages.0.status", []string{"0"}, []string{"1", "5"}, "messages.0.message-id", "", []string{"6"}
	}
	for _, c := range []struct {
		name   string
		set    func(*sms.Config)
		status int
		body   string
		want   sms.Result
	}{
		{"created", nil, 201, `{"id": "1234567890123"}`, sms.Result{State: sms.Accepted, ID: "1234567890123"}},
		{"no number", nil, 400, `{"code": 21211, "message": "+4915112345678 is not a valid number"}`, sms.Result{State: sms.Refused, Code: "21211", BadNumber: true}},
		{"bad text", nil, 422, `{"code": 21617}`, sms.Result{State: sms.Refused, Code: "21617"}},
		{"too many", nil, 429, ``, sms.Result{State: sms.Deferred}},
		{"broken", nil, 500, ``, sms.Result{State: sms.Deferred}},
		{"behind it nobody answers", nil, 504, ``, sms.Result{State: sms.Unknown}},
		{"known by its reference", nil, 409, ``, sms.Result{State: sms.Unknown}},
		{"our account", nil, 401, `{"code": 20003}`, sms.Result{State: sms.Deferred, Code: "20003"}},
		{"a redirect is not followed", nil, 302, ``, sms.Result{State: sms.Deferred}},
		{"field says yes", vonage, 200, `{"messages": [{"status": "0", "message-id": "A1"}]}`, sms.Result{State: sms.Accepted, ID: "A1"}},
		{"field says later", vonage, 200, `{"messages": [{"status": "1"}]}`, sms.Result{State: sms.Deferred, Code: "1"}},
		{"field says no such number", vonage, 200, `{"messages": [{"status": "6"}]}`, sms.Result{State: sms.Refused, Code: "6", BadNumber: true}},
		{"field says no", vonage, 200, `{"messages": [{"status": "3"}]}`, sms.Result{State: sms.Refused, Code: "3"}},
		{"field is missing", vonage, 200, `{"messages": []}`, sms.Result{State: sms.Unknown}},
		{"no JSON", vonage, 200, `OK`, sms.Result{State: sms.Unknown}},
	} {
		var calls atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		set := config(server.URL)
		if c.set != nil {
			c.set(&set)
		}
		got := gateway(t, set).Send(t.Context(), m)
		server.Close()
		if strings.Contains(got.Detail, "15112345678") {
			t.Errorf("%s: the detail holds the number: %s", c.name, got.Detail)
		}
		got.Detail = ""
		if got != c.want || calls.Load() != 1 {
			t.Errorf("%s: %+v in %d calls, want %+v in one", c.name, got, calls.Load(), c.want)
		}
	}
}

func TestWhatLeftAndFoundNoAnswerIsUnknown(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	m := sms.Message{Number: "+4915112345678", Text: "Hello", Reference: "ref-1"}
	if r := gateway(t, config(closed.URL)).Send(t.Context(), m); r.State != sms.Deferred {
		t.Errorf("nobody listens: %+v, want deferred", r)
	}
	blocked := config("https://10.0.0.1/sms")
	if r := gateway(t, blocked).Send(t.Context(), m); r.State != sms.Deferred || !strings.Contains(r.Detail, "not public") {
		t.Errorf("an address within: %+v, want deferred and why", r)
	}
	var calls atomic.Int64
	stop := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		switch calls.Add(1) {
		case 1: // hangs
			<-stop
		case 2: // is cut off
			connection, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			_ = connection.(*net.TCPConn).SetLinger(0)
			_ = connection.Close()
		case 3: // breaks off in the answer
			w.Header().Set("Content-Length", "500")
			_, _ = io.WriteString(w, `{"id"`)
		}
	}))
	defer server.Close()
	defer close(stop)
	c := config(server.URL)
	c.Timeout = time.Second
	c.Headers = "Idempotency-Key: {reference}" // with which a client might try again by itself
	g := gateway(t, c)
	for i := range 3 {
		if r := g.Send(t.Context(), m); r.State != sms.Unknown || calls.Load() != int64(i+1) {
			t.Errorf("call %d: %+v after %d calls, want unknown after one", i+1, r, calls.Load())
		}
	}
}

func TestATextCanBeNothingButAValue(t *testing.T) {
	var media, body, password string
	var headers http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		media, body, headers = r.Header.Get("Content-Type"), string(raw), r.Header
		_, password, _ = r.BasicAuth()
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	m := sms.Message{Number: "+4915112345678", Text: "\"},{\"to\": \"{secret}\"\n&To=+1 {reference}", Reference: "ref-1"}
	c := config(server.URL)
	c.Secret, c.Headers, c.Body = "hidden", "Authorization: App {secret}; X-Ref: {reference}", `{"list": [{"to": "{digits}", "text": "{text}", "n": 12345678901234567890}], "ok": true}`
	gateway(t, c).Send(t.Context(), m)
	want := `{"list":[{"n":12345678901234567890,"text":"\"},{\"to\": \"{secret}\"\n&To=+1 {reference}","to":"4915112345678"}],"ok":true}`
	if body != want || media != "application/json" || headers.Get("Authorization") != "App hidden" || headers.Get("X-Ref") != "ref-1" {
		t.Errorf("%s: %s, %v; want %s", media, body, headers, want)
	}
	c.Headers, c.Username, c.Format, c.Body = "", "AC1", sms.Form, "To={number}&From=%2B15550100&Body={text}&StatusCallback=https://x.example/{reference}"
	gateway(t, c).Send(t.Context(), m)
	got, err := url.ParseQuery(body)
	if err != nil || len(got) != 4 || got.Get("To") != m.Number || got.Get("From") != "+15550100" || got.Get("Body") != m.Text ||
		got.Get("StatusCallback") != "https://x.example/ref-1" || password != "hidden" {
		t.Errorf("%v, %v, password %q", got, err, password)
	}
}

func TestAFaultyConfigurationNamesEachSetting(t *testing.T) {
	good := config("https://sms.example.com/messages")
	if faults := good.Check(); len(faults) > 0 {
		t.Fatalf("%v", faults)
	}
	for _, c := range []struct {
		name string
		set  func(*sms.Config)
	}{
		{"URL", func(c *sms.Config) { c.URL = "sms.example.com" }},
		{"URL", func(c *sms.Config) { c.URL = "http://sms.example.com" }},
		{"METHOD", func(c *sms.Config) { c.Method = "GET" }},
		{"HEADERS", func(c *sms.Config) { c.Headers = "Bearer abc" }},
		{"HEADERS", func(c *sms.Config) { c.Headers = "X-Text: {text}" }},
		{"BODY", func(c *sms.Config) { c.Body = `{"to": "{number}"` }},
		{"BODY", func(c *sms.Config) { c.Body = `{"to": "{number}"}` }},
		{"BODY", func(c *sms.Config) { c.Body = `{"text": "{text} {reference}"}` }},
		{"BODY", func(c *sms.Config) { c.Body = `{"to": "{number}", "text": "{text}", "r": "{ref}"}` }},
		{"BODY", func(c *sms.Config) { c.Body, c.IDField = `{"to": "{number}", "text": "{text}"}`, "" }},
		{"BODY", func(c *sms.Config) { c.Format, c.Body = sms.Form, "To={number}&From=+1555&Body={text}" }},
		{"BODY", func(c *sms.Config) { c.Format = "xml" }},
		{"SECRET", func(c *sms.Config) { c.Username = "AC1" }},
		{"SECRET", func(c *sms.Config) { c.Headers = "Authorization: Bearer {secret}" }},
		{"ACCEPTED_STATUS", func(c *sms.Config) { c.Status = "200-404" }},
		{"ACCEPTED_FIELD", func(c *sms.Config) { c.Values = []string{"0"} }},
		{"TIMEOUT", func(c *sms.Config) { c.Timeout = 0 }},
	} {
		bad := good
		c.set(&bad)
		faults := bad.Check()
		if len(faults) == 0 || slices.ContainsFunc(faults, func(f sms.Field) bool { return f.Name != c.name }) {
			t.Errorf("%s: %v", c.name, faults)
		}
		if _, err := sms.New(bad); err == nil {
			t.Errorf("%s: it was taken", c.name)
		}
	}
}
