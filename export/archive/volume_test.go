package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var sampleSources = []SourceInfo{{Key: "crm", AsOf: sampleHeader.AsOf, Steady: true}, {Key: "api", AsOf: sampleHeader.AsOf}}

// issues is an import file made from the sample rows: it leaves out what is not open and cannot make the row called bad.
func issues(source int64) ImportFile {
	return ImportFile{
		Replacement: "jira", Name: "Issues 中文.csv", Format: "csv", Dataset: "tasks", Source: source,
		Columns: []Column{{Name: "Key", Type: "integer"}, {Name: "Summary, long"}},
		Row: func(v [][]byte) ([][]byte, bool, error) {
			if string(v[0]) == "2" {
				return nil, false, itemError("no_key")
			}
			return [][]byte{append([]byte("P-"), v[0]...), v[1]}, string(v[0]) != "1", nil
		},
	}
}

// volumes writes an export of three volumes: a dataset in three parts with attachments of the same names, and a whole one.
func volumes(t testing.TB) ([][]byte, []Result) {
	t.Helper()
	var all [][]byte
	var results []Result
	ctx := context.Background()
	for n := 1; n <= 3; n++ {
		h := sampleHeader
		h.Volume, h.Volumes, h.Sources = n, 3, sampleSources
		h.Created = h.Created.Add(time.Duration(n) * time.Second)
		var b bytes.Buffer
		w, err := NewWriter(&b, h, Options{CSV: true, JSONLines: true, Parquet: true, Spreadsheet: true, Browse: true})
		must(t, err)
		rows := append(sampleRows(4*n), [][]byte{[]byte("9"), []byte("bad \xff"), nil, nil, nil, nil, nil, nil})
		part := Dataset{Name: "tasks", Title: "Tasks", Columns: sampleColumns, Source: int64(len(rows)), Part: n, Parts: 3}
		must(t, w.AddDataset(ctx, part, reader(rows)))
		f := issues(part.Source)
		f.Part, f.Parts = n, 3
		must(t, w.AddImport(ctx, f, reader(rows)))
		if n == 2 {
			must(t, w.AddDataset(ctx, Dataset{Name: "notes", Columns: sampleColumns[:1], Source: 1}, reader([][][]byte{text("1")})))
		}
		must(t, w.AddAttachments(ctx, "tasks", 3, listed(Attachment{"a", "图.png", 1}, Attachment{"a", "../图.PNG", 1}, Attachment{"gone", "x", 1}), kept{"a": fmt.Sprint(n)}))
		result, err := w.Close()
		must(t, err)
		all, results = append(all, b.Bytes()), append(results, result)
	}
	return all, results
}

func TestVolumesUnpackIntoOneFolder(t *testing.T) {
	all, results := volumes(t)
	sums := map[string]string{}
	for i, b := range all {
		r := verify(t, b)
		if !r.OK() {
			t.Fatalf("volume %d: %v", i+1, r.Problems)
		}
		for _, f := range results[i].Manifest.Files {
			if sums[strings.ToLower(f.Path)] != "" {
				t.Errorf("%s is in two volumes", f.Path)
			}
			sums[strings.ToLower(f.Path)] = f.SHA256
		}
		if _, err := open(t, b).Open(fmt.Sprintf("manifest-%02d.json", i+1)); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{
		"readme-02.txt", "index-03.html", "receipt-01.json", "data/tasks.part-02.csv", "data/tasks.part-03.spreadsheet.csv", "data/tasks.part-01.parquet",
		"data/notes.jsonl", "schema/tasks.part-03.json", "schema/notes.json", "import/jira/issues 中文.part-02.csv",
		"attachments/tasks/volume-01/图.png", "attachments/tasks/volume-03/图 (2).png",
	} {
		if sums[path] == "" {
			t.Errorf("no %s", path)
		}
	}
	extractAll(t, all, sums)
}

// extractAll unpacks archives into one folder with each tool that customers have, and compares every file.
func extractAll(t *testing.T, all [][]byte, sums map[string]string) {
	t.Helper()
	for _, tool := range []string{"unzip", "7z", "bsdtar"} {
		dir, in := t.TempDir(), t.TempDir()
		for i, b := range all {
			path := filepath.Join(in, fmt.Sprintf("%d.zip", i))
			must(t, os.WriteFile(path, b, 0o600))
			args := map[string][]string{
				"unzip": {"-q", path, "-d", dir}, "7z": {"x", "-y", "-bd", "-o" + dir, path}, "bsdtar": {"-xkf", path, "-C", dir},
			}[tool]
			run := exec.Command(tool, args...)
			run.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
			if text, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", tool, err, text)
			}
		}
		found := 0
		must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, _ := filepath.Rel(dir, path)
			b, err := os.ReadFile(path)
			must(t, err)
			sum := sha256.Sum256(b)
			if want, ok := sums[strings.ToLower(name)]; ok && want == hex.EncodeToString(sum[:]) {
				found++
			} else if !strings.HasPrefix(name, "manifest") {
				t.Errorf("%s: %q differs or is not listed", tool, name)
			}
			return nil
		}))
		if found != len(sums) {
			t.Errorf("%s: %d files of %d", tool, found, len(sums))
		}
	}
}

