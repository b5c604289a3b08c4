package main

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local"
)

// till is the running demonstration with everybody who has to do with a refund, each with a browser of their own.
type till struct {
	*testing.T
	report   report
	browsers map[string]*local.Visitor
	second   map[string]int // how often a refund was approved by two, by reference
}

// account finds somebody who can sign in: the first of a role, or the next.
func (h *till) account(role, customer string, next bool) account {
	h.Helper()
	for _, u := range h.report.Users {
		if u.Role == role && u.Customer == customer {
			if !next {
				return u
			}
			next = false
		}
	}
	h.Fatalf("nobody is %s of %q", role, customer)
	return account{}
}

// enters opens a browser, signs in, and reads English from then on.
func (h *till) enters(who string, a account, start string) {
	h.Helper()
	h.browsers[who] = local.NewVisitor(h.report.PortalURL)
	page, err := h.browsers[who].SignIn(h.Context(), start, a.Email, a.Password)
	if err != nil || page.Status != 200 {
		h.Fatalf("%s signs in: %v, %d at %s", a.Email, err, page.Status, page.URL)
	}
	h.sends(who, "/language/en", nil)
}

// owns signs the owner of a customer in.
func (h *till) owns(who, customer string) account {
	h.Helper()
	a := h.account("customer_owner", customer, false)
	h.enters(who, a, "/sign-in/start?return_to=/refund")
	return a
}

// sees opens a page, which must show some texts.
func (h *till) sees(who, path string, texts ...string) string {
	h.Helper()
	page, err := h.browsers[who].Get(h.Context(), path)
	if err != nil || page.Status != 200 {
		h.Fatalf("%s opens %s: %v, %d", who, path, err, page.Status)
	}
	for _, text := range texts {
		if !strings.Contains(page.Body, text) {
			h.Fatalf("%s at %s does not see %q:\n%s", who, path, text, page.Body)
		}
	}
	return page.Body
}

// sends fills a form in and returns the page that it leads to.
func (h *till) sends(who, path string, form url.Values) local.Page {
	h.Helper()
	page, err := h.browsers[who].Post(h.Context(), path, form)
	if err != nil || page.Status != 200 {
		h.Fatalf("%s sends %v to %s: %v, %d\n%s", who, form, path, err, page.Status, page.Body)
	}
	return page
}

// found is what a page has in a place.
func (h *till) found(where *regexp.Regexp, body string) string {
	h.Helper()
	m := where.FindStringSubmatch(body)
	if m == nil {
		h.Fatalf("no %s in\n%s", where, body)
	}
	return m[len(m)-1]
}

// decides sends a decision upon the version of the refund that the console shows.
func (h *till) decides(who, ref, act string) {
	h.Helper()
	version := h.found(shownVersion, h.sees(who, consoleRefunds+"/"+ref))
	h.sends(who, consoleRefunds+"/"+ref+"/"+act, url.Values{"version": {version}})
}

// asks sends a request off, twice at the same time as impatient people do, and returns its reference.
func (h *till) asks(who, body string) string {
	h.Helper()
	form := url.Values{"quote": {h.found(shownQuote, body)}}
	pages := make([]local.Page, 2)
	h.twice(func(i int) (err error) {
		pages[i], err = h.browsers[who].Post(h.Context(), "/refund/CNY/check", form)
		return err
	})
	refs := []string{shownRef.FindString(pages[0].URL.Path), shownRef.FindString(pages[1].URL.Path)}
	if refs[0] == "" || refs[0] != refs[1] {
		h.Fatalf("two clicks are %q", refs)
	}
	return refs[0]
}

func (h *till) twice(do func(i int) error) {
	h.Helper()
	var group sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		group.Go(func() { errs[i] = do(i) })
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			h.Fatal(err)
		}
	}
}

// releases makes a batch of everything that waits and releases it, with two clicks at once. It returns the batch's path.
func (h *till) releases(method string) string {
	h.Helper()
	batch := h.sends("clerk", consoleBatches, url.Values{"method": {method}, "currency": {"CNY"}}).URL.Path
	h.sees("releaser", batch, "the money leaves")
	h.twice(func(int) error {
		_, err := h.browsers["releaser"].Post(h.Context(), batch+"/release", nil)
		return err
	})
	return batch
}

// becomes waits until the customer is told something of a refund.
func (h *till) becomes(who, ref, text string) {
	h.Helper()
	eventually(h.T, 20*time.Second, ref+" is told to be: "+text, func() bool { return strings.Contains(h.sees(who, "/refund/"+ref), text) })
}

// made lists the provider's refunds of a reference.
func (h *till) made(ref string) []local.StripeRefund {
	h.Helper()
	var all []local.StripeRefund
	if err := json.Unmarshal([]byte(h.sees("clerk", h.report.StripeURL+"/api/refunds")), &all); err != nil {
		h.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r local.StripeRefund) bool { return r.Ref() != ref })
}

// toldOthers waits until the customer-relations system was told of a customer, signed.
func (h *till) toldOthers(customer string, texts ...string) {
	h.Helper()
	eventually(h.T, 20*time.Second, "the sink is told: "+strings.Join(texts, ", "), func() bool {
		var all []local.Delivery
		if err := json.Unmarshal([]byte(h.sees("clerk", h.report.WebhooksURL+"/api/events")), &all); err != nil {
			h.Fatal(err)
		}
		return slices.ContainsFunc(all, func(e local.Delivery) bool {
			return e.Verified && !slices.ContainsFunc(append(texts, customer), func(text string) bool { return !strings.Contains(e.Body, text) })
		})
	})
}

// text asks the portal's database for one value.
func (h *till) text(sql string) (s string) {
	h.Helper()
	return read[string](h.T, h.report.DatabaseURL, sql)
}
