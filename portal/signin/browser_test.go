package signin_test

import (
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

// A browser holds the pages to their own policy: the way to the provider and back must not break it.
func TestH02_SignInAndOutInABrowser(t *testing.T) {
	w := newWorld(t)
	tab := localtest.Browser(t)
	tab.Size(360, 800)
	tab.Open(w.url + "/sign-in?return_to=/account")
	localtest.Axe(t, tab)
	tab.Click("main a.btn--primary")
	tab.Fill("input[name=email]", "ada@canary.example")
	tab.Fill("input[name=password]", password)
	tab.Press("\r")
	tab.Wait("#sessions")
	if !strings.HasSuffix(tab.Address(), "/account") {
		t.Errorf("arrived at %s", tab.Address())
	}
	for _, scheme := range []string{"light", "dark"} {
		tab.Theme(scheme)
		localtest.Axe(t, tab)
	}
	if tab.Overflow() > 0 {
		t.Errorf("the account page is %d px too wide", tab.Overflow())
	}
	tab.Click(".menu summary")
	tab.Click(".menu form button")
	tab.Wait("main a[href='/sign-in']") // by way of the provider
	if !strings.HasSuffix(tab.Address(), "/signed-out") {
		t.Errorf("signed out at %s", tab.Address())
	}
	localtest.Axe(t, tab)
	tab.Open(w.url + "/sign-in/start")
	if !strings.HasPrefix(tab.Address(), w.customers.Issuer) {
		t.Errorf("the provider lets the browser in by itself: %s", tab.Address())
	}
	tab.Open(w.url + "/sign-in/callback")
	tab.Allow("400")
	localtest.Axe(t, tab)
}