func TestI08_ReceiptOfAllVolumes(t *testing.T) {
	_, results := volumes(t)
	var receipts []Receipt
	for _, i := range []int{2, 0, 1} {
		receipts = append(receipts, results[i].Receipt)
	}
	whole, err := Combine(receipts)
	must(t, err)
	tasks := whole.Datasets[0]
	if tasks.Dataset != "tasks" || tasks.Source != 27 || tasks.Exported != 24 || tasks.Failed != 3 || whole.Complete || len(whole.Datasets) != 2 {
		t.Fatalf("%+v", whole)
	}
	if f := tasks.Failures[1]; f.Volume != 2 || f.Part != 2 || f.Item != "9" {
		t.Errorf("%+v", f)
	}
	if a := whole.Attachments[0]; a.Source != 9 || a.Exported != 6 || a.Failures[2].Volume != 3 {
		t.Errorf("%+v", a)
	}
	if c := whole.Imports[0]; c.Source != 27 || c.Skipped != 3 || c.Failed != 6 || c.Exported != 18 || c.Failures[3].Part != 2 {
		t.Errorf("%+v", c)
	}
	if len(whole.Sources) != 2 || !whole.Sources[0].Steady || whole.Created != results[2].Receipt.Created || whole.Volume != 0 {
		t.Errorf("%+v", whole)
	}
	for name, spoil := range map[string]func([]Receipt) []Receipt{
		"volume missing":    func(r []Receipt) []Receipt { return r[:2] },
		"volume twice":      func(r []Receipt) []Receipt { return append(r, r[0]) },
		"another export":    func(r []Receipt) []Receipt { r[1].Export = "10002"; return r },
		"another instant":   func(r []Receipt) []Receipt { r[1].AsOf = r[1].AsOf.Add(1); return r },
		"steady source off": func(r []Receipt) []Receipt { r[1].Sources = []SourceInfo{{Key: "crm", Steady: true}}; return r },
		"part missing":      func(r []Receipt) []Receipt { r[0].Datasets = r[0].Datasets[1:]; return r },
		"counts off": func(r []Receipt) []Receipt {
			d := r[0].Datasets[0]
			d.Exported++
			r[0].Datasets = append([]Count{d}, r[0].Datasets[1:]...)
			return r
		},
	} {
		if _, err := Combine(spoil(append([]Receipt{}, receipts...))); err == nil {
			t.Errorf("%s: combined", name)
		}
	}
}

