package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// streamingSample has every way in which a file is written: sized, deflated and framed behind a streamed header, Parquet, and one
// that is announced as possibly passing 4 GiB.
func streamingSample(t *testing.T) ([]byte, Result) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, sampleHeader, Options{CSV: true, Parquet: true, Browse: true})
	must(t, err)
	rows := sampleRows(700)
	must(t, w.AddDataset(t.Context(), Dataset{Name: "tasks", Columns: sampleColumns, Source: int64(len(rows)), Bytes: 1 << 20}, reader(rows)))
	must(t, w.AddAttachments(t.Context(), "tasks", 5, listed(
		Attachment{"small", "small.png", -1}, Attachment{"large", "film.mp4", -1}, Attachment{"text", "notes.txt", -1},
		Attachment{"empty", "empty.bin", -1}, Attachment{"cut-off", "cut off.mp4", -1},
	), kept{"small": "png", "large": noise(3<<20 + 7), "text": strings.Repeat("plain text ", 300_000), "empty": "", "cut-off": noise(5 << 20)}))
	result, err := w.Close()
	must(t, err)
	return b.Bytes(), result
}

// TestNoStoredEntryIsWithoutItsSize walks from header to header as a reader does that cannot seek: what it is not told the size of
// must end by itself.
func TestNoStoredEntryIsWithoutItsSize(t *testing.T) {
	b, result := streamingSample(t)
	if r := verify(t, b); !r.OK() {
		t.Fatal(r.Problems)
	}
	methods := map[string]string{}
	for _, f := range result.Manifest.Files {
		h := b[f.Offset:]
		flags, method := binary.LittleEndian.Uint16(h[6:]), binary.LittleEndian.Uint16(h[8:])
		if flags&flagStreamed != 0 && method != methodDeflate {
			t.Errorf("%s: method %d with its size behind the data", f.Path, method)
		}
		methods[f.Name] = f.Method
		if f.Method == "deflated" && f.Stored > f.Size+f.Size/1000+16 && f.Size > 1<<16 {
			t.Errorf("%s: %d bytes became %d", f.Path, f.Size, f.Stored)
		}
	}
	if methods["small.png"] != "stored" || methods["film.mp4"] != "deflated" || methods["cut off.mp4"] != "deflated" {
		t.Error(methods)
	}
}

// TestOnlyWhatPasses4GiBIsAnnounced: eight-byte sizes behind data that is smaller end Java's reading.
func TestOnlyWhatPasses4GiBIsAnnounced(t *testing.T) {
	for _, c := range []struct {
		d    Dataset
		want bool
	}{
		{Dataset{Source: manyRows + 1}, true},
		{Dataset{Source: manyRows}, false},
		{Dataset{Source: 100 * manyRows, Bytes: largeRaw - 1}, false},
		{Dataset{Source: 7, Bytes: largeRaw}, true},
	} {
		if got := c.d.large(); got != c.want {
			t.Errorf("%+v: %v", c.d, got)
		}
	}
	for size, want := range map[int64]bool{0: false, 2 << 30: false, 4<<30 - 2<<20: false, 4<<30 - 1: true, 4 << 30: true, 5 << 30: true} {
		if passes4GiB(size) != want {
			t.Errorf("%d: %v", size, !want)
		}
	}
}

// javaReader lists each entry with its size and SHA-256, reading from a pipe that it cannot seek in.
const javaReader = `
import java.io.*;
import java.security.MessageDigest;
import java.util.zip.*;
%s
public class Streamed {
    public static void main(String[] args) throws Exception {
        try (%s in = new %s(System.in%s)) {
            %s entry;
            while ((entry = in.%s()) != null) {
                MessageDigest sum = MessageDigest.getInstance("SHA-256");
                byte[] buffer = new byte[8192];
                long size = 0;
                for (int n; (n = in.read(buffer)) > 0; size += n) sum.update(buffer, 0, n);
                StringBuilder hex = new StringBuilder();
                for (byte b : sum.digest()) hex.append(String.format("%%02x", b));
                System.out.println(entry.getName() + " " + size + " " + hex);
            }
        }
    }
}
`

// TestStreamingReadersReadEveryEntry pipes an archive through Java's own reader and through Apache Commons Compress, and holds
// what they read against the manifest.
func TestStreamingReadersReadEveryEntry(t *testing.T) {
	for _, tool := range []string{"java", "javac"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("no JDK is installed: streaming readers of Java are not tried")
		}
	}
	packed, result := streamingSample(t)
	var want []string
	for _, f := range result.Manifest.Files {
		want = append(want, fmt.Sprintf("%s %d %s", f.Path, f.Size, f.SHA256))
	}
	const commons = "/usr/share/java/commons-compress.jar"
	for _, c := range []struct {
		name, jar string
		source    string
	}{
		{"java.util.zip", "", fmt.Sprintf(javaReader, "", "ZipInputStream", "ZipInputStream", "", "ZipEntry", "getNextEntry")},
		{"commons-compress", commons, fmt.Sprintf(javaReader, "import org.apache.commons.compress.archivers.zip.*;",
			"ZipArchiveInputStream", "ZipArchiveInputStream", "", "ZipArchiveEntry", "getNextZipEntry")},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := os.Stat(c.jar); c.jar != "" && err != nil {
				t.Skipf("%s is not installed (libcommons-compress-java)", c.jar)
			}
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, "Streamed.java"), []byte(c.source), 0o600))
			path := dir + string(os.PathListSeparator) + c.jar
			if text, err := exec.CommandContext(t.Context(), "javac", "-nowarn", "-cp", path, "-d", dir, filepath.Join(dir, "Streamed.java")).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			cmd := exec.CommandContext(t.Context(), "java", "-Dfile.encoding=UTF-8", "-cp", path, "Streamed")
			var errs bytes.Buffer
			cmd.Stdin, cmd.Stderr = bytes.NewReader(packed), &errs
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%v: %s\n%s", err, errs.Bytes(), out)
			}
			got := strings.Split(strings.TrimSpace(string(out)), "\n")
			if n := len(got) - 1; !strings.HasPrefix(got[n], ManifestPath+" ") {
				t.Errorf("the last entry is %q", got[n])
			}
			if d := cmp.Diff(want, got[:len(got)-1]); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestSeekingAndPipedToolsReadEveryEntry is the same for what people have.
func TestSeekingAndPipedToolsReadEveryEntry(t *testing.T) {
	packed, result := streamingSample(t)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.zip"), packed, 0o600))
	for _, line := range []string{"unzip -q a.zip -d unzip", "7z x -bd -y -o7z a.zip", "bsdtar -x -f a.zip -C bsdtar", "bsdtar -x -f - -C piped", "python3 -m zipfile -e a.zip python3"} {
		t.Run(line, func(t *testing.T) {
			words := strings.Fields(line)
			if _, err := exec.LookPath(words[0]); err != nil {
				t.Skipf("%s is not installed", words[0])
			}
			into := words[0]
			if words[3] == "-" {
				into = "piped"
			}
			must(t, os.MkdirAll(filepath.Join(dir, into), 0o700))
			cmd := exec.CommandContext(context.Background(), words[0], words[1:]...)
			cmd.Dir, cmd.Env, cmd.Stdin = dir, append(os.Environ(), "LC_ALL=C.UTF-8"), bytes.NewReader(packed)
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			for _, f := range result.Manifest.Files {
				b, err := os.ReadFile(filepath.Join(dir, into, filepath.FromSlash(f.Path)))
				must(t, err)
				if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != f.SHA256 {
					t.Errorf("%s differs", f.Path)
				}
			}
		})
	}
}
