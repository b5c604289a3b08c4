package portal_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/deploy/local"
	"offramp/migration"
	"offramp/portal"
	"offramp/portal/page"
)

func TestI10_BodiesAreBounded(t *testing.T) {
	w := newWorld(t)
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	big := "return_to=" + strings.Repeat("a", 1<<20)
	if a := w.do("anonymous", "POST", "/theme/dark", big, form); a.status != 413 {
		t.Errorf("1 MB: %d", a.status)
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", w.url+"/theme/dark", io.MultiReader(strings.NewReader(big))) // no length announced
	if err != nil {
		t.Fatal(err)
	}
	r.Header = form.Clone()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 413 {
		t.Errorf("1 MB in chunks: %d", res.StatusCode)
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 1<<20))
	_ = z.Close()
	if a := w.do("anonymous", "POST", "/theme/dark", bomb.String(), http.Header{"Content-Encoding": {"gzip"}, "Content-Type": form["Content-Type"]}); a.status != 415 {
		t.Errorf("packed body: %d", a.status)
	}
	if a := w.do("anonymous", "POST", "/theme/dark", `{"return_to":"/"}`, http.Header{"Content-Type": {"application/json"}}); a.status != 415 {
		t.Errorf("JSON: %d", a.status)
	}
}

func TestI10_SlowBodiesAreCutOff(t *testing.T) {
	w := newWorld(t)
	server := w.server.HTTP()
	server.ReadTimeout = 300 * time.Millisecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /theme/dark HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nreturn")
	answer, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("got %q", answer)
	}
}

func TestI01_SearchFieldTakesAnything(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		value  string
		status int
	}{
		{"", 200},
		{strings.Repeat("a", 101), 422},
		{"a\x00b", 422},
		{"\xff\xfe", 422},
		{"\u202efiles", 200},
		{"files\u200d", 200},
		{"fi\r\nles", 200},
		{`<script>alert(1)</script>"'>`, 200},
		{"FILES", 200},
	} {
		a := w.get("anonymous", "/en/faq?"+url.Values{"q": {c.value}}.Encode())
		if a.status != c.status || strings.Contains(a.body, "<script>alert") {
			t.Errorf("%q: %d", c.value, a.status)
		}
		if c.status == 422 && (!strings.Contains(a.body, `aria-invalid="true"`) || !strings.Contains(a.body, "<title>Error: ")) {
			t.Errorf("%q: nothing beside the field\n%s", c.value, a.body)
		}
	}
	if a := w.get("anonymous", "/en/faq?q="+strings.Repeat("a", 1<<20)); a.status < 400 || a.status >= 500 {
		t.Errorf("1 MB: %d", a.status)
	}
	if a := w.get("anonymous", "/en/faq?q=a&q=b"); a.status != 400 {
		t.Errorf("twice: %d", a.status)
	}
}

func TestI01_ReturnAddressLeadsNowhereElse(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ value, location string }{
		{"/plan", "/plan"},
		{"/plan/dates", "/plan/dates"},
		{"/en/", "/zh-CN/"},
		{"/en/faq", "/zh-CN/faq"},
		{"/en/faq?q=%E4%BD%A0", "/zh-CN/faq"},
		{"", "/"},
		{"//evil.example", "/"},
		{`/\evil.example`, "/"},
		{"https://evil.example", "/"},
		{"/\tevil", "/"},
		{"/%2f%2fevil", "/"},
		{"/x@evil.example", "/"},
		{"/plan\r\nSet-Cookie: x=y", "/"},
		{"javascript:alert(1)", "/"},
	} {
		a := w.post("anonymous", "/language/zh-CN", url.Values{"return_to": {c.value}})
		if a.status != 303 || a.location != c.location {
			t.Errorf("%q: %d to %s", c.value, a.status, a.location)
		}
	}
	for value, status := range map[string]int{"a\x00": 422, "\xff": 422, strings.Repeat("/a", 200): 422} {
		if a := w.post("anonymous", "/theme/dark", url.Values{"return_to": {value}}); a.status != status {
			t.Errorf("%q: %d", value, a.status)
		}
	}
}

