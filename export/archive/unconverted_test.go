package archive

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOneRowThatIsNotAsDeclaredNeverStopsTheRest writes it in every format, remembered and not, and looks for it in the receipt.
func TestOneRowThatIsNotAsDeclaredNeverStopsTheRest(t *testing.T) {
	for name, n := range map[string]int{"remembered": 20, "read for each format": 40_000} {
		t.Run(name, func(t *testing.T) {
			rows := sampleRows(n)
			rows[3][2] = Unconverted
			rows[7][0], rows[7][5] = Unconverted, Unconverted
			rows[8][1] = []byte("unconverted") // a text that only looks so
			var b bytes.Buffer
			w, err := NewWriter(&b, sampleHeader, Options{CSV: true, JSONLines: true, Parquet: true, Spreadsheet: true, Browse: true})
			must(t, err)
			must(t, w.AddDataset(t.Context(), Dataset{Name: "tasks", Columns: sampleColumns, Source: int64(n)}, reader(rows)))
			result, err := w.Close()
			must(t, err)
			c := result.Receipt.Datasets[0]
			want := []Failure{{Item: "4", Column: "price", Reason: "not_converted"}, {Item: "8", Column: "id", Reason: "not_converted"}}
			if diff := cmp.Diff(want, c.Failures); diff != "" || c.Exported != int64(n-2) || result.Receipt.Complete {
				t.Error(c.Exported, diff)
			}
			if r := verify(t, b.Bytes()); !r.OK() {
				t.Error(r.Problems)
			}
		})
	}
}
