package portal_test

import (
	"strings"
	"testing"
)

func TestPlanPageShows(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ who, path, text string }{
		{"owner", "/plan", "Farshore Design Studio · Customer number HZ-20418"},
		{"owner", "/plan", `<span class="count__num">71</span>`},
		{"owner", "/plan", "Thank you for six years. We put all our work into its successor."},
		{"owner", "/plan", "Sun, 31 January 2027"},
		{"owner", "/plan", "101 days left"},
		{"owner", "/plan", "Beijing time (UTC+8)"},
		{"owner", "/plan", "moving@hezhou.example"},
	} {
		a := w.get(c.who, c.path)
		if a.status != 200 || !strings.Contains(a.body, c.text) {
			t.Errorf("%s %s: %d, no %q\n%s", c.who, c.path, a.status, c.text, a.body)
		}
	}
}
