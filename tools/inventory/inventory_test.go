package inventory_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"offramp/tools/inventory"
)

// build makes the production binary from the sources at dir, as `make build` does.
func build(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	c := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, "./cmd/offramp")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// elsewhere is the same tree at another path.
func elsewhere(t *testing.T, root string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a", "longer", "path")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	const pack = `tar -C "$0" --exclude=./.git --exclude=./.demo --exclude=./bin --exclude=./node_modules -cf - . | tar -C "$1" -xf -`
	c := exec.CommandContext(t.Context(), "bash", "-c", pack, root, dir)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("copy: %v: %s", err, out)
	}
	return dir
}

func TestS03_TheSameSourceGivesTheSameBinaryAndBillOfMaterials(t *testing.T) {
	if testing.Short() {
		t.Skip("links the production binary twice")
	}
	const root = "../.."
	first, second := build(t, root, "offramp"), build(t, elsewhere(t, root), "offramp")
	if !bytes.Equal(read(t, first), read(t, second)) {
		t.Fatal("the same source built at two places gives two binaries")
	}
	found, err := inventory.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	bill, err := found.CycloneDX()
	if err != nil {
		t.Fatal(err)
	}
	again, err := inventory.Read(second)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := again.CycloneDX(); err != nil || !bytes.Equal(bill, other) {
		t.Errorf("two bills of materials of one binary, %v", err)
	}
	var read struct {
		Components []struct {
			Name, Version string
			Licenses      []any
			Hashes        []any
		}
	}
	if err := json.Unmarshal(bill, &read); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, c := range read.Components {
		names[c.Name] = true
		if c.Version == "" || len(c.Licenses) == 0 || len(c.Hashes) == 0 && c.Name != "stdlib" {
			t.Errorf("the bill says too little of %+v", c)
		}
	}
	for _, linked := range []string{"stdlib", "github.com/labstack/echo/v4", "github.com/jackc/pgx/v5"} {
		if !names[linked] {
			t.Errorf("%s is not in the bill", linked)
		}
	}
	for name := range names { // what only tests and the demo start is no part of the product
		if strings.Contains(name, "versitygw") || strings.Contains(name, "chromedp") {
			t.Errorf("%s is linked into the production binary", name)
		}
	}
	if page := found.Page(); !bytes.Equal(page, readPage(t)) {
		t.Error("docs/reference/licences.md is stale; run: make generate")
	}
}

func readPage(t *testing.T) []byte { t.Helper(); return read(t, "../../docs/reference/licences.md") }
