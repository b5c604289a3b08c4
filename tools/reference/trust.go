package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

// rows is the trust catalogue: headings and one row a line, each beginning with its name.
//
//go:embed trust.txt
var rows string

var (
	rowName  = regexp.MustCompile(`^([A-Z])(\d+) (.*)$`)
	testName = regexp.MustCompile(`(?m)^func (Test([A-Z])(\d\d)_\w+)\(`)
)

// databaseRoles says plainly what each role of the database may do.
//
//go:embed roles.md
var databaseRoles string

// trust renders the catalogue with the tests that prove each row, found by their names.
func trust() ([]byte, error) {
	proofs, err := findProofs(".")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(`# Trust catalogue

What the portal must withstand. A test that proves a row bears its name, so a search for ` + "`TestE04_`" + ` finds the proof of E4.
A row without a test is not claimed yet.
`)
	for line := range strings.Lines(rows) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			fmt.Fprintf(&b, "\n## %s\n| row | what must hold | proved by |\n|---|---|---|\n", heading)
			continue
		}
		m := rowName.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		var number int
		_, _ = fmt.Sscan(m[2], &number)
		fmt.Fprintf(&b, "| %s%s | %s | %s |\n", m[1], m[2], strings.ReplaceAll(m[3], "|", "\\|"), strings.Join(proofs[fmt.Sprintf("%s%02d", m[1], number)], "<br>"))
	}
	b.WriteString(databaseRoles)
	return b.Bytes(), nil
}

// findProofs maps a row such as E04 to its tests, with the folder of each.
func findProofs(root string) (map[string][]string, error) {
	proofs := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path) // our own tree
		if err != nil {
			return err
		}
		for _, m := range testName.FindAllSubmatch(source, -1) {
			row := string(m[2]) + string(m[3])
			proofs[row] = append(proofs[row], fmt.Sprintf("`%s` (%s)", m[1], filepath.Dir(path)))
		}
		return nil
	})
	for _, tests := range proofs {
		sort.Strings(tests)
	}
	return proofs, err
}
