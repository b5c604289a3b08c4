package portal_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"offramp/auth"
	"offramp/deploy/local"
	"offramp/migration"
	"offramp/portal"
	"offramp/portal/limit"
)

// bounded are limits of a few requests, counted in the database.
func (w *world) bounded() portal.Limits {
	return portal.Limits{Limiter: limit.New(limit.Store{Pool: w.web.Pool}), Acts: 12, Pages: 4000, SignIns: 20}
}

func TestH03_RatesHoldAcrossReplicasAndForgedHeaders(t *testing.T) {
	w := newWorld(t)
	w.limits = w.bounded()
	w.serve("http://portal.example")
	first := w.url
	w.limits = w.bounded() // another process knows nothing of the first
	w.serve("http://portal.example")
	second := w.url
	passed, refused := 0, answer{}
	for i := range 8 {
		w.url = []string{first, second}[i%2]
		a := w.do("owner", "POST", "/theme/dark", "return_to=%2F", http.Header{
			"Content-Type": {"application/x-www-form-urlencoded"}, "X-Forwarded-For": {fmt.Sprintf("203.0.113.%d", i)},
		})
		switch a.status {
		case http.StatusSeeOther:
			passed++
		case http.StatusTooManyRequests:
			refused = a
		default:
			t.Fatalf("%d\n%s", a.status, a.body)
		}
	}
	if passed != 3 { // a fourth of 12, the others a fifth of a minute apart
		t.Errorf("%d acts passed at once on two replicas", passed)
	}
	seconds, err := strconv.Atoi(refused.header.Get("Retry-After"))
	if err != nil || seconds < 1 || seconds > 6 || !strings.Contains(refused.body, "too many requests") || !strings.Contains(refused.body, "Try again in") {
		t.Errorf("Retry-After %q\n%s", refused.header.Get("Retry-After"), refused.body)
	}
	if a := w.post("member", "/theme/dark", url.Values{"return_to": {"/"}}); a.status != http.StatusSeeOther {
		t.Errorf("another person at the same address: %d", a.status)
	}
	var starts []int
	for range 7 { // the provider does not answer, which is counted all the same
		starts = append(starts, w.get("anonymous", "/sign-in/start").status)
	}
	if slices.Index(starts, http.StatusTooManyRequests) != 5 {
		t.Errorf("starting to sign in: %v", starts)
	}
	if a := w.get("anonymous", "/static/css/base.css"); a.status == http.StatusTooManyRequests {
		t.Error("assets are counted")
	}
}

func TestH03_OneBrowserTakesFewConnections(t *testing.T) {
	gate := limit.NewGate(2, 3, 0)
	enter := func(key string) func() {
		leave, err := gate.Enter(t.Context(), key)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			return func() {}
		}
		return leave
	}
	leave := enter("a")
	enter("a")
	if _, err := gate.Enter(t.Context(), "a"); limit.RetryAfter(err) == 0 {
		t.Errorf("a third of one: %v", err)
	}
	enter("b")
	if _, err := gate.Enter(t.Context(), "c"); limit.RetryAfter(err) == 0 {
		t.Errorf("a fourth of all: %v", err)
	}
	leave()
	leave() // twice is once
	enter("a")
	patient := limit.NewGate(1, 0, time.Minute)
	leave, _ = patient.Enter(t.Context(), "x")
	entered := make(chan error)
	go func() {
		_, err := patient.Enter(context.WithoutCancel(t.Context()), "x")
		entered <- err
	}()
	leave()
	if err := <-entered; err != nil {
		t.Errorf("after its turn came: %v", err)
	}
}

// addressIn is the address in the last line of the log about a request.
func (w *world) addressIn() string {
	lines := regexp.MustCompile(`"msg":"request".*"address":"([^"]*)"`).FindAllStringSubmatch(w.log.String(), -1)
	if len(lines) == 0 {
		w.Fatal("no request is in the log")
	}
	return lines[len(lines)-1][1]
}

