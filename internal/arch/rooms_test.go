package arch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxFiles is how many hand-written files a package may have, tests not counted.
const maxFiles = 30

// large are the packages that have more. docs/adr/0016-rooms.md says why of each, with its figures.
var large = []string{
	"export/archive", "migration", "migration/refund", "portal/customer",
}

// TestPackagesStaySmall counts files of every operating system. A package that has become small leaves the list.
func TestPackagesStaySmall(t *testing.T) {
	listed := map[string]bool{}
	for _, folder := range large {
		listed[folder] = true
	}
	record, err := os.ReadFile("../../docs/adr/0016-rooms.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range packages(t) {
		folder := strings.TrimPrefix(p.ImportPath, module)
		n, ok := handWritten(t, p.Dir), listed[folder]
		delete(listed, folder)
		switch {
		case n > maxFiles && !ok:
			t.Errorf("%s has %d hand-written files, %d are the most; divide it, or record why not in docs/adr/0016-rooms.md", folder, n, maxFiles)
		case n <= maxFiles && ok:
			t.Errorf("%s has %d hand-written files and needs no exception any more", folder, n)
		case ok && !strings.Contains(string(record), "`"+folder+"`"):
			t.Errorf("docs/adr/0016-rooms.md does not say why %s is large", folder)
		}
	}
	for folder := range listed {
		t.Errorf("there is no package %s", folder)
	}
}

// handWritten counts the Go files of a folder that are neither tests nor generated.
func handWritten(t *testing.T, dir string) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
			continue
		}
		n++
	}
	return n
}
