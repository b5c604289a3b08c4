package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestVerifySoundArchive(t *testing.T) {
	b, result := sample(t)
	r := verify(t, b)
	if !r.OK() {
		t.Fatal(r.Problems)
	}
	if r.Files != len(result.Manifest.Files) || r.Rows != 3*2500 || r.Receipt.Datasets[0].Exported != 2500 || r.Size != result.Size {
		t.Fatalf("%d files, %d rows, %+v", r.Files, r.Rows, r.Receipt)
	}
	again, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), Expected{Size: r.Size, SHA256: strings.ToUpper(r.SHA256)})
	must(t, err)
	if !again.OK() {
		t.Fatal(again.Problems)
	}
	other, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), Expected{SHA256: strings.Repeat("0", 64)})
	must(t, err)
	if other.OK() || other.Problems[0].Trouble != Mismatch {
		t.Fatal("another archive's SHA-256 passed")
	}
}

// places are bytes of every part of the archive.
func places(t testing.TB, b []byte, m Manifest) map[string]int {
	t.Helper()
	p := map[string]int{"first byte": 0, "last byte": len(b) - 1, "end record": len(b) - 22 - len(comment(ManifestPath, strings.Repeat("0", 64)))}
	for _, f := range m.Files {
		e, err := m.entry(f)
		must(t, err)
		for i := range len(e.header()) {
			if f.Path == "data/tasks.csv" || i%11 == 0 {
				p[fmt.Sprintf("header of %s +%d", f.Path, i)] = int(f.Offset) + i
			}
		}
		for _, at := range []int64{0, f.Stored / 3, f.Stored / 2, f.Stored - 1} {
			if at >= 0 && at < f.Stored {
				p[fmt.Sprintf("data of %s +%d", f.Path, at)] = int(e.dataOffset()) + int(at)
			}
		}
		for i := range len(e.descriptor()) {
			p[fmt.Sprintf("descriptor of %s +%d", f.Path, i)] = int(e.end()) - 1 - i
		}
	}
	at := bytes.LastIndex(b, []byte(ManifestPath+"{")) - headerSize
	for i := range headerSize + len(ManifestPath+"{") + len(manifestStart) {
		p[fmt.Sprintf("manifest +%d", i)] = at + i
	}
	directory := bytes.Index(b[at:], []byte("PK\x01\x02")) + at
	for i := at; i < directory; i += 331 {
		p[fmt.Sprintf("manifest's text +%d", i-at)] = i
	}
	for i := directory; i < len(b); i += 7 {
		p[fmt.Sprintf("directory and end +%d", i-directory)] = i
	}
	return p
}

// TestVerifyNamesAnyChangedByte changes one byte at a time, everywhere, and wants that byte named with both its values,
// as the first problem.
func TestVerifyNamesAnyChangedByte(t *testing.T) {
	b, result := sample(t)
	for name, at := range places(t, b, result.Manifest) {
		for _, by := range []byte{1 << (at % 8)} {
			was := b[at]
			b[at] ^= by
			r := verify(t, b)
			if r.OK() {
				t.Errorf("%s: a change at %d went unseen", name, at)
			} else if p := r.Problems[0]; !exactly(r, int64(at), was, was^by) {
				t.Errorf("%s: a change at %d was told as %s (of %d)", name, at, p, len(r.Problems))
			}
			b[at] = was
		}
	}
}

func exactly(r Report, at int64, expected, actual byte) bool {
	for _, p := range r.Problems {
		if p.Exact && p.From == at && p.Expected == fmt.Sprintf("0x%02x", expected) && p.Actual == fmt.Sprintf("0x%02x", actual) {
			return true
		}
	}
	return false
}

// TestVerifyFindsAnyDamage overwrites, cuts, inserts and appends at random.
func TestVerifyFindsAnyDamage(t *testing.T) {
	whole, _ := sample(t)
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(whole)-1).Draw(t, "at")
		junk := rapid.SliceOfN(rapid.Byte(), 1, 600).Draw(t, "junk")
		how := rapid.SampledFrom([]string{"overwrite", "insert", "remove", "truncate"}).Draw(t, "how")
		var b []byte
		switch how {
		case "overwrite":
			b = bytes.Clone(whole)
			copy(b[at:], junk)
		case "insert":
			b = append(append(bytes.Clone(whole[:at]), junk...), whole[at:]...)
		case "remove":
			b = append(bytes.Clone(whole[:at]), whole[min(at+len(junk), len(whole)):]...)
		case "truncate":
			b = bytes.Clone(whole[:at])
		}
		if bytes.Equal(b, whole) {
			return
		}
		r, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), Expected{Size: int64(len(whole))})
		if err != nil {
			t.Fatal(err)
		}
		if r.OK() {
			t.Fatalf("%s at %d went unseen", how, at)
		}
		first := r.Problems[0]
		if how == "overwrite" && first.From >= 0 {
			from := 0
			for b[from] == whole[from] {
				from++
			}
			if first.From > int64(from) || (first.To > first.From && first.To <= int64(from)) {
				t.Fatalf("the first difference is at %d, told as %s", from, first)
			}
		}
	})
}

