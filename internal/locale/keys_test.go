package locale

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// named finds literal message ids where the product's code names them. What
// follows the literal is kept, to tell a whole id from the head of a joined one.
var named = regexp.MustCompile(`(?:\.[TN]\(\s*|\bfault\.New\([^,()]+,\s*|\.Field\([^,()]+,\s*)"([^"\s]+)"(\s*\+)?`)

// root walks up to the folder of go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

func product(path string) bool {
	if strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
		return false
	}
	return strings.HasSuffix(path, ".go") || strings.HasSuffix(path, ".templ")
}

// TestCodeNamesExistingMessages holds every literal id in the product's code against the catalogues.
func TestCodeNamesExistingMessages(t *testing.T) {
	messages, base := catalogue(t, Default), root(t)
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if d.IsDir() || !product(path) {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		where, _ := filepath.Rel(base, path)
		for _, id := range missing(string(source), messages) {
			t.Errorf("%s: no message %s", where, id)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// missing returns the ids that source names and messages lacks. A joined id
// needs at least one message with its head.
func missing(source string, messages map[string]forms) (ids []string) {
	for _, m := range named.FindAllStringSubmatch(source, -1) {
		id, joined := m[1], m[2] != ""
		_, ok := messages[id]
		if !ok && !(joined && begins(messages, id)) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

func begins(messages map[string]forms, head string) bool {
	for id := range messages {
		if strings.HasPrefix(id, head) {
			return true
		}
	}
	return false
}

func TestMissingFindsIDs(t *testing.T) {
	messages := map[string]forms{"a.b": {"other": "x"}}
	source := `l.T("a.b"); l.T("a.c", "N", 1); l.N("a.d", 2); l.T("a." + s); l.T("z." + s)
		fault.New(fault.NotFound, "a.e"); e.Field("name", "a.f", nil)`
	want := "a.c a.d z. a.e a.f"
	if got := strings.Join(missing(source, messages), " "); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
