package portal_test

import (
	"net/url"
	"strings"
	"testing"
)

// Nobody mends one field to be told of the next: a form that comes back names every bad field at once, beside it and above the page,
// and keeps what was sent.
func TestEveryBadFieldIsNamedAtOnce(t *testing.T) {
	w := newPrepaid(t)
	w.offer()
	e := w.requestExport("owner", "a")
	w.seal(e, "a", partial())
	for _, c := range []struct {
		who, method, path string
		form              url.Values
		fields, kept      []string
	}{
		{"owner", "POST", "/exports/new/check", url.Values{"volume": {"7"}}, []string{"scope", "format", "volume"}, nil},
		{"owner", "POST", "/exports/" + e.ID + "/deliver", url.Values{"bucket": {"Not A Bucket"}}, []string{"bucket", "access_key", "secret_key"}, []string{"Not A Bucket"}},
		{"owner", "POST", "/confirm", nil, []string{"declare", "override"}, nil},
		{"finance_clerk", "GET", queue + "?status=lost&least=much&most=x&currency=CNY&older=y", nil, []string{"status", "least", "most", "older"}, []string{"much", "x"}},
		{"auditor", "GET", "/console/audit?from=soon&to=2026-13-01", nil, []string{"from", "to"}, []string{"soon", "2026-13-01"}},
		{"owner", "POST", "/account", url.Values{"zone": {"Mars"}, "locale": {"xx"}}, []string{"zone", "locale"}, nil},
	} {
		a := w.get(c.who, c.path)
		if c.method == "POST" {
			a = w.post(c.who, c.path, c.form)
		}
		if a.status != 422 {
			t.Errorf("%s: %d to %s\n%.300s", c.path, a.status, a.location, a.body)
		}
		for _, id := range c.fields {
			if !strings.Contains(a.body, `id="`+id+`-error"`) || !strings.Contains(a.body, `href="#`+id) {
				t.Errorf("%s: nothing is said of %s", c.path, id)
			}
		}
		for _, value := range c.kept {
			if !strings.Contains(a.body, `value="`+value+`"`) {
				t.Errorf("%s: %q is lost", c.path, value)
			}
		}
	}
}
