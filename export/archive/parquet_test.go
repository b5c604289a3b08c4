package archive

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// typed has a column of each type, in an order that is not the alphabet's, with names that no Go field could have.
var typed = []Column{
	{Name: "z id", Type: "integer", Meaning: "the task's number"},
	{Name: "名称", Type: "text"},
	{Name: "a.price", Type: "number", Unit: "EUR"},
	{Name: "open", Type: "boolean"},
	{Name: "day", Type: "date"},
	{Name: "clock", Type: "time"},
	{Name: "local", Type: "timestamp"},
	{Name: "at", Type: "instant"},
	{Name: "took", Type: "duration"},
	{Name: "blob", Type: "binary"},
	{Name: "doc", Type: "json"},
	{Name: "key", Type: "uuid"},
	{Name: "tags", Type: "text"},
}

func typedRows(n int) [][][]byte {
	rows := make([][][]byte, n)
	for i := range rows {
		rows[i] = text(fmt.Sprint(i*i-5), fmt.Sprintf("任务, \"%d\"", i), fmt.Sprintf("%d.10", i), []string{"t", "f"}[i%2],
			fmt.Sprintf("%04d-02-%02d", 1+i%4000, 1+i%28), "24:00:00+02", "1969-12-31 23:59:59.999999",
			fmt.Sprintf("2026-03-01 14:05:%02d.5+00", i%60), "P1DT2H", fmt.Sprintf(`\x68%02x`, i%256), `{"a": [1.10]}`,
			fmt.Sprintf("6f1f64b0-1111-4222-8333-4444%08x", i), "{a,b}")
		rows[i][i%len(typed)] = nil
	}
	return rows
}

// readParquet returns the file's columns and its values in the text forms of our CSV, nil for NULL.
func readParquet(t testing.TB, b []byte) (*parquet.File, [][]*string) {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	var all [][]*string
	leaves := f.Schema().Fields()
	for _, g := range f.RowGroups() {
		rows := g.Rows()
		buf := make([]parquet.Row, 100)
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				values := make([]*string, len(leaves))
				for _, v := range row {
					if !v.IsNull() {
						s := asCSV(leaves[v.Column()].Type().String(), v)
						values[v.Column()] = &s
					}
				}
				all = append(all, values)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			must(t, err)
		}
		must(t, rows.Close())
	}
	return f, all
}

func asCSV(kind string, v parquet.Value) string {
	switch {
	case strings.HasPrefix(kind, "INT("):
		return strconv.FormatInt(v.Int64(), 10)
	case kind == "BOOLEAN":
		return strconv.FormatBool(v.Boolean())
	case kind == "DATE":
		return time.Unix(int64(v.Int32())*24*60*60, 0).UTC().Format("2006-01-02")
	case strings.HasPrefix(kind, "TIMESTAMP"):
		s := time.UnixMicro(v.Int64()).UTC().Format("2006-01-02T15:04:05.999999")
		if strings.Contains(kind, "isAdjustedToUTC=true") {
			s += "Z"
		}
		return s
	case kind == "UUID":
		b := v.ByteArray()
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	case kind == "BYTE_ARRAY":
		return base64.StdEncoding.EncodeToString(v.ByteArray())
	}
	return string(v.ByteArray())
}

// TestParquetHoldsWhatTheCSVHolds compares every cell, over several row groups.
func TestParquetHoldsWhatTheCSVHolds(t *testing.T) {
	rows := typedRows(60_000)
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{CSV: true, Parquet: true})
	must(t, err)
	must(t, w.AddDataset(context.Background(), Dataset{Name: "tasks", Columns: typed, Source: int64(len(rows))}, reader(rows)))
	_, err = w.Close()
	must(t, err)
	if r := verify(t, b.Bytes()); !r.OK() || r.Rows != 2*int64(len(rows)) {
		t.Fatal(r.Rows, r.Problems)
	}
	z := open(t, b.Bytes())
	want, err := csv.NewReader(strings.NewReader(file(t, z, "data/tasks.csv"))).ReadAll()
	must(t, err)
	f, got := readParquet(t, []byte(file(t, z, "data/tasks.parquet")))
	if len(got) != len(rows) || len(f.RowGroups()) < 2 {
		t.Fatalf("%d rows of %d in %d row groups", len(got), len(rows), len(f.RowGroups()))
	}
	for i, field := range f.Schema().Fields() {
		if field.Name() != typed[i].Name {
			t.Errorf("column %d is %q, want %q", i, field.Name(), typed[i].Name)
		}
	}
	for i, row := range got {
		for j, v := range row {
			if (v == nil) != (rows[i][j] == nil) || (v != nil && *v != want[i+1][j]) {
				t.Fatalf("row %d, column %q (%s): %v, want %q", i, typed[j].Name, f.Schema().Fields()[j].Type(), deref(v), want[i+1][j])
			}
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return "NULL"
	}
	return *s
}

