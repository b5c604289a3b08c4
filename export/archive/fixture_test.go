package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

var sampleHeader = Header{
	Export: "10001", Customer: "c-7", CustomerName: "青藤设计 & Co", Product: "Atlas", Programme: "atlas-2026",
	AsOf: time.Date(2026, 3, 1, 14, 5, 0, 0, time.UTC), Created: time.Date(2026, 3, 1, 14, 6, 2, 0, time.UTC), Volume: 1, Volumes: 1,
}

var sampleColumns = []Column{
	{Name: "id", Type: "integer"},
	{Name: "name", Type: "text"},
	{Name: "price", Type: "number"},
	{Name: "open", Type: "boolean"},
	{Name: "day", Type: "date"},
	{Name: "at", Type: "instant"},
	{Name: "blob", Type: "binary"},
	{Name: "doc", Type: "json"},
}

// text makes a row; "<nil>" is NULL.
func text(values ...string) [][]byte {
	row := make([][]byte, len(values))
	for i, v := range values {
		if v != "<nil>" {
			row[i] = []byte(v)
		}
	}
	return row
}

func sampleRows(n int) [][][]byte {
	rows := make([][][]byte, n)
	for i := range rows {
		name := fmt.Sprintf("任务 %d, \"quoted\"\nline", i)
		switch i % 3 {
		case 0:
			name = "<nil>"
		case 1:
			name = ""
		}
		rows[i] = text(fmt.Sprint(i), name, "12.50", "t", "2026-03-01", "2026-03-01 14:05:00.5+00", `\x6869`, `{"a": [1, 2]}`)
	}
	return rows
}

func reader(rows [][][]byte) Rows {
	return func(_ context.Context, yield func([][]byte) error) (int64, error) {
		for i, r := range rows {
			if err := yield(r); err != nil {
				return int64(i), err
			}
		}
		return int64(len(rows)), nil
	}
}

// itemError is an attachment's own trouble.
type itemError string

func (e itemError) Error() string      { return string(e) }
func (e itemError) ItemReason() string { return string(e) }

// kept is a place of attachments whose contents a test gives: the boundary to storage, not a stand-in for it.
type kept map[string]string

func (k kept) Open(_ context.Context, key string) (io.ReadCloser, int64, error) {
	s, ok := k[key]
	if !ok {
		return nil, 0, itemError("missing")
	}
	if strings.HasPrefix(key, "cut-") {
		return io.NopCloser(io.MultiReader(strings.NewReader(s[:len(s)/2]), broken{})), int64(len(s)), nil
	}
	return io.NopCloser(strings.NewReader(s)), int64(len(s)), nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, itemError("changed") }

func listed(all ...Attachment) Attachments {
	return func(_ context.Context, yield func(Attachment) error) error {
		for _, a := range all {
			if err := yield(a); err != nil {
				return err
			}
		}
		return nil
	}
}

// sample writes an archive with two datasets and five attachments, of which one is missing.
func sample(t testing.TB) ([]byte, Result) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{Spreadsheet: true})
	must(t, err)
	ctx := context.Background()
	rows := sampleRows(2500)
	must(t, w.AddDataset(ctx, Dataset{Name: "tasks", Title: "Tasks", Columns: sampleColumns, Source: int64(len(rows))}, reader(rows)))
	must(t, w.AddDataset(ctx, Dataset{Name: "empty", Columns: sampleColumns[:2]}, reader(nil)))
	files := kept{
		"a": strings.Repeat("picture ", 30_000), "b": "b", "c": noise(1100 << 10), "d": strings.Repeat("plain text ", 900), "nested": "",
	}
	must(t, w.AddAttachments(ctx, "tasks", 6, listed(
		Attachment{"a", "图.png", 240_000}, Attachment{"b", "图.PNG", 2}, Attachment{"missing", "gone.pdf", -1},
		Attachment{"c", "../film.mp4", -1}, Attachment{"d", "notes.txt", -1}, Attachment{"nested", `manifest.json{"schema":"offramp-archive/`, -1},
	), files))
	result, err := w.Close()
	must(t, err)
	return b.Bytes(), result
}

// noise is not compressible and the same each time.
func noise(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func verify(t testing.TB, b []byte) Report {
	t.Helper()
	r, err := Verify(context.Background(), bytes.NewReader(b), int64(len(b)), Expected{})
	must(t, err)
	return r
}

var errSource = errors.New("source broke")
