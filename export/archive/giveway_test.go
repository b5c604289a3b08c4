package archive

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"testing"
)

// TestEachPieceOfALargeArchiveGivesWay counts the pieces, and reads what came of them.
func TestEachPieceOfALargeArchiveGivesWay(t *testing.T) {
	t.Parallel()
	const rows = 40_000
	write := func(between func(int)) []byte {
		var b bytes.Buffer
		a, err := NewWriter(&b, sampleHeader, Options{CSV: true, Browse: true, GiveWay: between})
		must(t, err)
		columns := []Column{{Name: "id", Type: "integer"}, {Name: "note", Type: "text"}}
		err = a.AddDataset(t.Context(), Dataset{Name: "notes", Columns: columns, Source: rows}, func(_ context.Context, yield func([][]byte) error) (int64, error) {
			for i := range rows {
				if err := yield(text(fmt.Sprint(i), fmt.Sprintf("What was written about number %d, at some length.", i*7919))); err != nil {
					return int64(i), err
				}
			}
			return rows, nil
		})
		must(t, err)
		_, err = a.Close()
		must(t, err)
		return b.Bytes()
	}
	var pieces, size atomic.Int64
	giving := write(func(n int) { pieces.Add(1); size.Add(int64(n)) })
	if least := int64(rows * 50 / chunkSize); pieces.Load() < least {
		t.Errorf("it gave way %d times, in %d pieces of the one file alone", pieces.Load(), least)
	}
	if size.Load() < rows*50 {
		t.Errorf("the pieces hold %d bytes in all", size.Load())
	}
	report, err := Verify(t.Context(), bytes.NewReader(giving), int64(len(giving)), Expected{})
	if err != nil || !report.OK() {
		t.Errorf("the archive: %v, %v", report.Problems, err)
	}
}