// TestE09_ParquetNamesWhatItCannotHold writes values that have no place in a column's type there. They are in the CSV.
func TestE09_ParquetNamesWhatItCannotHold(t *testing.T) {
	columns := []Column{{Name: "n", Type: "integer"}, {Name: "day", Type: "date"}, {Name: "at", Type: "instant"}, {Name: "key", Type: "uuid"}, {Name: "s", Type: "text"}}
	good := text("1", "2026-03-01", "2026-03-01 00:00:00+00", "6f1f64b0-1111-4222-8333-444455556666", "x")
	with := func(i int, v string) [][]byte {
		row := append([][]byte{}, good...)
		row[i] = []byte(v)
		return row
	}
	rows := [][][]byte{
		good, with(0, "9223372036854775808"), with(1, "infinity"), with(2, "-infinity"), with(2, "2026-03-01 00:00:00.1234567+00"),
		with(2, "294276-12-31 23:59:59+00"), with(3, "6F1F64B0-1111-4222-8333-444455556666"), with(4, "bad \xff"),
		with(1, "0044-03-15 BC"), with(1, "5874897-12-31"), with(0, "-9223372036854775808"), with(2, "4713-01-01 00:00:00+00 BC"),
	}
	for _, o := range []Options{{CSV: true, JSONLines: true, Parquet: true}, {Parquet: true}} {
		var b bytes.Buffer
		w, err := NewWriter(&b, sampleHeader, o)
		must(t, err)
		must(t, w.AddDataset(context.Background(), Dataset{Name: "t", Columns: columns, Source: int64(len(rows))}, reader(rows)))
		result, err := w.Close()
		must(t, err)
		if r := verify(t, b.Bytes()); !r.OK() {
			t.Fatal(r.Problems)
		}
		c := result.Receipt.Datasets[0]
		named := c.Failures
		for _, l := range c.Lacking {
			named = append(named, l.Failures...)
		}
		got := map[string]string{}
		for _, f := range named {
			got[f.Item] = f.Column + " " + f.Reason
		}
		want := map[string]string{
			"2": "n out_of_range", "3": "day out_of_range", "4": "at out_of_range", "5": "at out_of_range", "6": "at out_of_range",
			"7": "key out_of_range", "8": "s not_utf8",
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("named %v, want %v", got, want)
		}
		if o.CSV && (c.Exported != 11 || c.Failed != 1 || c.Lacking[0].Rows != 6 || c.Lacking[0].Format != "parquet") {
			t.Errorf("%+v", c)
		}
		if !o.CSV && (c.Exported != 5 || c.Failed != 7 || len(c.Lacking) != 0) {
			t.Errorf("%+v", c)
		}
		if result.Receipt.Complete {
			t.Error("complete")
		}
		if _, all := readParquet(t, []byte(file(t, open(t, b.Bytes()), "data/t.parquet"))); len(all) != 5 {
			t.Errorf("%d rows", len(all))
		}
	}
}

func TestParquetOfNothingAndOfOddNames(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{Parquet: true})
	must(t, err)
	odd := []Column{{Name: "", Type: "text"}, {Name: "a b", Type: "text"}, {Name: "a b", Type: "integer"}, {Name: "nul\x00\xff", Type: "something new"}}
	must(t, w.AddDataset(context.Background(), Dataset{Name: "none", Columns: odd}, reader(nil)))
	must(t, w.AddDataset(context.Background(), Dataset{Name: "odd", Columns: odd, Source: 1}, reader([][][]byte{text("x", "y", "7", "z")})))
	_, err = w.Close()
	must(t, err)
	if r := verify(t, b.Bytes()); !r.OK() {
		t.Fatal(r.Problems)
	}
	_, all := readParquet(t, []byte(file(t, open(t, b.Bytes()), "data/odd.parquet")))
	if len(all) != 1 || deref(all[0][0])+deref(all[0][1])+deref(all[0][2])+deref(all[0][3]) != "xy7z" {
		t.Fatalf("%v", all)
	}
}

// TestParquetStreamsInLittleMemory writes 140 MB of rows and looks at the heap on the way.
func TestParquetStreamsInLittleMemory(t *testing.T) {
	columns, rows, size := benchRows()
	const times = 10
	var most atomic.Uint64
	all := func(_ context.Context, yield func([][]byte) error) (int64, error) {
		runtime.GC()
		for i := range times {
			for _, r := range rows {
				if err := yield(r); err != nil {
					return 0, err
				}
			}
			if i%5 == 4 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most.Store(max(most.Load(), m.HeapInuse))
			}
		}
		return times * int64(len(rows)), nil
	}
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	w, err := NewWriter(io.Discard, sampleHeader, Options{Parquet: true})
	must(t, err)
	must(t, w.AddDataset(context.Background(), Dataset{Name: "t", Columns: columns, Source: times * int64(len(rows))}, all))
	_, err = w.Close()
	must(t, err)
	grown := int64(most.Load()) - int64(before.HeapInuse)
	t.Logf("%d MB of rows took %d MB of heap", times*size>>20, grown>>20)
	if grown > 40<<20 {
		t.Errorf("%d MB of rows took %d MB of heap", times*size>>20, grown>>20)
	}
}
