package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"offramp/deploy/local/localtest"
)

var scriptShape = regexp.MustCompile(`(?s)^offramp\('([a-z0-9_/.-]+)','((?:[^'\\\n\r\x{2028}\x{2029}<>&]|\\['"\\nrt\n]|\\u[0-9a-f]{4})*)'\)\n$`)

// unscript undoes what a script does with its own string, and fails if the script does anything else.
func unscript(t testing.TB, script []byte) (key string, data []byte) {
	t.Helper()
	m := scriptShape.FindSubmatch(script)
	if m == nil {
		t.Fatalf("this is more than data: %.300q", script)
	}
	for s := m[2]; len(s) > 0; {
		switch {
		case s[0] != '\\':
			data, s = append(data, s[0]), s[1:]
		case s[1] == 'u':
			n, err := strconv.ParseUint(string(s[2:6]), 16, 16)
			must(t, err)
			data, s = utf8.AppendRune(data, rune(n)), s[6:]
		case s[1] == '\n': // continues the line
			s = s[2:]
		case s[1] == '\\':
			data, s = append(data, '\\'), s[2:]
		default:
			t.Fatalf("an escape that is not used: %.20q", s)
		}
	}
	return string(m[1]), data
}

// rowsOf reads a dataset as the viewer does.
func rowsOf(t testing.TB, archive []byte, folder string) (rows [][]any) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	must(t, err)
	read := func(name string, to any) {
		f, err := z.Open(folder + name + ".js")
		must(t, err)
		script, err := io.ReadAll(f)
		must(t, err)
		key, data := unscript(t, script)
		if key != folder+name {
			t.Errorf("%s calls itself %s", folder+name, key)
		}
		must(t, json.Unmarshal(data, to))
	}
	var index struct{ Chunks []int }
	read("/index", &index)
	for i, n := range index.Chunks {
		var chunk [][]any
		read(fmt.Sprintf("/%04d", i+1), &chunk)
		if len(chunk) != n {
			t.Errorf("chunk %d has %d rows, not %d", i+1, len(chunk), n)
		}
		rows = append(rows, chunk...)
	}
	return rows
}