func TestD03_ForgedForwardingHeadersAreIgnored(t *testing.T) {
	w := newWorld(t)
	forged := http.Header{
		"X-Forwarded-For": {"198.51.100.7"}, "X-Real-Ip": {"198.51.100.7"}, "Forwarded": {"for=198.51.100.7"}, "X-Forwarded-Host": {"evil.example"},
	}
	if a := w.do("anonymous", "GET", "/en/", "", forged); a.status != 200 || strings.Contains(a.body, "evil.example") || w.addressIn() != "127.0.0.1" {
		t.Errorf("nobody is trusted: %d from %s", a.status, w.addressIn())
	}
	w.proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.1.0.0/16")}
	w.serve("http://portal.example")
	for forwarded, want := range map[string]string{
		"198.51.100.7":                       "198.51.100.7",
		"192.0.2.66, 198.51.100.7":           "198.51.100.7", // the client wrote the first itself
		"192.0.2.66, 198.51.100.7, 10.1.2.3": "198.51.100.7", // a second proxy of ours
		"192.0.2.66, 198.51.100.7, 10.2.2.3": "10.2.2.3",     // no proxy of ours, private or not
		"2001:db8::5":                        "2001:db8::5",
		"nonsense":                           "127.0.0.1",
		"198.51.100.7, nonsense":             "127.0.0.1",
	} {
		w.do("anonymous", "GET", "/en/", "", http.Header{"X-Forwarded-For": {forwarded}, "X-Real-Ip": {"192.0.2.1"}})
		if got := w.addressIn(); got != want {
			t.Errorf("%s: taken for %s, want %s", forwarded, got, want)
		}
	}
	w.proxies = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	w.serve("http://portal.example")
	if w.do("anonymous", "GET", "/en/", "", forged); w.addressIn() != "127.0.0.1" {
		t.Errorf("a peer that is no proxy of ours is believed: %s", w.addressIn())
	}
}

func TestD03_OtherHostsAreNotAnswered(t *testing.T) {
	w := newWorld(t)
	w.hosts = []string{"portal.example", "inner.example:8443"}
	w.serve("http://portal.example")
	ask := func(host string) int {
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.url+"/en/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for host, want := range map[string]int{
		"portal.example": 200, "PORTAL.example": 200, "portal.example:80": 200, "inner.example:8443": 200,
		"inner.example": 421, "portal.example:8080": 421, "evil.example": 421, "portal.example.evil.example": 421, "127.0.0.1": 421,
	} {
		if got := ask(host); got != want {
			t.Errorf("%s: %d, want %d", host, got, want)
		}
	}
}

// queryNames are the names of all fields that any page reads, from the sources.
func queryNames(t T) (names []string) {
	t.Helper()
	field := regexp.MustCompile(`\b(?:Line|Text|Choices)\("([a-z_]+)"|(?:QueryParam|Query\(\)\.Get|Query\.Get)\("([a-z_]+)"`)
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range field.FindAllStringSubmatch(string(source), -1) {
			if name := m[1] + m[2]; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return err
	})
	if err != nil || len(names) < 15 {
		t.Fatalf("%d names, %v", len(names), err)
	}
	return names
}

// visitorOf is somebody who may use a route.
func visitorOf(a portal.Access) string {
	for _, x := range []struct {
		access portal.Access
		who    string
	}{
		{portal.Owner, "owner"},
		{portal.Support, "support"},
		{portal.FinanceClerk, "finance_clerk"},
		{portal.FinanceApprover, "finance_approver"},
		{portal.FinanceReleaser, "finance_releaser"},
		{portal.ProgrammeManager, "programme_manager"},
		{portal.Auditor, "auditor"},
		{portal.Operator, "operator"},
	} {
		if a&x.access != 0 {
			return x.who
		}
	}
	return "anonymous"
}

// unstorable are values that PostgreSQL refuses for one type or another: no text, no number, no instant.
var unstorable = []string{
	"%00", "a%00b", "%ff", "%ed%a0%80", "9223372036854775808", "-9223372036854775809", "1e400", "NaN", "infinity", "294277-01-01", "-4713-01-01",
	"0000-00-00", "%C2%85", "{}", "%5C", "%F4%90%80%80", "99999999999999999999999999",
}

