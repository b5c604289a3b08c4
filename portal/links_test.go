package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// TestEveryLinkLeadsSomewhere follows each link of each page as those who see it: it leads to a page or file that they get, and a
// place within a page is there.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	w := newPrepaid(t)
	got, followed := map[string]answer{}, 0
	for _, s := range w.sights() {
		for _, link := range s.links() {
			path, place, _ := strings.Cut(link, "#")
			root := s.root
			if path != "" {
				key := s.who + " " + path
				a, ok := got[key]
				if !ok {
					a = w.get(s.who, path)
					got[key], followed = a, followed+1
				}
				switch {
				case a.status == http.StatusSeeOther && strings.HasPrefix(a.location, "/") && !strings.HasPrefix(a.location, "/sign-in"):
					a = w.get(s.who, a.location)
				case a.status == http.StatusSeeOther || a.status == http.StatusFound || a.status == http.StatusPermanentRedirect:
					continue // to the store, to sign in, or to River's first page
				case strings.HasSuffix(path, "/sign-in/start"):
					continue // this world has no OpenID provider
				}
				if a.status != http.StatusOK {
					t.Errorf("%s of %s links %s: %d %s", s.path, s.who, link, a.status, a.location)
					continue
				}
				root = parsed(t, a.body)
			}
			if place != "" && !holds(root, place) {
				t.Errorf("%s of %s links %s: the page has no such place", s.path, s.who, link)
			}
		}
	}
	if followed < 150 {
		t.Errorf("%d links followed", followed)
	}
}

// links are the addresses of ours that a page names.
func (s sight) links() (list []string) {
	seen := map[string]bool{}
	for _, n := range elements(s.root, "a", "link", "img", "script", "iframe") {
		to, ok := attribute(n, "href")
		if !ok {
			to, ok = attribute(n, "src")
		}
		at, err := url.Parse(to)
		if !ok || err != nil || at.Scheme != "" || at.Host != "" || seen[to] {
			continue
		}
		seen[to] = true
		list = append(list, to)
	}
	return list
}

func holds(root *html.Node, id string) bool {
	for n := range root.Descendants() {
		if at, ok := attribute(n, "id"); ok && at == id {
			return true
		}
	}
	return false
}

// TestBackGoesOneStep holds that the page to which Back leads a customer leads to the page it is on, by a link or as the next question
// of a form: nobody skips a step.
func TestBackGoesOneStep(t *testing.T) {
	w, seen := newPrepaid(t), 0
	for _, s := range w.sights() {
		if strings.HasPrefix(s.path, "/console") { // staff's lists are filtered: what somebody has found may be no longer on them
			continue
		}
		for _, n := range elements(s.root, "a") {
			class, _ := attribute(n, "class")
			to, _ := attribute(n, "href")
			if class != "back" {
				continue
			}
			seen++
			own, _, _ := strings.Cut(s.path, "?")
			before := sight{s.who, to, parsed(t, w.get(s.who, to).body)}
			there := own == "/refund/CNY/bank" && to == "/refund/CNY/method" // the next question
			for _, link := range before.links() {
				path, _, _ := strings.Cut(link, "?")
				path, _, _ = strings.Cut(path, "#")
				there = there || path == own
			}
			if !there {
				t.Errorf("%s of %s goes back to %s, which does not lead to it", s.path, s.who, to)
			}
		}
	}
	if seen < 15 {
		t.Errorf("%d pages with a way back", seen)
	}
}