func TestZ04_UnknownFieldsAreRefusedEverywhere(t *testing.T) {
	w := newWorld(t)
	w.offer()
	before := w.stateSum()
	for _, r := range w.server.Routes() {
		if r.Method != "POST" {
			continue
		}
		path := samples.Replace(r.Path)
		if a := w.post("owner", path, url.Values{"customer_id": {w.ids["b"]}, "role": {"owner"}}); a.status < 400 {
			t.Errorf("%s takes unknown fields: %d", r.Path, a.status)
		}
		if a := w.post("owner", path+"?state=ready", nil); a.status < 400 {
			t.Errorf("%s takes fields in the address: %d", r.Path, a.status)
		}
	}
	if w.stateSum() != before {
		t.Error("a refused form changed something")
	}
}

// asks answers requests without a network, as the fuzz targets below do. What is no request at all is passed over, as the server's own
// reader does.
type asks struct {
	w      *world
	routes []portal.Route
	names  []string
}

func newAsks(f *testing.F) asks {
	f.Helper()
	a := asks{w: newWorld(f), names: queryNames(f)}
	for _, r := range a.w.server.Routes() {
		if r.Method == http.MethodGet {
			a.routes = append(a.routes, r)
		}
	}
	return a
}

var variable = regexp.MustCompile(`:[a-z]+|\*`)

// get asks one of the routes as somebody who may, with something in the place of its variable parts.
func (a asks) get(t *testing.T, route uint8, part, query string, header http.Header) {
	t.Helper()
	r := a.routes[int(route)%len(a.routes)]
	path := variable.ReplaceAllString(r.Path, strings.ReplaceAll(url.PathEscape(part), "$", "$$"))
	a.judge(t, visitorOf(r.Access), "GET", path+"?"+query, "", header)
}

func (a asks) judge(t *testing.T, who, method, target, body string, header http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://portal.example"+target, strings.NewReader(body))
	if err != nil {
		return
	}
	r.RequestURI, r.RemoteAddr = target, "192.0.2.1:1000"
	for name, values := range header {
		r.Header[name] = values
	}
	if secret := a.w.cookies[who]; secret != "" && r.Header.Get("Cookie") == "" {
		r.AddCookie(&http.Cookie{Name: page.SessionCookie, Value: secret})
	}
	rec := httptest.NewRecorder()
	a.w.server.ServeHTTP(rec, r)
	if rec.Code == http.StatusInternalServerError {
		log := a.w.log.String()
		t.Errorf("%s %s as %s with %q: 500\n%s", method, target, who, header, log[max(0, len(log)-400):])
	}
}

// odd are seeds: values that PostgreSQL refuses for one type or another, unescaped.
func odd() (list []string) {
	for _, v := range unstorable {
		if plain, err := url.QueryUnescape(v); err == nil {
			list = append(list, plain)
		}
	}
	return append(list, "RF-99999999999999999999", "PB-2026-1", "\xed\xa0\x80", "'", "1e400", "0x1p-2")
}

// FuzzQuery puts a value into one field at a time, since a page stops at the first field that makes no sense. The whole product of
// all fields, values and routes at once is TestI01_NothingInAnAddressOrHeaderIsAnErrorOfOurs.
func FuzzQuery(f *testing.F) {
	a := newAsks(f)
	for route, r := range a.routes {
		if strings.Contains(r.Path, ":") {
			continue
		}
		for name := route % 4; name < len(a.names); name += 4 {
			f.Add(uint8(route), uint8(name), "\x00")
		}
		f.Add(uint8(route), uint8(route), odd()[route%len(odd())])
	}
	f.Fuzz(func(t *testing.T, route, name uint8, value string) {
		a.get(t, route, "1", a.names[int(name)%len(a.names)]+"="+url.QueryEscape(value), nil)
	})
}

func FuzzPath(f *testing.F) {
	a := newAsks(f)
	for i, value := range odd() {
		for route := i % 3; route < len(a.routes); route += 3 {
			f.Add(uint8(route), value)
		}
	}
	f.Fuzz(func(t *testing.T, route uint8, value string) { a.get(t, route, value, "", nil) })
}

// fuzzedHeaders are those that we read.
var fuzzedHeaders = []string{
	"User-Agent", "Accept-Language", "Referer", "Authorization", "Range", "If-Range", "If-None-Match", "Accept", "Accept-Encoding", "HX-Request",
	"HX-Current-URL", "X-Forwarded-For", "Origin", "Sec-Fetch-Site", "Content-Type",
}

