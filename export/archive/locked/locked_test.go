package locked_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"offramp/export/archive/locked"
)

const password = "kx7wq-mmm3z-9pd2r"

var made = time.Date(2026, 3, 1, 14, 5, 6, 0, time.UTC)

func noise(n int) []byte {
	b := make([]byte, n)
	src := rand.NewChaCha8([32]byte{byte(n), byte(n >> 8)})
	_, _ = src.Read(b)
	return b
}

// lock locks content, written in pieces of odd sizes.
func lock(t testing.TB, content []byte, estimate int64) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := locked.NewWriter(&out, locked.Options{Name: "EX-10001.zip", Password: password, Created: made, Estimate: estimate})
	if err != nil {
		t.Fatal(err)
	}
	for rest := content; len(rest) > 0; {
		n := min(len(rest), 1+len(rest)/3)
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	r, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	if want := (locked.Result{Size: int64(out.Len()), InnerSize: int64(len(content)), InnerSHA256: hex.EncodeToString(sum[:])}); r != want {
		t.Fatalf("%+v, want %+v", r, want)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("a closed archive goes on")
	}
	return out.Bytes()
}

var sizes = []int{0, 1, 15, 16, 17, 65534, 65535, 65536, 3 * 65535, 1_000_003}

func TestWhatIsLockedOpensWithItsPasswordOnly(t *testing.T) {
	for _, n := range sizes {
		for _, estimate := range []int64{0, 1 << 40} {
			content := noise(n)
			b := lock(t, content, estimate)
			f, ok := locked.Open(bytes.NewReader(b), int64(len(b)))
			if !ok || f.Name() != "EX-10001.zip" {
				t.Fatalf("%d bytes: not recognised", n)
			}
			if _, err := f.Unlock("kx7wq-mmm3z-9pd2x"); !errors.Is(err, locked.ErrPassword) {
				t.Errorf("a wrong password: %v", err)
			}
			p, err := f.Unlock(password)
			if err != nil || p.Size() != int64(n) {
				t.Fatalf("%d bytes: %d, %v", n, p.Size(), err)
			}
			if err := p.Check(t.Context()); err != nil {
				t.Errorf("%d bytes: %v", n, err)
			}
			got, err := io.ReadAll(io.NewSectionReader(p, 0, p.Size()))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes: other content, %v", n, err)
			}
			for range 20 {
				from := rand.IntN(n + 1)
				part := make([]byte, rand.IntN(n-from+1))
				if _, err := p.ReadAt(part, int64(from)); err != nil || !bytes.Equal(part, content[from:from+len(part)]) {
					t.Fatalf("%d bytes from %d: %v", len(part), from, err)
				}
			}
		}
	}
	if _, ok := locked.Open(bytes.NewReader([]byte("hello")), 5); ok {
		t.Error("a text passes for a locked archive")
	}
}

func TestEachChangedByteIsFound(t *testing.T) {
	content := noise(70_000)
	whole := lock(t, content, 0)
	for at := range whole {
		if at > 200 && at < len(whole)-400 && at%997 != 0 {
			continue
		}
		b := bytes.Clone(whole)
		b[at] ^= 4
		f, ok := locked.Open(bytes.NewReader(b), int64(len(b)))
		if !ok {
			continue // it is no archive any more
		}
		p, err := f.Unlock(password)
		if err == nil {
			err = p.Check(context.Background())
		}
		if !errors.Is(err, locked.ErrDamaged) && !errors.Is(err, locked.ErrPassword) {
			t.Errorf("byte %d of %d was changed: %v", at, len(whole), err)
		}
	}
}

// TestOtherProgramsOpenIt has the programs that customers use open it, and those that cannot say so.
func TestOtherProgramsOpenIt(t *testing.T) {
	for _, n := range []int{0, 1, 65535, 300_000} {
		content := noise(n)
		for _, estimate := range []int64{0, 1 << 40} {
			file := filepath.Join(t.TempDir(), "locked.zip")
			if err := os.WriteFile(file, lock(t, content, estimate), 0o600); err != nil {
				t.Fatal(err)
			}
			opens(t, content, true, "7z", "x", "-so", "-p"+password, file)
			opens(t, content, true, "bsdtar", "-xOf", file, "--passphrase", password)
			opens(t, content, false, "7z", "x", "-so", "-pwrong-wrong-wrong", file)
			opens(t, content, false, "bsdtar", "-xOf", file, "--passphrase", "wrong-wrong-wrong")
		}
	}
}

func opens(t *testing.T, content []byte, want bool, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	var out, said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if got := err == nil && bytes.Equal(out.Bytes(), content); got != want {
		t.Errorf("%s with %d bytes: %v, %d bytes\n%s", name, len(content), err, out.Len(), said.String())
	}
}

// TestUnzipSaysThatItCannot: Info-ZIP's unzip 6 knows no AES. It must say so rather than write something.
func TestUnzipSaysThatItCannot(t *testing.T) {
	if _, err := exec.LookPath("unzip"); err != nil {
		t.Skip("unzip is not installed")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "locked.zip")
	if err := os.WriteFile(file, lock(t, noise(1000), 0), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "unzip", "-P", password, "-d", dir, file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "unsupported compression method 99") && !strings.Contains(string(out), "need PK compat. v5.1") {
		t.Errorf("%v: %s", err, out)
	}
	if _, err := os.Stat(filepath.Join(dir, "EX-10001.zip")); err == nil {
		t.Error("it wrote a file")
	}
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) { c.n += int64(len(p)); return len(p), nil }

// TestLockingTakesConstantMemory locks a quarter of a GiB.
func TestLockingTakesConstantMemory(t *testing.T) {
	var before, after runtime.MemStats
	out := &counter{}
	w, err := locked.NewWriter(out, locked.Options{Name: "a.zip", Password: password, Created: made})
	if err != nil {
		t.Fatal(err)
	}
	block := noise(1 << 20)
	runtime.ReadMemStats(&before)
	for range 256 {
		if _, err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes were allocated", used)
	}
	if r, err := w.Close(); err != nil || r.Size != out.n {
		t.Errorf("%+v, %d written, %v", r, out.n, err)
	}
}

func TestWeakPasswordsAreRefused(t *testing.T) {
	for p, want := range map[string]locked.Flaw{
		"":                             locked.Empty,
		"k7wqm3xz9p":                   locked.Short,
		strings.Repeat("kx7wq-", 11):   locked.Long,
		"密码密码密码密码密码密码":                 locked.Foreign,
		"Müller-kx7wq-mmm3z":           locked.Foreign,
		"kx7wq\tmmm3z-9pd2r":           locked.Foreign,
		"passwordpassword":             locked.Guessable,
		"aaaaaaaaaaaaaaaaaaaa":         locked.Guessable,
		"123456789012345678":           locked.Guessable,
		"qwertyuiopasdfgh":             locked.Guessable,
		"HZ-20418-HZ-20418":            locked.Guessable,
		"Lindner-Lindner-2026":         locked.Guessable,
		"kx7wq-mmm3z-9pd2r":            "",
		"heron lantern quarry tuesday": "",
	} {
		if got := locked.Judge(p, "HZ-20418", "Lindner GmbH", "anna@lindner.example"); got != want {
			t.Errorf("%q: %q, want %q", p, got, want)
		}
	}
	seen := map[string]bool{}
	for range 200 {
		p := locked.Generate()
		if flaw := locked.Judge(p); flaw != "" || len(p) != 23 || seen[p] {
			t.Errorf("generated %q: %q", p, flaw)
		}
		seen[p] = true
	}
}