func TestI01_NothingInAnAddressOrHeaderIsAnErrorOfOurs(t *testing.T) {
	w := newWorld(t)
	names := queryNames(t)
	asked := 0
	try := func(who, method, path, body string, header http.Header) {
		t.Helper()
		asked++
		if a := w.do(who, method, path, body, header); a.status == http.StatusInternalServerError {
			t.Errorf("%s %s as %s with %v: 500\n%s", method, path, who, header, w.log.String()[max(0, len(w.log.String())-400):])
		}
	}
	param := regexp.MustCompile(`:[a-z]+|\*`)
	for _, r := range w.server.Routes() {
		who := visitorOf(r.Access)
		if r.Method != http.MethodGet {
			continue
		}
		plain := param.ReplaceAllString(r.Path, "1")
		for _, value := range unstorable {
			var query []string
			for _, name := range names {
				query = append(query, name+"="+value)
			}
			try(who, "GET", plain+"?"+strings.Join(query, "&"), "", nil)
		}
		try(who, "GET", plain+"?%00=1&%ff=1", "", nil)
		if param.MatchString(r.Path) {
			for _, value := range []string{"9223372036854775808", "-1", "~", "_", "0x1", strings.Repeat("9", 400), "RF-99999999999999999999", "EX-99999999999999999999"} {
				try(who, "GET", param.ReplaceAllString(r.Path, value), "", nil)
			}
		}
	}
	odd := "\xff\xfe\xed\xa0\x80"
	for _, name := range []string{"User-Agent", "Accept-Language", "Referer", "Authorization", "Range", "If-Range", "Accept", "Accept-Encoding", "Cookie", "HX-Request", "HX-Current-URL", "X-Forwarded-For", "Origin"} {
		value := odd
		switch name {
		case "Cookie":
			value = "offramp-session=" + odd + "; offramp-language=" + odd + "; offramp-theme=" + odd + "; offramp-flash=" + odd + "; offramp-sign-in=" + odd
		case "Authorization":
			value = "Bearer " + odd
		}
		for _, path := range []string{"/en/", "/plan", "/sign-in", "/sign-in/callback?state=a&code=b", "/download/x/1", "/calendar/x", "/nowhere"} {
			try("anonymous", "GET", path, "", http.Header{name: {value}})
			try("owner", "GET", path, "", http.Header{name: {value}})
		}
	}
	json := http.Header{"Content-Type": {"application/json"}}
	for _, body := range []string{`{"ids":["\u0000"]}`, `{"ids":[1e400]}`, `{"a\u0000b":1}`, "\x00", "\xff", `"\ud800"`} {
		try("operator", "POST", "/console/ops/jobs/api/jobs/cancel", body, json)
		try("anonymous", "POST", "/webhooks/replacements/next", body, json)
		try("anonymous", "POST", "/webhooks/replacements/next/hand-over", body, json)
		try("anonymous", "POST", "/webhooks/stripe", body, json)
	}
	if asked < 1000 {
		t.Errorf("only %d requests", asked)
	}
	for _, query := range []string{"state=%00", "state=a&code=%ff", "state=a&code=b&iss=%00"} {
		if a := w.get("anonymous", "/sign-in/callback?"+query); a.status != http.StatusBadRequest {
			t.Errorf("callback with %s: %d", query, a.status)
		}
	}
}

// spoiled are values that programs write, and that a database or a number of ours refuses.
var spoiled = []string{
	`"\u0000"`, `"a\u0000b"`, `"\ud800"`, "\"\xff\"", `1e400`, `-1`, `99999999999999999999`, `0.1`, `"10000-01-01T00:00:00Z"`, `"0000-00-00T00:00:00Z"`,
	`"294277-01-01"`, `[]`, `{}`, `null`, `true`, `"` + strings.Repeat("x", 10_000) + `"`, `"\u202e\u2066"`, `""`,
}