func FuzzHeader(f *testing.F) {
	a := newAsks(f)
	for _, value := range append(odd(), "Bearer \xff", "bytes=0-9223372036854775808", "zh-\x00") {
		for i := range fuzzedHeaders {
			f.Add(uint8(i*7), uint8(i), value)
		}
	}
	f.Fuzz(func(t *testing.T, route, name uint8, value string) {
		header := http.Header{fuzzedHeaders[int(name)%len(fuzzedHeaders)]: {value}}
		a.get(t, route, "1", "state=a&code=b", header)
		header.Set("User-Agent", value)
		a.judge(t, "anonymous", "GET", "/sign-in", "", header)
	})
}

var fuzzedCookies = []string{page.SessionCookie, page.LanguageCookie, "offramp-theme", "offramp-flash", "offramp-sign-in"}

func FuzzCookie(f *testing.F) {
	a := newAsks(f)
	for _, value := range append(odd(), "\xff\xfe", `"`, ";", "a=b; c") {
		for i := range fuzzedCookies {
			f.Add(uint8(i*11), uint8(i), value)
		}
	}
	f.Fuzz(func(t *testing.T, route, name uint8, value string) {
		cookie := fuzzedCookies[int(name)%len(fuzzedCookies)] + "=" + value
		a.get(t, route, "1", "state=a&code=b", http.Header{"Cookie": {cookie}})
		a.judge(t, "anonymous", "GET", "/sign-in", "", http.Header{"Cookie": {cookie}})
	})
}

func FuzzJSONField(f *testing.F) {
	a := newAsks(f)
	a.w.notify()
	a.w.tellAll()
	mail := reportSeals.Token(a.w.text(`SELECT mail_id FROM notice_delivery LIMIT 1`)) + "@moving.example"
	with := *a.w.programme.p
	with.Replacements = []migration.Replacement{{Key: "next", Name: migration.Text{"en": "Next"}, Kind: migration.KindOwn}}
	a.w.programme.p = &with
	type field struct{ name, usual string }
	messages := []struct {
		path   string
		fields []field
		form   string
	}{
		{"/hooks/mail", []field{{"type", `"delayed"`}, {"mail", `"` + mail + `"`}, {"status", `"5.1.1"`}, {"code", "550"}, {"detail", `"x"`}, {"until", `"2026-06-06T01:00:00Z"`}}, `{"events": [{%s}]}`},
		{"/hooks/sms", []field{{"type", `"failed"`}, {"reference", `"x"`}, {"code", `"1"`}, {"detail", `"x"`}, {"number", `"unknown"`}, {"text", `"STOP"`}}, `{"events": [{%s}]}`},
		{"/webhooks/replacements/next", []field{{"customer_ref", `"HZ-20418"`}, {"state", `"done"`}}, `{%s}`},
		{"/webhooks/replacements/next/hand-over", []field{{"token", `"a.b.c"`}}, `{%s}`},
		{"/webhooks/stripe", []field{{"id", `"evt_1"`}, {"type", `"refund.updated"`}, {"created", "1790000000"}, {"api_version", `"x"`}}, `{"object": "event", %s, "data": {"object": {"id": "re_1", "object": "refund",
			"amount": 100, "currency": "cny", "status": "succeeded", "created": 1, "metadata": {"offramp_refund": "RF-2026-000001", "offramp_attempt": "1"}}}}`},
		{"/console/ops/jobs/api/jobs/cancel", []field{{"ids", "[]"}, {"queue", `"x"`}}, `{%s}`},
	}
	f.Add(uint8(4), uint8(0), `["\u0000"]`)
	for _, value := range spoiled {
		for i, m := range messages {
			for j := range m.fields {
				f.Add(uint8(i), uint8(j), value)
			}
		}
	}
	key, err := webhooks.NewWebhook(nextSecret)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, message, field uint8, value string) {
		m := messages[int(message)%len(messages)]
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Skip()
		}
		for _, v := range []string{value, string(quoted)} { // as it is, which may be no JSON, and as a string
			var pairs []string
			for i, one := range m.fields {
				if i == int(field)%len(m.fields) {
					one.usual = v
				}
				pairs = append(pairs, `"`+one.name+`": `+one.usual)
			}
			body, now := fmt.Sprintf(m.form, strings.Join(pairs, ", ")), time.Now()
			id := "msg_" + rand.Text()
			signature, err := key.Sign(id, now, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			a.judge(t, "operator", "POST", m.path, body, http.Header{
				"Content-Type": {"application/json"}, "Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
				"Webhook-Signature": {signature}, "Stripe-Signature": {local.SignStripe([]byte(body), now, stripeSecret)},
			})
		}
	})
}
