package archive

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

var hostileNames = []string{
	"../../etc/passwd", `..\..\boot.ini`, `C:\Windows\system.ini`, "/etc/shadow", "CON", "con.txt", "Aux .tar.gz", "COM¹", "LPT1.log", "nul",
	"Report.PDF", "report.pdf", "REPORT.pdf", "caf\u00e9.txt", "cafe\u0301.txt", "CAFÉ.TXT", "photo\u202egnp.exe", "a\u200bb.txt", "ab.txt",
	"", ".", "..", "...", " ", ".htaccess", "trailing. . ", "a:b*c?.txt", "line\nbreak\x00.txt", "bad\xff.txt", "\u2028",
	strings.Repeat("长", 100) + ".docx", strings.Repeat("x", 300), strings.Repeat("y", 300) + ".pdf", "👩‍👩‍👧.png", "a." + strings.Repeat("e", 60),
	"-rf", "manifest.json", "ﬁle.txt", "file.txt", "straße", "STRASSE", "~", "$(touch x)", "`id`", "%2e%2e%2f", "a/b/", `a\`,
}

func TestI07_Names(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"../../etc/passwd", "passwd"},
		{`C:\Windows\system.ini`, "system.ini"},
		{"C:x", "C_x"},
		{"CON", "_CON"},
		{"con.txt", "_con.txt"},
		{"console.txt", "console.txt"},
		{"cafe\u0301.txt", "caf\u00e9.txt"},
		{"photo\u202egnp.exe", "photognp.exe"},
		{"A\u202e\u0300", "À"},
		{"", "file"},
		{"..", "file"},
		{".htaccess", "_htaccess"},
		{"trailing. . ", "trailing"},
		{"a:b", "a_b"},
		{"bad\xff.txt", "bad_.txt"},
		{"年度报告 (终稿).pdf", "年度报告 (终稿).pdf"},
		{"👩‍👩‍👧.png", "👩‍👩‍👧.png"},
		{strings.Repeat("y", 300) + ".pdf", strings.Repeat("y", 116) + ".pdf"},
	} {
		if got := new(Names).Name(c.in); got != c.want {
			t.Errorf("%q became %q, want %q", c.in, got, c.want)
		}
	}
	n := new(Names)
	var got []string
	for _, s := range []string{"a.txt", "A.TXT", "a.txt", "a (2).txt", "cafe\u0301", "CAFÉ"} {
		got = append(got, n.Name(s))
	}
	if want := "a.txt|A (2).TXT|a (3).txt|a (2) (2).txt|café|CAFÉ (2)"; strings.Join(got, "|") != want {
		t.Errorf("%q, want %q", strings.Join(got, "|"), want)
	}
}

func TestI07_NamesAreSafeAndUniqueWhateverTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(hostileNames), rapid.String()), 1, 30).Draw(t, "names")
		n, again, seen := new(Names), new(Names), map[string]bool{}
		for _, s := range given {
			name := n.Name(s)
			if name != again.Name(s) {
				t.Fatal("not the same twice")
			}
			folded := strings.ToLower(norm.NFC.String(name))
			switch {
			case seen[folded]:
				t.Fatalf("%q became %q, which is taken", s, name)
			case name == "" || len(name) > maxName || !utf8.ValidString(name) || !norm.NFC.IsNormalString(name):
				t.Fatalf("%q became %q", s, name)
			case strings.ContainsAny(name, "/\\<>:\"|?*\x00\n\r\u202e\u200b") || strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " "):
				t.Fatalf("%q became %q", s, name)
			case reserved.MatchString(name):
				t.Fatalf("%q became %q", s, name)
			}
			seen[folded] = true
		}
	})
}

// TestI07_ToolsExtractInside unpacks hostile names with what people have.
func TestI07_ToolsExtractInside(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{})
	must(t, err)
	var all []Attachment
	files := kept{}
	for i, name := range hostileNames {
		key := string(rune('A' + i))
		all, files[key] = append(all, Attachment{key, name, -1}), name
	}
	must(t, w.AddAttachments(context.Background(), "files", int64(len(all)), listed(all...), files))
	result, err := w.Close()
	must(t, err)
	for _, tool := range [][]string{{"unzip", "-q", "archive.zip", "-d", "out"}, {"bsdtar", "-x", "-C", "out", "-f", "archive.zip"}, {"7z", "x", "-oout", "archive.zip"}} {
		t.Run(tool[0], func(t *testing.T) {
			if _, err := exec.LookPath(tool[0]); err != nil {
				t.Skipf("%s is not installed", tool[0])
			}
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, "archive.zip"), b.Bytes(), 0o600))
			must(t, os.Mkdir(filepath.Join(dir, "out"), 0o700))
			cmd := exec.Command(tool[0], tool[1:]...)
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C.UTF-8")
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			found := map[string]bool{}
			must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					rel, _ := filepath.Rel(dir, path)
					found[rel] = true
				}
				return err
			}))
			for _, f := range result.Manifest.Files {
				path := filepath.Join("out", filepath.FromSlash(f.Path))
				got, err := os.ReadFile(filepath.Join(dir, path))
				if err != nil || (f.Kind == KindAttachment && int64(len(got)) != f.Size) {
					t.Errorf("%s: %v", f.Path, err)
				}
				delete(found, path)
			}
			delete(found, "archive.zip")
			delete(found, filepath.Join("out", ManifestPath))
			if len(found) > 0 {
				t.Errorf("also there: %v", found)
			}
		})
	}
}
