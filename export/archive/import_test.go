package archive

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestImportFileHoldsWhatTheProfileMakes(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{})
	must(t, err)
	rows := [][][]byte{text("0", "a,\"b\"\r\n"), text("1", "left out"), text("2", "bad"), text("3", "=1+1"), text("4", "<nil>"), text("5", ""), {[]byte("6"), []byte("\xff")}}
	d := Dataset{Name: "tasks", Columns: sampleColumns[:2], Source: int64(len(rows)) - 1}
	must(t, w.AddDataset(t.Context(), d, reader(rows[:6])))
	f := issues(int64(len(rows)))
	f.Dataset = "others" // read anew
	must(t, w.AddImport(t.Context(), f, reader(rows)))
	f.Name, f.Format = "issues.jsonl", "jsonl"
	must(t, w.AddImport(t.Context(), f, reader(rows)))
	result, err := w.Close()
	must(t, err)
	if r := verify(t, b.Bytes()); !r.OK() {
		t.Fatal(r.Problems)
	}
	z := open(t, b.Bytes())
	want := "Key,\"Summary, long\"\r\nP-0,\"a,\"\"b\"\"\r\n\"\r\nP-3,=1+1\r\nP-4,\r\nP-5,\"\"\r\n"
	if got := file(t, z, "import/jira/Issues 中文.csv"); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	_, err = csv.NewReader(strings.NewReader(want)).ReadAll()
	must(t, err)
	lines := strings.Split(strings.TrimSpace(file(t, z, "import/jira/issues.jsonl")), "\n")
	var last map[string]*string
	must(t, json.Unmarshal([]byte(lines[2]), &last))
	if len(lines) != 4 || *last["Key"] != "P-4" || last["Summary, long"] != nil {
		t.Errorf("%q", lines)
	}
	for _, c := range result.Receipt.Imports {
		if c.Source != 7 || c.Exported != 4 || c.Skipped != 1 || c.Failed != 2 || c.Failures[0] != (Failure{Item: "3", Reason: "no_key"}) ||
			c.Failures[1] != (Failure{Item: "7", Column: "Summary, long", Reason: "not_utf8"}) {
			t.Errorf("%+v", c)
		}
	}
	if result.Receipt.Complete {
		t.Error("complete")
	}
}

