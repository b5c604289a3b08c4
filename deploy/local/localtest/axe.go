package localtest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// axeScript is axe-core 4.14.1, licensed under the MPL 2.0 (axe/LICENSE). It runs in tests only and is served to nobody.
//
//go:embed axe/axe.min.js
var axeScript string

// axeRun checks against WCAG 2.0 to 2.2, levels A and AA, and axe's best practices.
const axeRun = `axe.run(document, {
	runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
	resultTypes: ["violations"],
}).then(r => JSON.stringify(r.violations))`

// Violation is one broken rule of accessibility.
type Violation struct {
	ID     string
	Impact string
	Help   string
	Nodes  []struct{ HTML, FailureSummary string }
}

// AxeViolations checks the page that the tab shows.
func AxeViolations(t testing.TB, tab *Tab) []Violation {
	t.Helper()
	Eval[any](tab, axeScript+";null")
	var found []Violation
	if err := json.Unmarshal([]byte(Eval[string](tab, axeRun)), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// Axe fails the test if the page that the tab shows breaks a rule of accessibility.
func Axe(t testing.TB, tab *Tab) {
	t.Helper()
	for _, v := range AxeViolations(t, tab) {
		var where strings.Builder
		for _, n := range v.Nodes {
			fmt.Fprintf(&where, "\n\t%s\n\t\t%s", n.HTML, strings.ReplaceAll(n.FailureSummary, "\n", "\n\t\t"))
		}
		t.Errorf("accessibility at %s: %s (%s): %s%s", tab.where(), v.ID, v.Impact, v.Help, where.String())
	}
}

func quoteJS(s string) string {
	b, _ := json.Marshal(s) // a string always marshals
	return string(b)
}
