package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/export/connect"
	"offramp/export/source"
)

func attachments(t *testing.T, address string) source.Objects {
	t.Helper()
	o, err := connect.OpenObjects(context.Background(), address, source.Options{})
	must(t, err)
	return o
}

// TestI07_ADirectoryIsNotLeft puts links and worse between a customer's files.
func TestI07_ADirectoryIsNotLeft(t *testing.T) {
	ctx := context.Background()
	outside := filepath.Join(t.TempDir(), "outside.txt")
	must(t, os.WriteFile(outside, []byte("canary"), 0o600))
	p := folder(t)
	dir := strings.TrimPrefix(p.address, "file://")
	p.put(t, "HZ-1/ok.txt", "ok")
	p.put(t, "HZ-2/secret.txt", "canary")
	for name, target := range map[string]string{"out.txt": outside, "inside.txt": "../HZ-2/secret.txt", "nowhere": "nothing", "folder": "../HZ-2"} {
		must(t, os.Symlink(target, filepath.Join(dir, "HZ-1", name)))
	}
	must(t, os.Symlink("HZ-2", filepath.Join(dir, "HZ-3")))
	must(t, syscall.Mkfifo(filepath.Join(dir, "HZ-1", "pipe"), 0o600))

	s := open(t, p.address, source.Options{})
	rows := named(t, begin(t, s, "HZ-1"), objectsOf(":customer_id/"), 3)
	// What cannot be copied is listed all the same, so that the receipt names it.
	want := "HZ-1/folder|folder|<nil> HZ-1/inside.txt|inside.txt|<nil> HZ-1/nowhere|nowhere|<nil> HZ-1/ok.txt|ok.txt|2 HZ-1/out.txt|out.txt|<nil> HZ-1/pipe|pipe|<nil>"
	if got := strings.Join(rows, " "); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if _, err := begin(t, s, "HZ-3").Rows(ctx, objectsOf(":customer_id/"), func(v [][]byte) error { t.Errorf("%s", v[0]); return nil }); source.KindOf(err) != source.Invalid || !strings.Contains(err.Error(), "links are not followed") {
		t.Error(err)
	}
	o := attachments(t, p.address)
	for _, key := range []string{
		"HZ-1/out.txt", "HZ-1/inside.txt", "HZ-1/nowhere", "HZ-1/folder", "HZ-1/folder/secret.txt", "HZ-3/secret.txt", "HZ-1/pipe", "HZ-1/nothing", "HZ-1",
		"../" + filepath.Base(dir) + "/HZ-1/ok.txt", "/HZ-1/ok.txt", "HZ-1/../HZ-2/secret.txt", "HZ-1//ok.txt", "./HZ-1/ok.txt", `HZ-1\ok.txt`, "HZ-1/ok.txt\x00", "", ".",
	} {
		if got, _, err := fetch(o, key); reason(err) != "missing" {
			t.Errorf("%q: %q, %v", key, got, err)
		}
	}
	if got, _, err := fetch(o, "HZ-1/ok.txt"); err != nil || string(got) != "ok" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestE09_NamesThatAreNotUTF8ReadAsTheyAre: rows have the name's very bytes, which the archive then names in its receipt,
// and the file can be copied by them.
func TestE09_NamesThatAreNotUTF8ReadAsTheyAre(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("file systems elsewhere refuse such names")
		return
	}
	p := folder(t)
	names := []string{"\xb9\xfa.txt", "a\nb.txt", "CON", "rtl\u202egpj.exe", strings.Repeat("长", 80)}
	for _, name := range names {
		p.put(t, "HZ-1/"+name, name)
	}
	snapshot, q, o := begin(t, open(t, p.address, source.Options{}), "HZ-1"), objectsOf(":customer_id/"), attachments(t, p.address)
	n, err := snapshot.Rows(context.Background(), q, func(v [][]byte) error {
		if got, _, err := fetch(o, string(v[0])); err != nil || string(got) != string(v[1]) {
			t.Errorf("%q: %q, %v", v[0], got, err)
		}
		return nil
	})
	if err != nil || n != int64(len(names)) {
		t.Fatal(n, err)
	}
	// A bound that is not UTF-8 could not be told to another worker.
	shares, err := snapshot.Split(context.Background(), q, 1, 1)
	if err != nil || len(shares) != len(names)-1 {
		t.Fatal(len(shares), err)
	}
}

