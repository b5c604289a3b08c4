package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestE01_ShortSoak is the soak for a few seconds, with one kind of misfortune after another. make soak runs it for minutes.
func TestE01_ShortSoak(t *testing.T) {
	dir := t.TempDir()
	binary := filepath.Join(dir, "offramp")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "offramp/cmd/offramp")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	log := filepath.Join(dir, "soak.log")
	err := run(t.Context(), settings{duration: 8 * time.Second, workers: 2, rows: 30_000, seed: 7, log: log, binary: binary})
	if err != nil {
		text, _ := os.ReadFile(log)
		t.Errorf("%v\n%s", err, text)
	}
}
