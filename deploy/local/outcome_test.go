package local

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// press posts a form of a stand-in's page as its browser does.
func press(t *testing.T, address string, form url.Values) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestTheMailboxBouncesWhatItsPageSays(t *testing.T) {
	t.Parallel()
	m, c := startMail(t)
	send := func(to string) string {
		if err := c.DialAndSendWithContext(t.Context(), letter(t, to)); err != nil {
			return err.Error()
		}
		return ""
	}
	for _, c := range []struct{ form, code string }{{"good", "550"}, {"now", "451"}} { // the page shows the latest
		if status := press(t, m.URL+"/bounces", url.Values{"address": {"Owner@Example.com"}, "for": {c.form}}); status != 303 {
			t.Fatal(status)
		}
		if got := send("owner@example.com"); !strings.Contains(got, c.code) {
			t.Errorf("%s: %q", c.form, got)
		}
	}
	if _, body := fetch(t, m.URL); !strings.Contains(body, "owner@example.com: refused for now") {
		t.Error(body)
	}
	if got := send("other@example.com"); got != "" {
		t.Error(got)
	}
	press(t, m.URL+"/bounces", url.Values{"address": {"owner@example.com"}, "for": {"no"}})
	if got := send("owner@example.com"); got != "" || len(m.Messages("owner@example.com")) != 1 {
		t.Errorf("taken again: %q, %d mails", got, len(m.Messages("owner@example.com")))
	}
	for _, bad := range []url.Values{{"address": {"nobody"}, "for": {"good"}}, {"address": {"a@example.com"}, "for": {"x"}}} {
		if status := press(t, m.URL+"/bounces", bad); status != 422 {
			t.Errorf("%v: %d", bad, status)
		}
	}
}

func TestThePaymentProvidersPageOffersEachOutcome(t *testing.T) {
	t.Parallel()
	s, err := StartStripe(t.Context(), StripeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for _, o := range stripeOutcomes {
		if status := press(t, s.URL+"/next", url.Values{"outcome": {o.Name}}); status != 303 {
			t.Fatal(status)
		}
	}
	_, body := fetch(t, s.URL)
	for _, o := range stripeOutcomes {
		if !strings.Contains(body, "<li>"+o.Words+"</li>") || !strings.Contains(body, `value="`+o.Name+`"`) {
			t.Errorf("%s is not offered:\n%s", o.Name, body)
		}
	}
	order := func() *http.Request { return &http.Request{Method: http.MethodPost} }
	for _, o := range stripeOutcomes {
		if got := s.faults.next(order()); got != o.fault {
			t.Errorf("%s: the order meets %d", o.Name, got)
		}
	}
	press(t, s.URL+"/next", url.Values{"outcome": {"timeout"}})
	press(t, s.URL+"/next", url.Values{"outcome": {"none"}})
	if got := s.faults.next(order()); got != StripeFine {
		t.Errorf("after all goes well again: %d", got)
	}
}
