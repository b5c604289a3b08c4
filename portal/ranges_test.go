package portal_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"offramp/portal/limit"
	"offramp/portal/page"
)

func TestH03_ManyRangesAreOneFile(t *testing.T) {
	w := newDeliveredAs(t, true, 300<<10)
	ranges := make([]string, 4000)
	for i := range ranges {
		ranges[i] = fmt.Sprintf("%d-%d", i*8, i*8)
	}
	ask := func(n int) answer {
		return w.do("owner", "GET", w.path("/volumes/1/file"), "", http.Header{"Range": {"bytes=" + strings.Join(ranges[:n], ",")}})
	}
	if a := ask(4); a.status != http.StatusPartialContent || !strings.HasPrefix(a.header.Get("Content-Type"), "multipart/byteranges") {
		t.Errorf("four ranges: %d %s", a.status, a.header.Get("Content-Type"))
	}
	for _, n := range []int{5, 4000} {
		if a := ask(n); a.status != http.StatusOK || sum([]byte(a.body)) != sum(w.files[0]) {
			t.Errorf("%d ranges: %d, %d bytes", n, a.status, len(a.body))
		}
	}
}

// What was given to a person is gone with them, also where files come through the server.
func TestA08_WhoIsDisabledGetsNoFileThroughTheServer(t *testing.T) {
	w := newDeliveredAs(t, true, 1000)
	_, token := w.script("sh")
	file := w.path("/volumes/1/file")
	script := func() answer {
		return fetchURL(t, w.url+"/download/"+w.id+"/1", http.Header{"Authorization": {"Bearer " + token}})
	}
	if a, b := w.get("owner", file), script(); a.status != 200 || b.status != 200 || a.body != string(w.files[0]) || b.body != a.body {
		t.Fatalf("before: %d, %d", a.status, b.status)
	}
	w.sent("programme_manager", "/console/people/customer/"+w.ids["owner"]+"/disable", url.Values{"reason": {"Has left"}}, 303)
	if a := w.get("owner", file); a.status != 303 || !strings.HasPrefix(a.location, "/sign-in") {
		t.Errorf("by the session: %d to %s", a.status, a.location)
	}
	if a := script(); a.status != 401 {
		t.Errorf("by the script's token: %d", a.status)
	}
}

func TestH03_OneTransferAtATimeForEachCustomer(t *testing.T) {
	w := newDeliveredAs(t, true, 48<<20)
	shared := func() limit.Shared {
		return limit.Shared{Gate: limit.NewGate(1, 8, 0), Store: limit.Store{Pool: w.web.Pool}, Kind: "transfer"}
	}
	w.transfers = shared()
	w.serve("http://portal.example")
	first := w.url
	w.transfers = shared() // another replica's
	w.serve("http://portal.example")
	other := w.url
	w.url = first
	r, err := http.NewRequestWithContext(t.Context(), "GET", w.url+w.path("/volumes/1/file"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: page.SessionCookie, Value: w.cookies["owner"]})
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil || res.StatusCode != 200 { // and leaves the rest where it is
		t.Fatal(res.StatusCode, err)
	}
	second := w.get("owner", w.path("/volumes/1/file"))
	if second.status != http.StatusTooManyRequests || second.header.Get("Retry-After") == "" || !strings.Contains(second.body, "Another file is on its way to you") {
		t.Errorf("a second file at once: %d %v\n%s", second.status, second.header, second.body)
	}
	w.url = other
	if a := w.get("owner", w.path("/volumes/1/file")); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
		t.Errorf("a second file from another replica: %d %v", a.status, a.header)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if a := w.do("owner", "HEAD", w.path("/volumes/1/file"), "", nil); a.status != 200 {
		t.Errorf("a look at it: %d", a.status)
	}
	if a := w.do("owner", "GET", w.path("/volumes/1/file"), "", http.Header{"Range": {"bytes=0-9"}}); a.status != http.StatusPartialContent {
		t.Errorf("after the first has ended: %d", a.status)
	}
	// One that died and gave nothing back holds its place until the lease ends.
	w.exec(`UPDATE rate_limit SET until = clock_timestamp() + interval '20 seconds' WHERE key LIKE 'transfer:%'`)
	if a := w.get("owner", w.path("/volumes/1/file")); a.status != http.StatusTooManyRequests {
		t.Errorf("while the lease lasts: %d", a.status)
	}
	w.exec(`UPDATE rate_limit SET until = clock_timestamp() WHERE key LIKE 'transfer:%'`)
	if a := w.do("owner", "GET", w.path("/volumes/1/file"), "", http.Header{"Range": {"bytes=0-9"}}); a.status != http.StatusPartialContent {
		t.Errorf("after the lease has ended: %d", a.status)
	}
}

func TestTheWayThroughThePortalExistsOnlyWhereLinksCannot(t *testing.T) {
	w := newDelivered(t, 1000)
	if a := w.get("owner", w.path("/volumes/1/file")); a.status != http.StatusNotFound {
		t.Errorf("%d", a.status)
	}
	if a := w.get("owner", w.path("/volumes/1")); a.status != http.StatusFound {
		t.Errorf("the link: %d", a.status)
	}
}
