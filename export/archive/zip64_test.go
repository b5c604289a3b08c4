package archive

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestZip64ManyFiles passes the 65,535 files that a plain Zip file can have.
func TestZip64ManyFiles(t *testing.T) {
	const n = 66_000
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{})
	must(t, err)
	must(t, w.AddAttachments(context.Background(), "files", n, func(_ context.Context, yield func(Attachment) error) error {
		for i := range n {
			if err := yield(Attachment{"x", fmt.Sprintf("%d.bin", i), 1}); err != nil {
				return err
			}
		}
		return nil
	}, kept{"x": "x"}))
	_, err = w.Close()
	must(t, err)
	if r := verify(t, b.Bytes()); !r.OK() || r.Files != n+3 {
		t.Fatal(r.Files, r.Problems)
	}
	if z := open(t, b.Bytes()); len(z.File) != n+4 {
		t.Fatalf("%d files", len(z.File))
	}
	path := filepath.Join(t.TempDir(), "archive.zip")
	must(t, os.WriteFile(path, b.Bytes(), 0o600))
	for _, tool := range [][]string{{"unzip", "-tq", path}, {"7z", "t", "-bd", path}, {"bsdtar", "-tf", path}} {
		text, err := exec.CommandContext(t.Context(), tool[0], tool[1:]...).CombinedOutput()
		if err != nil || !bytes.Contains(text, []byte(map[string]string{"unzip": "No errors", "7z": fmt.Sprint("Files: ", n+4), "bsdtar": "65999.bin"}[tool[0]])) {
			t.Errorf("%s: %v: %s", tool[0], err, text[max(0, len(text)-500):])
		}
	}
	b.Bytes()[b.Len()-len(comment(ManifestPath, strings.Repeat("0", 64)))-22-30] ^= 1 // in the Zip64 end record
	if r := verify(t, b.Bytes()); len(r.Problems) != 1 || !r.Problems[0].Exact {
		t.Fatal(r.Problems)
	}
}

// TestZip64LargeFiles passes 4 GiB in each way that it can be passed. It takes a minute and 5 GB of disk, so it is asked
// for: OFFRAMP_LARGE=1.
func TestZip64LargeFiles(t *testing.T) {
	if os.Getenv("OFFRAMP_LARGE") == "" {
		t.Skip("set OFFRAMP_LARGE=1 to write files of more than 4 GiB")
	}
	path := filepath.Join(t.TempDir(), "archive.zip")
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	w, err := NewWriter(f, sampleHeader, Options{CSV: true})
	must(t, err)
	ctx := context.Background()
	add := func(name string, rows int64, value []byte) {
		must(t, w.AddDataset(ctx, Dataset{Name: name, Columns: []Column{{Name: "v", Type: "text"}}, Source: rows},
			func(_ context.Context, yield func([][]byte) error) (int64, error) {
				for range rows {
					if err := yield([][]byte{value}); err != nil {
						return 0, err
					}
				}
				return rows, nil
			}))
	}
	add("announced", manyRows+1, []byte(strings.Repeat("value ", 1500)))
	add("unannounced", 750, []byte(strings.Repeat("value ", 1<<20)))
	big := noise(1 << 30)
	must(t, w.AddAttachments(ctx, "files", 5, listed(Attachment{"a", "1.bin", -1}, Attachment{"a", "2.bin", -1}, Attachment{"a", "3.bin", -1},
		Attachment{"a", "4.bin", -1}, Attachment{"b", "after 4 GiB.bin", -1}), kept{"a": big, "b": "small"}))
	result, err := w.Close()
	must(t, err)
	r, err := Verify(ctx, f, result.Size, Expected{})
	must(t, err)
	if !r.OK() {
		t.Fatal(r.Problems)
	}
	for _, tool := range [][]string{{"unzip", "-tq", path}, {"7z", "t", path}, {"bsdtar", "-tf", path}, {"python3", "-m", "zipfile", "-t", path}} {
		if text, err := exec.Command(tool[0], tool[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", tool[0], err, text)
		}
	}
}