func browsed(t testing.TB, d Dataset, rows [][][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	a, err := NewWriter(&b, sampleHeader, Options{CSV: true, Browse: true})
	must(t, err)
	d.Source = int64(len(rows))
	must(t, a.AddDataset(t.Context(), d, reader(rows)))
	_, err = a.Close()
	must(t, err)
	return b.Bytes()
}

// TestViewerHasTheRowsOfTheDataFiles reads the viewer's scripts again.
func TestViewerHasTheRowsOfTheDataFiles(t *testing.T) {
	rows := sampleRows(9000)
	rows[7][1] = []byte("bad\xff") // the receipt names it
	b := browsed(t, Dataset{Name: "tasks", Columns: sampleColumns}, rows)
	if r := verify(t, b); !r.OK() {
		t.Fatal(r.Problems)
	}
	got := rowsOf(t, b, "viewer/tasks")
	if len(got) != len(rows)-1 {
		t.Fatalf("%d rows", len(got))
	}
	want := []any{9.0, "8", "任务 8, \"quoted\"\nline", "12.50", "true", "2026-03-01", "2026-03-01T14:05:00.5Z", "aGk=", `{"a": [1, 2]}`}
	if !slices.Equal(got[7], want) {
		t.Errorf("row 9 is %q", got[7])
	}
	if got[6][0] != 7.0 || got[6][2] != nil {
		t.Errorf("row 7 is %q", got[6])
	}
}

// TestViewerCutsGiantValues holds a script's size against its data's.
func TestViewerCutsGiantValues(t *testing.T) {
	columns := []Column{{Name: "a", Type: "text"}, {Name: "b", Type: "binary"}, {Name: "c", Type: "text"}}
	for range 9 {
		columns = append(columns, Column{Name: fmt.Sprint(len(columns)), Type: "text"})
	}
	row := text(strings.Repeat("长", 1<<20), `\x`+strings.Repeat("ab", 4<<20), "short")
	for range 9 {
		row = append(row, bytes.Repeat([]byte("x"), 2<<20))
	}
	got := rowsOf(t, browsed(t, Dataset{Name: "t", Columns: columns}, [][][]byte{row, row[:12]}), "viewer/t")[0]
	first := got[1].([]any)
	if s := first[0].(string); len(s) > viewerValue || len(s) < viewerValue-3 || strings.Trim(s, "长") != "" || first[1] != 3.0*(1<<20) {
		t.Errorf("%d bytes of %v", len(s), first[1])
	}
	second := got[2].([]any)
	if s := second[0].(string); !strings.HasPrefix(s, "q6ur") || len(s)%4 != 0 || len(s) > viewerValue || second[1] != 2.0+8<<20 {
		t.Errorf("%d bytes of %v", len(s), second[1])
	}
	if got[3] != "short" {
		t.Errorf("%v", got[3])
	}
	last := got[12].([]any)
	if s := last[0].(string); s != "" || last[1] != 2.0*(1<<20) {
		t.Errorf("the last value has %d bytes of %v", len(s), last[1])
	}
}

// TestViewerFailsWithItsRows ends a pass in its middle, at the source and at the destination.
func TestViewerFailsWithItsRows(t *testing.T) {
	readings := 0
	rows := sampleRows(30_000)
	a, err := NewWriter(io.Discard, sampleHeader, Options{CSV: true, Browse: true})
	must(t, err)
	err = a.AddDataset(t.Context(), Dataset{Name: "tasks", Columns: sampleColumns, Source: 30_000}, func(ctx context.Context, yield func([][]byte) error) (int64, error) {
		if readings++; readings == 2 {
			n, err := reader(rows[:20_000])(ctx, yield)
			return n, errors.Join(err, errSource)
		}
		return reader(rows)(ctx, yield)
	})
	if !errors.Is(err, errSource) {
		t.Error(err)
	}
	readings = 0
	a, err = NewWriter(io.Discard, sampleHeader, Options{CSV: true, Browse: true})
	must(t, err)
	err = a.AddDataset(t.Context(), Dataset{Name: "tasks", Columns: sampleColumns, Source: 30_000}, func(ctx context.Context, yield func([][]byte) error) (int64, error) {
		if readings++; readings == 2 {
			return reader(rows[:29_999])(ctx, yield)
		}
		return reader(rows)(ctx, yield)
	})
	var count *CountError
	if !errors.As(err, &count) || count.Actual != 29_999 {
		t.Error(err)
	}
}

// TestViewersOfVolumesShareAFolder unpacks two volumes into one folder and opens the page of each.
func TestViewersOfVolumesShareAFolder(t *testing.T) {
	dir := t.TempDir()
	tab := localtest.Browser(t)
	h := sampleHeader
	h.Volumes = 2
	for h.Volume = 1; h.Volume <= 2; h.Volume++ {
		var b bytes.Buffer
		a, err := NewWriter(&b, h, Options{CSV: true, Browse: true})
		must(t, err)
		must(t, a.AddDataset(t.Context(), Dataset{Name: "tasks", Title: "Tasks", Columns: []Column{{Name: "v", Type: "text"}}, Source: 1, Part: h.Volume, Parts: 2}, reader([][][]byte{text(fmt.Sprint("of volume ", h.Volume))})))
		must(t, a.AddAttachments(t.Context(), "tasks", 1, listed(Attachment{"x", "x.txt", 1}), kept{"x": fmt.Sprint(h.Volume)}))
		_, err = a.Close()
		must(t, err)
		if r := verify(t, b.Bytes()); !r.OK() {
			t.Fatal(r.Problems)
		}
		from := extract(t, b.Bytes())
		must(t, filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
			name, _ := filepath.Rel(from, path)
			if err != nil || d.IsDir() {
				return err
			}
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				t.Errorf("both volumes have %s", name)
			}
			must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
			return os.Rename(path, filepath.Join(dir, name))
		}))
	}
	for volume := 1; volume <= 2; volume++ {
		tab.Open(fileURL(filepath.Join(dir, rootPath(IndexPath, volume, 2))))
		localtest.Eval[int](tab, drawn)
		if got := tab.Text(".browse td"); got != fmt.Sprint("of volume ", volume) {
			t.Errorf("volume %d shows %q", volume, got)
		}
		if got := tab.Text("header"); !strings.Contains(got, fmt.Sprintf("only what is in volume %d of 2", volume)) {
			t.Error(got)
		}
		if got := localtest.Eval[string](tab, `document.querySelector("[data-files] .browse a").getAttribute("href")`); got != fmt.Sprintf("attachments/tasks/volume-%02d/x.txt", volume) {
			t.Error(got)
		}
	}
}

// FuzzScriptString holds every text against the shape of a script that is data and nothing else.
func FuzzScriptString(f *testing.F) {
	for _, s := range append(hostile, "'", "\\", "\\'", "\u2028\u2029", "</script>", "\\u0027", "\x00\x7f", "\xff", "a\xe2\x80") {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		script := append(append([]byte("offramp('k','"), appendScriptString(nil, v)...), "')\n"...)
		_, data := unscript(t, script)
		var got string
		must(t, json.Unmarshal(data, &got))
		if want := strings.ToValidUTF8(string(v), "\ufffd"); got != want && !utf8.Valid(v) && strings.ReplaceAll(got, "\ufffd", "") == strings.ReplaceAll(want, "\ufffd", "") {
			return // each bad byte is replaced, not each run of them
		} else if got != want {
			t.Errorf("%q came back as %q", v, got)
		}
	})
}
