package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// commandPaths are the commands of the binary, from the tree that it parses by.
func commandPaths(t *testing.T) (paths []string) {
	t.Helper()
	var cli commands
	parser, err := kong.New(&cli, kong.Name("offramp"), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		words := []string{leaf.Name}
		for up := leaf.Parent; up != nil && up.Type == kong.CommandNode; up = up.Parent {
			words = append([]string{up.Name}, words...)
		}
		paths = append(paths, strings.Join(words, " "))
	}
	return paths
}

// doc reads a page of docs.
func doc(t *testing.T, path ...string) string {
	t.Helper()
	return readFile(t, filepath.Join(append([]string{"..", "..", "docs"}, path...)...))
}

func TestTheReferenceListsEveryCommand(t *testing.T) {
	t.Parallel()
	page, paths := doc(t, "reference", "cli.md"), commandPaths(t)
	if len(paths) < 12 {
		t.Fatalf("only %q", paths)
	}
	for _, path := range paths {
		if !strings.Contains(page, "\n## offramp "+path+"\n") {
			t.Errorf("docs/reference/cli.md does not list offramp %s: run make generate", path)
		}
	}
	if n := strings.Count(page, "\n## offramp "); n != len(paths) {
		t.Errorf("docs/reference/cli.md has %d commands, the binary %d", n, len(paths))
	}
}

// TestPagesNameWhatThereIs holds the commands that any page tells people to type against the tree.
func TestPagesNameWhatThereIs(t *testing.T) {
	t.Parallel()
	var first []string
	for _, path := range commandPaths(t) {
		first = append(first, strings.Fields(path)[0])
	}
	known := regexp.MustCompile(`^(` + strings.Join(first, "|") + `)\b`)
	named := regexp.MustCompile("`offramp ([a-z][^`|]*)`|(?m:^    offramp ([a-z].*)$)")
	for _, file := range pagesOfDocs(t) {
		for _, m := range named.FindAllStringSubmatch(readFile(t, file), -1) {
			if !known.MatchString(m[1] + m[2]) {
				t.Errorf("%s names %q, which is no command", file, "offramp "+m[1]+m[2])
			}
		}
	}
}

func pagesOfDocs(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../../docs/*.md", "../../docs/*/*.md", "../../README.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 20 {
		t.Fatalf("only %q", files)
	}
	return files
}

func TestTheRunbooksIndexListsEveryPage(t *testing.T) {
	t.Parallel()
	index := doc(t, "runbook", "README.md")
	entries, err := os.ReadDir(filepath.Join("..", "..", "docs", "runbook"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "README.md" && !strings.Contains(index, "("+e.Name()+")") {
			t.Errorf("docs/runbook/README.md does not list %s", e.Name())
		}
	}
}

var metricName = regexp.MustCompile(`"(offramp_[a-z_]+)"`)

// TestTheRunbooksMetricsExist holds each metric that a page relies on against the code that registers it.
func TestTheRunbooksMetricsExist(t *testing.T) {
	t.Parallel()
	registered := map[string]bool{}
	for _, room := range []string{"auth", "export", "internal", "migration", "portal"} {
		err := filepath.WalkDir(filepath.Join("..", "..", room), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, m := range metricName.FindAllStringSubmatch(readFile(t, path), -1) {
				registered[m[1]] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	relied := regexp.MustCompile("`(offramp_[a-z_]+)(?:`|\\{)")
	found := 0
	pages, err := filepath.Glob("../../docs/runbook/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range pages {
		for _, m := range relied.FindAllStringSubmatch(readFile(t, file), -1) {
			if roles[m[1]] {
				continue
			}
			found++
			if !registered[m[1]] {
				t.Errorf("%s relies on the metric %s, which nobody registers", file, m[1])
			}
		}
	}
	if found < 8 {
		t.Errorf("only %d metrics are relied on", found)
	}
}

// roles of the database have names of the same form.
var roles = map[string]bool{"offramp_app": true, "offramp_owner": true, "offramp_web": true, "offramp_work": true, "offramp_dump": true}

// TestTheUnitsKeepTheMetrics: the runbook reads metrics of every process, so no shipped unit may switch them off.
func TestTheUnitsKeepTheMetrics(t *testing.T) {
	t.Parallel()
	units, err := filepath.Glob("../../deploy/systemd/*.service")
	if err != nil || len(units) < 2 {
		t.Fatal(units, err)
	}
	for _, unit := range units {
		if strings.Contains(readFile(t, unit), "OFFRAMP_WEB_METRICS=off") {
			t.Errorf("%s switches the metrics off", unit)
		}
	}
}