// Signed messages: each field of each holds each of them in turn.
func TestI01_NothingInAProgramsMessageIsAnErrorOfOurs(t *testing.T) {
	w := newWorld(t)
	w.notify()
	w.tellAll()
	mail := reportSeals.Token(w.text(`SELECT mail_id FROM notice_delivery LIMIT 1`)) + "@moving.example"
	p, err := w.programme.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	with := *p
	with.Replacements = []migration.Replacement{{Key: "next", Name: migration.Text{"en": "Next"}, Kind: migration.KindOwn}}
	w.programme.p = &with
	stripe := func(body string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/webhooks/stripe", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Stripe-Signature", local.SignStripe([]byte(body), time.Now(), stripeSecret))
		r.Header.Set("Content-Type", "application/json")
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		return a.StatusCode
	}
	signed := func(path string) func(string) int {
		return func(body string) int {
			status, _ := w.hook(path, "msg_"+rand.Text(), body)
			return status
		}
	}
	leaf := regexp.MustCompile(`"@[^"]*"`) // what a message holds in the place of a value; # marks a number
	for name, c := range map[string]struct {
		send     func(string) int
		plain    int // the answer to the message as it is meant
		template string
	}{
		"mail":      {signed("/hooks/mail"), 204, `{"events": [{"type": "@delayed", "mail": "@` + mail + `", "status": "@5.1.1", "code": "@#550", "detail": "@no such user", "until": "@2026-06-06T01:00:00Z"}]}`},
		"texts":     {signed("/hooks/sms"), 204, `{"events": [{"type": "@failed", "reference": "@x", "code": "@1", "detail": "@x", "number": "@unknown", "text": "@STOP"}]}`},
		"report":    {signed("/webhooks/replacements/next"), 409, `{"customer_ref": "@HZ-20418", "state": "@done"}`},
		"hand-over": {signed("/webhooks/replacements/next/hand-over"), 410, `{"token": "@a.b.c"}`},
		"stripe": {stripe, 200, `{"id": "@evt_1", "object": "event", "type": "@refund.updated", "created": "@#1790000000", "api_version": "@x", "data": {"object": {"id": "@re_1", "object": "@refund",
			"amount": "@#100", "currency": "@cny", "status": "@succeeded", "created": "@#1", "metadata": {"offramp_refund": "@RF-2026-000001", "offramp_attempt": "@1"}}}}`},
	} {
		with := func(place int, value string) string { // -1: as it is meant
			n := -1
			return leaf.ReplaceAllStringFunc(c.template, func(found string) string {
				if n++; n == place {
					return value
				}
				if number, ok := strings.CutPrefix(found, `"@#`); ok {
					return strings.TrimSuffix(number, `"`)
				}
				return strings.Replace(found, "@", "", 1)
			})
		}
		if status := c.send(with(-1, "")); status != c.plain {
			t.Errorf("%s as it is meant: %d", name, status)
		}
		for i := range leaf.FindAllString(c.template, -1) {
			for _, value := range spoiled {
				body := with(i, value)
				if status := c.send(body); status >= 500 || status == 0 {
					t.Errorf("%s: %.200s: %d\n%s", name, body, status, w.log.String()[max(0, len(w.log.String())-300):])
				}
			}
		}
	}
	for _, id := range []string{"\xff", strings.Repeat("x", 5000), "'", " "} {
		if status, _ := w.hook("/hooks/mail", id, `{"events": []}`); status >= 500 || status == 0 {
			t.Errorf("message %q: %d", id, status)
		}
	}
}

// slowSessions answers nobody until the request is over.
type slowSessions struct {
	portal.Sessions
	began chan struct{}
}

func (s *slowSessions) Resolve(ctx context.Context, _ string, _ bool, _ ...auth.Also) (auth.Session, error) {
	close(s.began)
	<-ctx.Done()
	return auth.Session{}, fmt.Errorf("read session: %w", ctx.Err())
}

func TestAClientThatHangsUpIsNoErrorOfOurs(t *testing.T) {
	w := newWorld(t)
	slow := &slowSessions{began: make(chan struct{})}
	w.sessions = slow
	w.serve("http://portal.example")
	ctx, hangUp := context.WithCancel(t.Context())
	go func() {
		<-slow.began
		hangUp()
	}()
	r, err := http.NewRequestWithContext(ctx, "GET", w.url+"/plan", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := http.DefaultClient.Do(r); err == nil {
		res.Body.Close()
		t.Fatal("it was answered")
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(w.log.String(), `"status":499`); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("it is not in the log as one that hung up:\n%s", w.log)
		}
	}
	if strings.Contains(w.log.String(), `"level":"ERROR"`) {
		t.Errorf("an error is in the log:\n%s", w.log)
	}
}

// TestH03_WhoWasRefusedCostsNoLookAtTheSession takes the sessions away from under a flood: it is refused all the same, and nobody else is.
func TestH03_WhoWasRefusedCostsNoLookAtTheSession(t *testing.T) {
	w := newWorld(t)
	w.limits = w.bounded()
	w.serve("http://portal.example")
	form := url.Values{"return_to": {"/"}}
	for w.post("owner", "/theme/dark", form).status == http.StatusSeeOther {
	}
	w.sessions = broken{err: errors.New("the database is not asked")}
	w.serve("http://portal.example")
	a := w.post("owner", "/theme/dark", form)
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); a.status != http.StatusTooManyRequests || err != nil || seconds < 1 || seconds > 6 {
		t.Errorf("the one who was refused: %d, Retry-After %q", a.status, a.header.Get("Retry-After"))
	}
	for _, who := range []string{"member", "support"} {
		if a := w.post(who, "/theme/dark", form); a.status == http.StatusTooManyRequests {
			t.Errorf("%s is refused, too", who)
		}
	}
	if a := w.get("owner", "/plan"); a.status == http.StatusTooManyRequests {
		t.Error("reads are refused for what acts did")
	}
}
