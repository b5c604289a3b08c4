package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

// open reads an archive with the standard library, which shares no code with the writer.
func open(t testing.TB, b []byte) *zip.Reader {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	return z
}

func file(t testing.TB, z *zip.Reader, name string) string {
	t.Helper()
	f, err := z.Open(name)
	must(t, err)
	defer f.Close()
	b, err := io.ReadAll(f)
	must(t, err)
	return string(b)
}

func TestArchiveHoldsWhatItWasGiven(t *testing.T) {
	b, result := sample(t)
	if int64(len(b)) != result.Size {
		t.Fatalf("size %d, written %d", result.Size, len(b))
	}
	z := open(t, b)
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	want := "README.txt data/tasks.csv data/tasks.spreadsheet.csv data/tasks.jsonl schema/tasks.json data/empty.csv data/empty.spreadsheet.csv data/empty.jsonl schema/empty.json " +
		"attachments/tasks/图.png attachments/tasks/图 (2).PNG attachments/tasks/film.mp4 attachments/tasks/notes.txt " +
		"attachments/tasks/manifest.json{_schema__offramp-archive_file index.html receipt.json manifest.json"
	want = strings.Replace(want, "attachments/tasks/manifest.json{_schema__offramp-archive_file", "attachments/tasks/file", 1)
	if got := strings.Join(names, " "); got != want {
		t.Fatalf("files\n%s\nwant\n%s", got, want)
	}
	rows, err := csv.NewReader(strings.NewReader(file(t, z, "data/tasks.csv"))).ReadAll()
	must(t, err)
	if len(rows) != 2501 || strings.Join(rows[3], "|") != "2|任务 2, \"quoted\"\nline|12.50|true|2026-03-01|2026-03-01T14:05:00.5Z|aGk=|{\"a\": [1, 2]}" {
		t.Fatalf("%d rows, %q", len(rows), rows[3])
	}
	if got := file(t, z, "attachments/tasks/film.mp4"); got != noise(1100<<10) {
		t.Fatal("an attachment differs")
	}
	for _, text := range []string{"10001", "青藤设计 & Co", "本压缩包", "2026-03-01 14:05:00 UTC"} {
		if !strings.Contains(file(t, z, "README.txt"), text) {
			t.Errorf("README.txt lacks %q", text)
		}
	}
}

func TestE10_ReceiptNamesMissingAndChangedAttachments(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{})
	must(t, err)
	files := kept{"ok": "ok", "cut-small": "0123456789", "cut-large": noise(2 << 20), "grown": "12345"}
	must(t, w.AddAttachments(context.Background(), "files", 5, listed(
		Attachment{"ok", "ok.bin", 2}, Attachment{"gone", "gone.bin", 1}, Attachment{"cut-small", "s.bin", 10},
		Attachment{"cut-large", "l.bin", 2 << 20}, Attachment{"grown", "g.bin", 3}), files))
	result, err := w.Close()
	must(t, err)
	c := result.Receipt.Attachments[0]
	if c.Source != 5 || c.Exported != 2 || c.Failed != 3 || result.Receipt.Complete {
		t.Fatalf("%+v", c)
	}
	var got []string
	for _, f := range append(c.Failures, c.Remarks...) {
		got = append(got, f.Item+" "+f.Name+" "+f.Reason+" "+f.Path)
	}
	want := "gone gone.bin missing ;cut-small s.bin changed ;cut-large l.bin changed attachments/files/l.bin;grown g.bin size_differs attachments/files/g.bin"
	if strings.Join(got, ";") != want {
		t.Fatalf("got  %s\nwant %s", strings.Join(got, ";"), want)
	}
	if r := verify(t, b.Bytes()); !r.OK() {
		t.Fatal(r.Problems)
	}
	for _, f := range result.Manifest.Files {
		if f.Incomplete != (f.Path == "attachments/files/l.bin") {
			t.Errorf("%s incomplete: %v", f.Path, f.Incomplete)
		}
	}
}

