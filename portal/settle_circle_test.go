package portal_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"offramp/migration"
)

// follows goes on from an answer as a browser does, to the first page that is none of a redirect.
func (w *world) follows(who string, a answer) (at string, last answer) {
	w.Helper()
	var been []string
	cookies := map[string]string{}
	for a.status == 303 {
		if slices.Contains(been, a.location) || len(been) > 5 {
			w.Fatalf("round in a circle: %v and %s again", been, a.location)
		}
		for _, c := range (&http.Response{Header: a.header}).Cookies() {
			cookies[c.Name] = c.Value
		}
		been = append(been, a.location)
		a = w.do(who, "GET", a.location, "", http.Header{"Cookie": {cookieLine(cookies)}})
	}
	return strings.Join(been, " "), a
}

func cookieLine(cookies map[string]string) string {
	var parts []string
	for name, value := range cookies {
		parts = append(parts, name+"="+value)
	}
	return strings.Join(parts, "; ")
}

func TestSubmittingNeverLeadsRoundInACircle(t *testing.T) {
	for name, tt := range map[string]struct {
		method string
		breaks func(w *world) // between the check and the submission
		again  string         // what can be chosen then
	}{
		"nothing is chosen any more": {"original", func(w *world) { w.exec(`DELETE FROM refund_draft`) }, "original"},
		"the account is gone":        {"bank", func(w *world) { w.exec(`UPDATE refund_draft SET account = '', account_kind = '', account_last4 = ''`) }, "waive"},
		"the way is not offered any more": {"waive", func(w *world) {
			w.programme.p.Refund.Payout.Methods = []string{migration.SettleOriginal, migration.SettleBank}
		}, "original"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newPrepaid(t)
			w.sent("owner", "/refund/CNY/method", url.Values{"method": {tt.method}}, 303)
			if tt.method == "bank" {
				w.sent("owner", "/refund/CNY/bank", url.Values{"kind": {"iban"}, "number": {"DE89370400440532013000"}, "holder": {"Lin"}, "bank": {"COBADEFFXXX"}}, 303)
			}
			digest := url.Values{"quote": {w.found(shownDigest, w.shows("owner", "/refund/CNY/check"))}}
			tt.breaks(w)
			at, a := w.follows("owner", w.post("owner", "/refund/CNY/check", digest))
			if at != "/refund/CNY/method" || a.status != 200 {
				t.Fatalf("at %s: %d", at, a.status)
			}
			w.shownIn(a.body, "How do you want your money back?", "Choose again.", `value="`+tt.again+`"`)

			at, a = w.follows("owner", w.post("owner", "/refund/CNY/method", url.Values{"method": {tt.again}}))
			if at != "/refund/CNY/check" || a.status != 200 {
				t.Fatalf("after choosing again at %s: %d", at, a.status)
			}
			sent := w.post("owner", "/refund/CNY/check", url.Values{"quote": {w.found(shownDigest, a.body)}})
			at, a = w.follows("owner", sent)
			if !strings.HasSuffix(at, "/submitted") || strings.Contains(at, " ") || a.status != 200 {
				t.Fatalf("after sending at %s: %d", at, a.status)
			}
			w.shownIn(a.body, shownRef.FindString(at), `href="/refund/`+shownRef.FindString(at)+`"`)
			if again := w.post("owner", "/refund/CNY/check", digest); again.location != sent.location {
				t.Errorf("sent once more: %d to %s", again.status, again.location)
			}
			if _, a = w.follows("owner", w.get("owner", "/refund/CNY/check")); a.status != 409 {
				t.Errorf("the check of what was sent: %d", a.status)
			}
		})
	}
}