func TestImportFileThatCannotBe(t *testing.T) {
	ctx := context.Background()
	w, err := NewWriter(io.Discard, sampleHeader, Options{})
	must(t, err)
	rows := sampleRows(5)
	must(t, w.AddDataset(ctx, Dataset{Name: "tasks", Columns: sampleColumns, Source: 5}, reader(rows)))
	must(t, w.AddImport(ctx, issues(5), reader(rows)))
	for name, change := range map[string]func(*ImportFile){
		"the same again":        func(*ImportFile) {},
		"the same on Windows":   func(f *ImportFile) { f.Name = "ISSUES 中文.CSV" },
		"folder":                func(f *ImportFile) { f.Name = "a/b.csv" },
		"upwards":               func(f *ImportFile) { f.Name = "../b.csv" },
		"device":                func(f *ImportFile) { f.Name = "con.csv" },
		"turned":                func(f *ImportFile) { f.Name = "\u202evsc.csv" },
		"too long":              func(f *ImportFile) { f.Name = strings.Repeat("a", 130) + ".csv" },
		"other extension":       func(f *ImportFile) { f.Name = "b.jsonl" },
		"unknown format":        func(f *ImportFile) { f.Name, f.Format = "b.xlsx", "xlsx" },
		"replacement upwards":   func(f *ImportFile) { f.Name, f.Replacement = "b.csv", ".." },
		"replacement is device": func(f *ImportFile) { f.Name, f.Replacement = "b.csv", "aux" },
		"no columns":            func(f *ImportFile) { f.Name, f.Columns = "b.csv", nil },
		"part beyond":           func(f *ImportFile) { f.Name, f.Part, f.Parts = "b.csv", 3, 2 },
	} {
		f := issues(5)
		change(&f)
		if err := w.AddImport(ctx, f, reader(rows)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestImportFileOfOtherRows wants the import to fail when its reading is not that of the dataset.
func TestImportFileOfOtherRows(t *testing.T) {
	rows := sampleRows(5)
	rows[4][1] = bytes.Repeat([]byte("x"), replayRoom) // more than is remembered
	other := append([][][]byte{}, rows[1:]...)
	for name, c := range map[string]struct {
		rows   [][][]byte
		change func(*ImportFile)
	}{
		"a row less":      {rows[:4], func(*ImportFile) {}},
		"a row different": {append(other, rows[1]), func(*ImportFile) {}},
		"conversion broke": {rows, func(f *ImportFile) {
			f.Row = func([][]byte) ([][]byte, bool, error) { return nil, false, errSource }
		}},
		"too few values": {rows, func(f *ImportFile) {
			f.Row = func([][]byte) ([][]byte, bool, error) { return nil, true, nil }
		}},
	} {
		w, err := NewWriter(io.Discard, sampleHeader, Options{})
		must(t, err)
		must(t, w.AddDataset(t.Context(), Dataset{Name: "tasks", Columns: sampleColumns, Source: 5}, reader(rows)))
		f := issues(5)
		c.change(&f)
		err = w.AddImport(t.Context(), f, reader(c.rows))
		if err == nil || (name == "conversion broke") != errors.Is(err, errSource) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSmallDatasetsAreReadOnce counts the queries, and wants the files to be those of a dataset that is read each time.
func TestSmallDatasetsAreReadOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		wide int // bytes of one value
		want int // readings
	}{{"small", 10, 1}, {"wide", replayRoom, 7}} {
		rows := sampleRows(40)
		rows[7][1] = bytes.Repeat([]byte("x"), c.wide)
		readings := 0
		counted := func(ctx context.Context, yield func([][]byte) error) (int64, error) {
			readings++
			reused := make([][]byte, len(sampleColumns)) // as a source does
			for i, r := range rows {
				for j, v := range r {
					if reused[j] = append(reused[j][:0], v...); v == nil {
						reused[j] = nil
					}
				}
				if err := yield(reused); err != nil {
					return int64(i), err
				}
			}
			return int64(len(rows)), nil
		}
		var b bytes.Buffer
		w, err := NewWriter(&b, sampleHeader, Options{CSV: true, JSONLines: true, Parquet: true, Spreadsheet: true, Browse: true})
		must(t, err)
		must(t, w.AddDataset(t.Context(), Dataset{Name: "tasks", Columns: sampleColumns, Source: 40}, counted))
		must(t, w.AddImport(t.Context(), issues(40), counted))
		f := issues(40)
		f.Name = "others.csv"
		must(t, w.AddImport(t.Context(), f, counted))
		if readings != c.want {
			t.Errorf("%s: %d readings, want %d", c.name, readings, c.want)
		}
		must(t, w.AddDataset(t.Context(), Dataset{Name: "next", Columns: sampleColumns[:1], Source: 1}, reader([][][]byte{text("7")})))
		_, err = w.Close()
		must(t, err)
		if r := verify(t, b.Bytes()); !r.OK() {
			t.Fatal(r.Problems)
		}
		z := open(t, b.Bytes())
		_, got := readParquet(t, []byte(file(t, z, "data/tasks.parquet")))
		if fmt.Sprint(len(got), deref(got[7][1]), deref(got[6][1])) != fmt.Sprint(40, strings.Repeat("x", c.wide), "NULL") {
			t.Errorf("%s: %d rows", c.name, len(got))
		}
		if file(t, z, "data/next.csv") != "id\r\n7\r\n" {
			t.Errorf("%s: %q", c.name, file(t, z, "data/next.csv"))
		}
	}
}
