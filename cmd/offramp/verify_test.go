package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestVerifyTellsWholeFromDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.run("import").want(t, 0)
	stop := w.work()
	archive := w.fetch(w.await(w.request("B-1"), "ready"))
	stop()
	file := func(name string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := file("whole.zip", archive)
	bare(t, "verify", whole).want(t, 0, "whole.zip is whole.", "customer B-1", "SHA-256", "1 in the source = 1 exported + 0 failed")
	if r := bare(t, "verify", "-q", whole); r.code != 0 || r.all() != "" {
		t.Errorf("-q: %d %q", r.code, r.all())
	}
	bare(t, "verify", whole, "--sha256", "00").want(t, 1, "is NOT what was exported")

	damaged := append([]byte(nil), archive...)
	damaged[len(damaged)/2] ^= 1
	const advice = "Download it again from the portal."
	bare(t, "verify", file("damaged.zip", damaged)).want(t, 1, "damaged.zip is NOT what was exported:", "byte", advice)
	bare(t, "verify", file("cut.zip", archive[:len(archive)*2/3])).want(t, 1, "cut.zip is NOT what was exported:", advice)
	bare(t, "verify", file("text.zip", []byte("hello"))).want(t, 1, "this is no export archive", advice)
	bare(t, "verify", file("empty.zip", nil)).want(t, 1, "empty.zip is NOT what was exported:")
	bare(t, "verify", "/no/such/file.zip").want(t, 1, "/no/such/file.zip", "no such file")
	bare(t, "verify", t.TempDir()).want(t, 1, "is a folder; name the downloaded .zip file")
}
