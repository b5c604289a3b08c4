package portal_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
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