func TestVerifyTruncatedAndAppended(t *testing.T) {
	b, _ := sample(t)
	full := int64(len(b))
	for _, cut := range []int64{1, 2, 21, 22, 100, 300, 5_000, full / 2, full - 100, full - 3} {
		r, err := Verify(context.Background(), bytes.NewReader(b[:full-cut]), full-cut, Expected{Size: full})
		must(t, err)
		if r.OK() || (r.Problems[0].Trouble != Truncated && full-cut > 4) || (r.Problems[0].Trouble == Truncated && r.Problems[0].From != full-cut) {
			t.Errorf("%d bytes cut: %v", cut, r.Problems)
		}
	}
	for _, more := range []string{"x", strings.Repeat("\x00", 100_000)} {
		r := verify(t, append(bytes.Clone(b), more...))
		if len(r.Problems) != 1 || r.Problems[0].Trouble != Appended || r.Problems[0].From != full {
			t.Errorf("%d bytes appended: %v", len(more), r.Problems)
		}
	}
	if r := verify(t, nil); r.OK() || r.Problems[0].Trouble != NotArchive {
		t.Errorf("nothing at all: %v", r.Problems)
	}
	if r := verify(t, []byte("hello, this is not a Zip file")); r.OK() || r.Problems[0].Trouble != NotArchive {
		t.Errorf("not a Zip file: %v", r.Problems)
	}
}

// repack writes the files anew with the standard library, changed on the way.
func repack(t testing.TB, b []byte, change func(name, data string) (string, string)) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	z := open(t, b)
	for _, f := range z.File {
		name, data := change(f.Name, file(t, z, f.Name))
		if name == "" {
			continue
		}
		e, err := w.Create(name)
		must(t, err)
		_, err = io.WriteString(e, data)
		must(t, err)
	}
	must(t, w.Close())
	return out.Bytes()
}

func TestVerifyRepackedArchives(t *testing.T) {
	b, _ := sample(t)
	z := open(t, b)
	csv, lines := file(t, z, "data/tasks.csv"), file(t, z, "data/tasks.jsonl")
	for _, c := range []struct {
		name   string
		change func(name, data string) (string, string)
		want   map[Trouble]string // with a part of the path
	}{
		{"nothing changed", func(n, d string) (string, string) { return n, d }, map[Trouble]string{Repacked: ""}},
		{"files swapped", func(n, d string) (string, string) {
			switch n {
			case "data/tasks.csv":
				return n, lines
			case "data/tasks.jsonl":
				return n, csv
			}
			return n, d
		}, map[Trouble]string{Repacked: "", Mismatch: "data/tasks"}},
		{"file removed", func(n, d string) (string, string) {
			if strings.HasSuffix(n, "film.mp4") {
				return "", ""
			}
			return n, d
		}, map[Trouble]string{Repacked: "", Missing: "film.mp4"}},
		{"file renamed", func(n, d string) (string, string) {
			return strings.Replace(n, "film", "movie", 1), d
		}, map[Trouble]string{Repacked: "", Missing: "film.mp4", Unlisted: "movie.mp4"}},
		{"one cell changed", func(n, d string) (string, string) {
			if n == "data/tasks.csv" {
				d = strings.Replace(d, "12.50", "12.51", 1)
			}
			return n, d
		}, map[Trouble]string{Repacked: "", Mismatch: "data/tasks.csv"}},
		{"manifest changed", func(n, d string) (string, string) {
			if n == ManifestPath {
				d = strings.Replace(d, `"rows":2500`, `"rows":2499`, 1)
			}
			return n, d
		}, map[Trouble]string{Repacked: "", Counts: ReceiptPath}},
		{"receipt changed", func(n, d string) (string, string) {
			if n == ReceiptPath {
				d = strings.Replace(d, `"exported": 2500`, `"exported": 2501`, 1)
			}
			return n, d
		}, map[Trouble]string{Repacked: "", Mismatch: ReceiptPath}},
		{"manifest removed", func(n, d string) (string, string) {
			if n == ManifestPath {
				n = ""
			}
			return n, d
		}, map[Trouble]string{NotArchive: ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := verify(t, repack(t, b, c.change))
			got := map[Trouble]string{}
			for _, p := range r.Problems {
				got[p.Trouble] = p.Path
			}
			for trouble, path := range c.want {
				if where, ok := got[trouble]; !ok || !strings.Contains(where, path) {
					t.Errorf("no %s of %q in %v", trouble, path, r.Problems)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("%v, want %v", r.Problems, c.want)
			}
		})
	}
}

// TestVerifyManifestEditedInPlace changes more than a byte of the manifest without moving anything.
func TestVerifyManifestEditedInPlace(t *testing.T) {
	b, _ := sample(t)
	edited := bytes.Replace(b, []byte(`"rows":2500,"size"`), []byte(`"rows":2123,"size"`), 1)
	r := verify(t, edited)
	if r.OK() || !strings.Contains(fmt.Sprint(r.Problems), "manifest was changed") {
		t.Fatal(r.Problems)
	}
}

func TestLocate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block := rapid.SliceOfN(rapid.Byte(), 1, 3000).Draw(t, "block")
		want := sums{}.add(block)
		at := rapid.IntRange(0, len(block)-1).Draw(t, "at")
		by := rapid.ByteRange(1, 255).Draw(t, "by")
		block[at] ^= by
		if c, ok := locate(block, want); !ok || c != (change{at, by}) {
			t.Fatalf("%v, %v; want %d, %d", c, ok, at, by)
		}
	})
}

func FuzzVerify(f *testing.F) {
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{})
	must(f, err)
	must(f, w.AddDataset(context.Background(), Dataset{Name: "t", Columns: sampleColumns, Source: 2}, reader(sampleRows(2))))
	_, err = w.Close()
	must(f, err)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := Verify(context.Background(), bytes.NewReader(in), int64(len(in)), Expected{})
		if err != nil {
			t.Fatal(err)
		}
		if r.OK() != bytes.Equal(in, b.Bytes()) {
			t.Fatalf("ok is %v: %v", r.OK(), r.Problems)
		}
	})
}