func TestE09_RowsThatCannotBeWrittenAreNamed(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{})
	must(t, err)
	columns := []Column{{Name: "id", Type: "integer"}, {Name: "name", Type: "text"}}
	giant := strings.Repeat("x", 20<<20)
	rows := [][][]byte{text("1", "good"), {[]byte("2"), []byte("bad \xff")}, text("3", giant), text("4", "\x00\x1f\u2028")}
	must(t, w.AddDataset(context.Background(), Dataset{Name: "t", Columns: columns, Source: 4}, reader(rows)))
	result, err := w.Close()
	must(t, err)
	c := result.Receipt.Datasets[0]
	if c.Exported != 3 || c.Failed != 1 || len(c.Failures) != 1 || c.Failures[0] != (Failure{Item: "2", Column: "name", Reason: "not_utf8"}) {
		t.Fatalf("%+v", c)
	}
	lines := strings.Split(file(t, open(t, b.Bytes()), "data/t.jsonl"), "\n")
	var last struct{ Name string }
	must(t, json.Unmarshal([]byte(lines[2]), &last))
	if last.Name != "\x00\x1f\u2028" || len(lines[1]) < len(giant) {
		t.Fatalf("%q", last.Name)
	}
	if r := verify(t, b.Bytes()); !r.OK() {
		t.Fatal(r.Problems)
	}
}

func TestCountsThatDisagreeMakeNoArchive(t *testing.T) {
	rows := sampleRows(3)
	rows[0][1] = bytes.Repeat([]byte("x"), replayRoom) // more than is remembered
	turn := 0
	for name, read := range map[string]Rows{
		"source counted more": reader(rows[:2]),
		"second reading shorter": func(ctx context.Context, yield func([][]byte) error) (int64, error) {
			if turn++; turn%2 == 0 {
				return reader(rows[:2])(ctx, yield)
			}
			return reader(rows)(ctx, yield)
		},
		"second reading different": func(ctx context.Context, yield func([][]byte) error) (int64, error) {
			if turn++; turn%2 == 0 {
				return reader([][][]byte{rows[0], rows[1], rows[1]})(ctx, yield)
			}
			return reader(rows)(ctx, yield)
		},
		"source broke": func(context.Context, func([][]byte) error) (int64, error) { return 0, errSource },
	} {
		turn = 0
		w, err := NewWriter(io.Discard, sampleHeader, Options{})
		must(t, err)
		err = w.AddDataset(context.Background(), Dataset{Name: "t", Columns: sampleColumns, Source: 3}, read)
		if err == nil || (name == "source broke") != errors.Is(err, errSource) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecondReadingMayComeInAnotherOrder(t *testing.T) {
	rows := sampleRows(3)
	rows[0][1] = bytes.Repeat([]byte("x"), replayRoom) // more than is remembered
	turn := 0
	w, err := NewWriter(io.Discard, sampleHeader, Options{})
	must(t, err)
	must(t, w.AddDataset(context.Background(), Dataset{Name: "t", Columns: sampleColumns, Source: 3}, func(ctx context.Context, yield func([][]byte) error) (int64, error) {
		if turn++; turn == 2 {
			return reader([][][]byte{rows[2], rows[0], rows[1]})(ctx, yield)
		}
		return reader(rows)(ctx, yield)
	}))
}

// full fails after some bytes, as a destination whose disk is full.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errSource
	}
	return len(p), nil
}

func TestE06_DestinationThatFailsEndsTheArchive(t *testing.T) {
	rows := sampleRows(40_000)
	for _, room := range []int{0, 10, 5_000, 70_000} {
		w, err := NewWriter(&full{left: room}, sampleHeader, Options{})
		if err == nil {
			err = w.AddDataset(context.Background(), Dataset{Name: "t", Columns: sampleColumns, Source: int64(len(rows))}, reader(rows))
		}
		if err == nil {
			err = w.AddAttachments(context.Background(), "t", 1, listed(Attachment{"c", "c", -1}), kept{"c": noise(2 << 20)})
		}
		if err == nil {
			_, err = w.Close()
		}
		if !errors.Is(err, errSource) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

func TestDatasetNamesBecomeFileNames(t *testing.T) {
	w, err := NewWriter(io.Discard, sampleHeader, Options{})
	must(t, err)
	for _, name := range []string{"", "a/b", "../x", "A", "con", "a.b", strings.Repeat("a", 70)} {
		if err := w.AddDataset(context.Background(), Dataset{Name: name, Columns: sampleColumns}, reader(nil)); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
	must(t, w.AddDataset(context.Background(), Dataset{Name: "a", Columns: sampleColumns}, reader(nil)))
	if err := w.AddDataset(context.Background(), Dataset{Name: "a", Columns: sampleColumns}, reader(nil)); err == nil {
		t.Error("a name was taken twice")
	}
	for _, part := range [][2]int{{2, 1}, {3, 2}, {0, 2}, {1, 0}, {-1, 2}} {
		if err := w.AddDataset(context.Background(), Dataset{Name: "b", Columns: sampleColumns, Part: part[0], Parts: part[1]}, reader(nil)); err == nil {
			t.Errorf("part %d of %d was taken", part[0], part[1])
		}
	}
}
