package archive

import (
	"context"
	"fmt"
	"io"
	"testing"
)

// benchRows are 100,000 rows of about 150 bytes, as a tool's comments look.
func benchRows() ([]Column, [][][]byte, int64) {
	columns := []Column{{Name: "id", Type: "integer"}, {Name: "customer_id", Type: "integer"}, {Name: "task_id", Type: "integer"}, {Name: "author_id", Type: "integer"}, {Name: "body", Type: "text"}, {Name: "created_at", Type: "instant"}}
	rows := make([][][]byte, 100_000)
	size := int64(0)
	for i := range rows {
		body := fmt.Sprintf("We looked at item %d again, and it seems fine; the number %d is what \"they\" asked for, more or less.", i*7919%100_003, i*31%977)
		rows[i] = text(fmt.Sprint(i), "1", fmt.Sprint(i/7), fmt.Sprint(i%91), body, "2026-03-01 14:05:00.123456+00")
		for _, v := range rows[i] {
			size += int64(len(v)) + 1
		}
	}
	return columns, rows, size
}

func BenchmarkEncode(b *testing.B) {
	columns, rows, size := benchRows()
	for name, f := range map[string]format{"csv": newCSV(columns), "jsonl": newJSON(columns), "spreadsheet": newSpreadsheet(columns)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			buf := make([]byte, 0, 1<<20)
			for b.Loop() {
				buf = buf[:0]
				for _, r := range rows {
					var err error
					if buf, err = f.row(buf, r); err != nil {
						b.Fatal(err)
					}
					if len(buf) > chunkSize {
						buf = buf[:0]
					}
				}
			}
		})
	}
}

// BenchmarkArchive is the whole way of one dataset as CSV, to nowhere.
func BenchmarkArchive(b *testing.B) {
	columns, rows, size := benchRows()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		w, err := NewWriter(io.Discard, sampleHeader, Options{CSV: true})
		if err != nil {
			b.Fatal(err)
		}
		if err := w.AddDataset(context.Background(), Dataset{Name: "t", Columns: columns, Source: int64(len(rows))}, reader(rows)); err != nil {
			b.Fatal(err)
		}
		if _, err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSmallArchive is an export of five datasets with a hundred rows each, to nowhere. What an archive costs for itself
// shows here.
func BenchmarkSmallArchive(b *testing.B) {
	columns, rows, _ := benchRows()
	b.ReportAllocs()
	for b.Loop() {
		w, err := NewWriter(io.Discard, sampleHeader, Options{CSV: true})
		if err != nil {
			b.Fatal(err)
		}
		for n := range 5 {
			d := Dataset{Name: fmt.Sprint("t", n), Title: "A part", Columns: columns, Source: 100}
			if err := w.AddDataset(context.Background(), d, reader(rows[n*100:n*100+100])); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