// TestE10_FilesThatChangeWhileTheyAreRead also covers readers that ask for exactly as many bytes as there are.
func TestE10_FilesThatChangeWhileTheyAreRead(t *testing.T) {
	p := folder(t)
	path := filepath.Join(strings.TrimPrefix(p.address, "file://"), "HZ-1", "a")
	for _, c := range []struct {
		name, reason string
		change       func() error
	}{
		{"nothing", "", func() error { return nil }},
		{"grows", "changed", func() error { return os.WriteFile(path, make([]byte, 3000), 0o600) }},
		{"shrinks", "changed", func() error { return os.Truncate(path, 1500) }},
		{"is written to", "changed", func() error { return os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)) }},
		{"is replaced", "", func() error { return os.Remove(path) }}, // the old one is read to its end
	} {
		p.put(t, "HZ-1/a", strings.Repeat("x", 2000))
		body, size, err := attachments(t, p.address).Open(context.Background(), "HZ-1/a")
		must(t, err)
		_, err = io.ReadFull(body, make([]byte, 1000))
		must(t, err)
		must(t, c.change())
		if _, err = io.ReadFull(body, make([]byte, 1000)); reason(err) != c.reason || (err == nil) != (c.reason == "") || size != 2000 {
			t.Errorf("%s: %v", c.name, err)
		}
		must(t, body.Close())
	}
}

// TestE10_AFileOf5GiBIsTold opens a file with a hole in it. Reading it whole is for the soak.
func TestE10_AFileOf5GiBIsTold(t *testing.T) {
	address, want := sparse(t)
	if rows := named(t, begin(t, open(t, address, source.Options{}), "HZ-1"), objectsOf(":customer_id/"), 3); rows[0] != want {
		t.Fatal(rows)
	}
	ctx, cancel := context.WithCancel(context.Background())
	body, told, err := attachments(t, address).Open(ctx, "HZ-1/large.bin")
	must(t, err)
	if n, err := io.CopyN(io.Discard, body, 1<<20); err != nil || n != 1<<20 || told != 5<<30 {
		t.Fatalf("%d bytes of %d, %v", n, told, err)
	}
	// A reader that has enough does not wait for the rest.
	cancel()
	if _, err := body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	must(t, body.Close())
}

// sparse makes a file of 5 GiB that takes no room.
func sparse(t *testing.T) (address, row string) {
	p := folder(t)
	p.put(t, "HZ-1/large.bin", "begin")
	must(t, os.Truncate(filepath.Join(strings.TrimPrefix(p.address, "file://"), "HZ-1", "large.bin"), 5<<30))
	return p.address, fmt.Sprintf("HZ-1/large.bin|large.bin|%d", int64(5<<30))
}

func TestDirectoriesThatAreNotThere(t *testing.T) {
	ctx := context.Background()
	s := open(t, "file:///no/such/directory", source.Options{})
	if err := s.Ping(ctx); source.KindOf(err) != source.Unavailable || !strings.Contains(err.Error(), "is it mounted?") {
		t.Error(err)
	}
	// An empty answer would be an export without files that calls itself whole.
	if _, err := begin(t, s, "HZ-1").Count(ctx, objectsOf(":customer_id/")); source.KindOf(err) != source.Unavailable {
		t.Error(err)
	}
	if _, _, err := fetch(attachments(t, "file:///no/such/directory"), "a"); reason(err) != "unavailable" {
		t.Error(err)
	}
	p := folder(t)
	p.put(t, "f/HZ-1/a", "a")
	s = open(t, p.address, source.Options{})
	must(t, s.Ping(ctx))
	for prefix, want := range map[string]string{"/:customer_id/": "no path", "../:customer_id/": "no path", "a//:customer_id/": "no path", "f/:customer_id/": ""} {
		if _, err := begin(t, s, "").Check(ctx, objectsOf(prefix)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", prefix, err)
		}
	}
	q := objectsOf("f/:customer_id/")
	q.Objects.Metadata = true
	if _, err := begin(t, s, "").Check(ctx, q); source.KindOf(err) != source.Invalid || !strings.Contains(err.Error(), "no metadata") {
		t.Error(err)
	}
	// A prefix may end inside a name.
	p.put(t, "g/HZ-1.a.txt", "a")
	p.put(t, "g/HZ-1", "no")
	p.put(t, "g/HZ-1.b/c.txt", "c")
	if rows := named(t, begin(t, s, "HZ-1"), objectsOf("g/:customer_id."), 2); strings.Join(rows, " ") != "g/HZ-1.a.txt|a.txt g/HZ-1.b/c.txt|b/c.txt" {
		t.Error(rows)
	}
}
