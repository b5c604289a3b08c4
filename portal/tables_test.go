package portal_test

import (
	"regexp"
	"strings"
	"testing"
)

// changing is what of an address or a caption is somebody's or something's own.
var changing = regexp.MustCompile(`[A-Z0-9]{26}|[0-9]+|crm$|lake$`)

// TestTheWalkSeesEachTableWithRows holds that the world in which all pages are looked at on a phone has rows for each table:
// an empty one fits every screen.
func TestTheWalkSeesEachTableWithRows(t *testing.T) {
	w := newPrepaid(t)
	filled := map[string]bool{} // by page and table: whether somebody has seen it with rows
	for _, s := range w.sights() {
		path, _, _ := strings.Cut(s.path, "?")
		page := changing.ReplaceAllString(path, "#")
		for _, n := range elements(s.root, "table") {
			class, _ := attribute(n, "class")
			name := textOf(elements(n, "caption")[0])
			key := page + ": " + changing.ReplaceAllString(name, "#")
			filled[key] = filled[key] || !strings.Contains(class, "table--empty")
		}
	}
	if len(filled) < 40 {
		t.Errorf("%d tables", len(filled))
	}
	for key, rows := range filled {
		if !rows {
			t.Errorf("nobody sees a row of %s", key)
		}
	}
}
