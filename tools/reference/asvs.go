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

// requirements lists those of ASVS 5.0 at levels 1 and 2 that apply, in our words: id, level, what it asks for, and the tests that
// prove it, or "gap:" and what is missing.
//
//go:embed asvs.txt
var requirements string

var anyTest = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// asvs renders the list. A test that is named and does not exist is an error.
func asvs() ([]byte, error) {
	homes, err := testHomes(".")
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	proved, gaps, left := 0, 0, false
	for line := range strings.Lines(requirements) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			left = heading == "Left out"
			head := "| id | level | what it asks for | proved by |\n|---|---|---|---|"
			if left {
				head = "| id | why |\n|---|---|"
			}
			fmt.Fprintf(&body, "\n## %s\n%s\n", heading, head)
			continue
		}
		fields := strings.Split(line, "|")
		switch {
		case line == "":
		case left && len(fields) == 2:
			fmt.Fprintf(&body, "| %s | %s |\n", strings.ReplaceAll(fields[0], "*", `\*`), fields[1])
		case !left && len(fields) == 4:
			proof, err := proofOf(fields[3], homes)
			if err != nil {
				return nil, fmt.Errorf("asvs.txt: %s: %w", fields[0], err)
			}
			if strings.HasPrefix(fields[3], "gap:") {
				gaps++
			} else {
				proved++
			}
			fmt.Fprintf(&body, "| %s | %s | %s | %s |\n", fields[0], fields[1], fields[2], proof)
		default:
			return nil, fmt.Errorf("asvs.txt: cannot read %q", line)
		}
	}
	return append(fmt.Appendf(nil, `# ASVS 5.0, levels 1 and 2

The requirements of the OWASP Application Security Verification Standard 5.0.0 that apply here, in our words, with the tests that prove
each. %d are proved by tests; %d are not, or not wholly, and say what is missing. The numbers are the standard's, whose text counts.
`, proved, gaps), body.Bytes()...), nil
}

// proofOf renders the last column.
func proofOf(field string, homes map[string]string) (string, error) {
	if gap, ok := strings.CutPrefix(field, "gap:"); ok {
		return "**gap**: " + strings.TrimSpace(gap), nil
	}
	var tests []string
	for name := range strings.SplitSeq(field, ",") {
		home := homes[name]
		if home == "" {
			return "", fmt.Errorf("there is no test %s", name)
		}
		tests = append(tests, fmt.Sprintf("`%s` (%s)", name, home))
	}
	return strings.Join(tests, "<br>"), nil
}

// testHomes maps each test to its folder.
func testHomes(root string) (map[string]string, error) {
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path) // our own tree
		for _, m := range anyTest.FindAllSubmatch(source, -1) {
			found[string(m[1])] = append(found[string(m[1])], filepath.Dir(path))
		}
		return err
	})
	homes := map[string]string{}
	for name, dirs := range found {
		sort.Strings(dirs)
		homes[name] = strings.Join(dirs, ", ")
	}
	return homes, err
}