func TestVolumesAreVerifiedTogether(t *testing.T) {
	all, _ := volumes(t)
	verified := func(name string, content []byte) VolumeReport {
		r, err := Verify(t.Context(), bytes.NewReader(content), int64(len(content)), Expected{})
		must(t, err)
		return VolumeReport{Name: name, Report: r}
	}
	named := func(pick ...int) (out []VolumeReport) {
		for _, i := range pick {
			out = append(out, verified(fmt.Sprintf("v%d.zip", i), all[i-1]))
		}
		return out
	}
	s := Together(named(3, 1, 2))
	if !s.OK() || s.Of != 3 || s.Receipt.Datasets[0].Source != 27 || s.Volumes[0].Name != "v1.zip" {
		t.Fatalf("%+v", s.Problems)
	}
	for _, c := range []struct {
		volumes []VolumeReport
		want    string
	}{
		{named(1, 3), "volume 2 of 3 is missing"},
		{named(2), "volumes 1, 3 of 3 are missing"},
		{append(named(1, 2, 3), verified("copy.zip", all[0])), "v1.zip and copy.zip are both volume 1"},
	} {
		s := Together(c.volumes)
		if s.OK() || strings.Join(s.Problems, "; ") != c.want {
			t.Errorf("%q, want %q", s.Problems, c.want)
		}
	}
	other, _ := sample(t)
	s = Together(append(named(1, 2), verified("other.zip", other)))
	if s.OK() || !strings.Contains(strings.Join(s.Problems, "; "), "other.zip is of another attempt") {
		t.Errorf("%q", s.Problems)
	}
	broken := named(1, 2, 3)
	damaged := bytes.Clone(all[1])
	damaged[len(damaged)/2] ^= 1
	broken[1] = verified("v2.zip", damaged)
	s = Together(broken)
	if s.OK() || len(s.Problems) > 0 || s.Volumes[1].OK() {
		t.Errorf("a damaged volume passed: %v", s.Problems)
	}
}

// TestVerifyNamesAnyChangedByteOfAVolume is about the manifest's name, whose length depends on the volume.
func TestVerifyNamesAnyChangedByteOfAVolume(t *testing.T) {
	for _, volume := range []int{2, 137} {
		h := sampleHeader
		h.Volume, h.Volumes = volume, 200
		var out bytes.Buffer
		w, err := NewWriter(&out, h, Options{})
		must(t, err)
		must(t, w.AddDataset(t.Context(), Dataset{Name: "t", Columns: sampleColumns, Source: 3}, reader(sampleRows(3))))
		_, err = w.Close()
		must(t, err)
		b := out.Bytes()
		begin := bytes.LastIndex(b, []byte(h.Path(ManifestPath)+"{")) - headerSize
		for at := begin; at < len(b); at++ {
			was := b[at]
			b[at] ^= 1 << (at % 8)
			if r := verify(t, b); !exactly(r, int64(at), was, b[at]) {
				t.Fatalf("volume %d: a change at %d of %d, %d after the manifest's header, was told as %v", volume, at, len(b), at-begin, r.Problems)
			}
			b[at] = was
		}
	}
}

func TestSchemaIsEnoughToLoadTheRows(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{CSV: true, Parquet: true})
	must(t, err)
	must(t, w.AddDataset(t.Context(), Dataset{Name: "tasks", Title: "任务", Columns: typed, Source: 3}, reader(typedRows(3))))
	_, err = w.Close()
	must(t, err)
	var s tableSchema
	must(t, json.Unmarshal([]byte(file(t, open(t, b.Bytes()), "schema/tasks.json")), &s))
	if s.Dataset != "tasks" || s.Title != "任务" || s.Rows != 3 || len(s.Files) != 2 || s.Files[1].Path != "data/tasks.parquet" || len(s.Fields) != len(typed) {
		t.Fatalf("%+v", s)
	}
	for i, f := range s.Fields {
		if f.Name != typed[i].Name || f.Kind != typed[i].Type || f.Type == "" || f.CSV == "" || f.JSONLines == "" || f.Parquet == "" {
			t.Errorf("%+v", f)
		}
	}
	if s.Fields[0].Description != "the task's number" || s.Fields[2].Unit != "EUR" || s.Fields[7].Type != "datetime" || s.Fields[11].Parquet != "UUID" {
		t.Errorf("%+v", s.Fields)
	}
}
