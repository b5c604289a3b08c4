package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offramp/export/archive"
	"offramp/export/archive/locked"
	"offramp/export/receipt"
)

func TestVerifyTellsWholeFromDamaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.run("import").want(t, 0)
	stop := w.work()
	fetched := w.fetch(w.await(w.request("B-1"), "ready"))
	stop()
	file := func(name string, content []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := file("whole.zip", fetched)
	bare(t, "verify", whole).want(t, 0, "whole.zip is whole.", "customer B-1", "SHA-256", "1 in the source = 1 exported + 0 failed")
	if r := bare(t, "verify", "-q", whole); r.code != 0 || r.all() != "" {
		t.Errorf("-q: %d %q", r.code, r.all())
	}
	bare(t, "verify", whole, "--sha256", "00").want(t, 1, "is NOT what was exported")

	damaged := append([]byte(nil), fetched...)
	damaged[len(damaged)/2] ^= 1
	const advice = "Download it again from the portal."
	bare(t, "verify", file("damaged.zip", damaged)).want(t, 1, "damaged.zip is NOT what was exported:", "byte", advice)
	bare(t, "verify", file("cut.zip", fetched[:len(fetched)*2/3])).want(t, 1, "cut.zip is NOT what was exported:", advice)
	bare(t, "verify", file("text.zip", []byte("hello"))).want(t, 1, "this is no export archive", advice)
	bare(t, "verify", file("empty.zip", nil)).want(t, 1, "empty.zip is NOT what was exported:")
	bare(t, "verify", "/no/such/file.zip").want(t, 1, "/no/such/file.zip", "no such file")
	bare(t, "verify", t.TempDir()).want(t, 1, "has no .zip file")
}

// volumes writes an export of three archives into a folder and returns their names and receipts.
func volumes(t *testing.T, dir, reference string) (names []string, receipts []archive.Receipt) {
	t.Helper()
	for n := 1; n <= 3; n++ {
		names = append(names, filepath.Join(dir, fmt.Sprintf("%s-%02d.zip", reference, n)))
		f, err := os.Create(names[n-1])
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		sum := sha256.New()
		at := time.Date(2026, 3, 1, 14, 5, 0, 0, time.UTC)
		w, err := archive.NewWriter(io.MultiWriter(f, sum), archive.Header{
			Export: reference, Customer: "c-7", Product: "Atlas", Programme: "atlas-2026", AsOf: at, Created: at, Volume: n, Volumes: 3,
			Sources: []archive.SourceInfo{{Key: "api", AsOf: at}},
		}, archive.Options{CSV: true})
		if err != nil {
			t.Fatal(err)
		}
		d := archive.Dataset{Name: "tasks", Columns: []archive.Column{{Name: "id", Type: "integer"}}, Source: 2, Part: n, Parts: 3}
		if err := w.AddDataset(t.Context(), d, func(_ context.Context, yield func([][]byte) error) (int64, error) {
			return 2, errors.Join(yield([][]byte{[]byte("1")}), yield([][]byte{[]byte("2")}))
		}); err != nil {
			t.Fatal(err)
		}
		result, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		proof := archive.VolumeProof{Number: n, Size: result.Size, SHA256: hex.EncodeToString(sum.Sum(nil))}
		result.Receipt.Volumes = append(result.Receipt.Volumes, proof)
		receipts = append(receipts, result.Receipt)
	}
	return names, receipts
}

func TestVerifyTellsTheVolumeThatIsMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names, _ := volumes(t, dir, "EX-1")
	bare(t, "verify", dir).want(t, 0, "EX-1-02.zip is whole.", "all 3, together the whole export", "6 in the source = 6 exported", "source api has no snapshots")
	bare(t, "verify", names[2], names[0], names[1]).want(t, 0, "all 3, together")
	bare(t, "verify", names[1]).want(t, 0, "EX-1-02.zip is whole.", "2 of 3; name all of them")
	bare(t, "verify", names[0], names[2]).want(t, 1, "Export EX-1 of customer c-7 is NOT whole:", "volume 2 of 3 is missing")
	bare(t, "verify", names[0], names[0]).want(t, 1, "are both volume 1", "volumes 2, 3 of 3 are missing")
	bare(t, "verify", names[0], names[1], "--sha256", "00").want(t, 1, "--sha256 is for one file")

	volumes(t, dir, "EX-2")
	bare(t, "verify", dir).want(t, 0, "export    EX-1", "export    EX-2")
	if err := os.Remove(filepath.Join(dir, "EX-2-03.zip")); err != nil {
		t.Fatal(err)
	}
	bare(t, "verify", dir).want(t, 1, "EX-1-03.zip is whole.", "Export EX-2 of customer c-7 is NOT whole:", "volume 3 of 3 is missing")

	content, err := os.ReadFile(names[1])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(names[1], content, 0o600); err != nil {
		t.Fatal(err)
	}
	bare(t, append([]string{"verify"}, names...)...).want(t, 1, "EX-1-02.zip is NOT what was exported:")
}

func TestVerifyHoldsArchivesAgainstTheSignedReceipt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	names, receipts := volumes(t, dir, "EX-1")
	whole, err := archive.Combine(receipts)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range receipts {
		whole.Volumes = append(whole.Volumes, r.Volumes...)
	}
	master := []byte("the secret of an installation, long enough")
	sign := func(name string, r archive.Receipt) string {
		key, err := receipt.NewKey(master)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		jws, err := receipt.Sign(payload, key)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, append(jws, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := receipt.NewKey(master)
	if err != nil {
		t.Fatal(err)
	}
	set, err := receipt.PublicKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(dir, "keys.json")
	if err := os.WriteFile(keys, set, 0o600); err != nil {
		t.Fatal(err)
	}
	signed := sign("receipt.jws", whole)
	bare(t, "verify", dir, "--receipt", signed, "--keys", keys).want(t, 0, "signed by the portal, and of exactly these archives")
	bare(t, "verify", names[1], "--receipt", signed, "--keys", keys).want(t, 0, "signed by the portal")
	bare(t, "verify", dir, "--receipt", signed).want(t, 1, "--receipt needs --keys")
	bare(t, "verify", dir, "--keys", keys).want(t, 1, "--keys is for --receipt")
	bare(t, "verify", dir, "--receipt", names[0], "--keys", keys).want(t, 1, "the signature is not valid")

	other := whole
	other.Volumes = append([]archive.VolumeProof{}, whole.Volumes...)
	other.Volumes[1].SHA256 = other.Volumes[0].SHA256
	bare(t, "verify", dir, "--receipt", sign("other.jws", other), "--keys", keys).want(t, 1, "EX-1-02.zip is not the volume 2 of the receipt")
	other = whole
	other.Export = "EX-9"
	bare(t, "verify", dir, "--receipt", sign("other.jws", other), "--keys", keys).want(t, 1, "the receipt is of export EX-9")
	other = whole
	other.Datasets = []archive.Count{{Dataset: "tasks", Source: 7, Exported: 7}}
	bare(t, "verify", dir, "--receipt", sign("other.jws", other), "--keys", keys).want(t, 1, "the receipt has 7 rows")
}

// lock writes a locked copy of an archive.
func lock(t *testing.T, path, password string, content []byte) archive.VolumeProof {
	t.Helper()
	var out bytes.Buffer
	w, err := locked.NewWriter(&out, locked.Options{Name: "inner.zip", Password: password, Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	r, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(out.Bytes())
	return archive.VolumeProof{
		Number: 1, Size: r.Size, SHA256: hex.EncodeToString(sum[:]), Archive: &archive.InnerProof{Size: r.InnerSize, SHA256: r.InnerSHA256},
	}
}

// TestVerifyOpensLockedArchives proves them without unpacking, and tells a wrong password from damage.
func TestVerifyOpensLockedArchives(t *testing.T) {
	t.Parallel()
	const password = "heron lantern quarry tuesday"
	dir := t.TempDir()
	names, receipts := volumes(t, dir, "EX-1")
	content, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	at := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := filepath.Join(dir, "EX-1-locked.zip")
	proof := lock(t, file, password, content)
	right, wrong := at("password.txt", "\ufeff"+password+"\r\nnotes\n"), at("wrong.txt", "heron lantern quarry monday")
	bare(t, "verify", file, "--password-file", right).want(t, 0, "EX-1-locked.zip is whole.", proof.SHA256+", locked by a password", "within    "+proof.Archive.SHA256)
	bare(t, "verify", file, "--password-file", right, "--sha256", proof.SHA256).want(t, 0, "is whole.")
	bare(t, "verify", file, "--password-file", right, "--sha256", proof.Archive.SHA256).want(t, 1, "the whole file is another than the portal shows")
	bare(t, "verify", file).want(t, 1, "it is locked", "--password-file")
	bare(t, "verify", file, "--password-file", wrong).want(t, 1, "the password in --password-file does not open it")
	bare(t, "verify", file, "--password-file", at("none.txt", "\n")).want(t, 1, "none.txt has no password on its first line")
	bare(t, "verify", file, "--password-file", filepath.Join(dir, "absent")).want(t, 1, "absent", "no such file")
	if r := bare(t, "verify", file, "--password-file", wrong); strings.Contains(r.all(), "monday") {
		t.Errorf("it tells the password: %s", r.all())
	}

	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for where, at := range map[string]int{"what is encrypted was changed": len(whole) / 2, "what surrounds the encrypted file was changed": 10} {
		b := append([]byte(nil), whole...)
		b[at] ^= 1
		path := filepath.Join(dir, "damaged-locked.zip")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		bare(t, "verify", path, "--password-file", right).want(t, 1, "is NOT what was exported:", where)
	}

	combined, err := archive.Combine(receipts)
	if err != nil {
		t.Fatal(err)
	}
	combined.Volumes = []archive.VolumeProof{proof}
	key, err := receipt.NewKey([]byte("a secret of thirty-two characters"))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(combined)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := receipt.Sign(payload, key)
	if err != nil {
		t.Fatal(err)
	}
	set, err := receipt.PublicKeys(key)
	if err != nil {
		t.Fatal(err)
	}
	signed, keys := at("receipt.jws", string(jws)), at("keys.json", string(set))
	bare(t, "verify", file, "--password-file", right, "--receipt", signed, "--keys", keys).want(t, 0, "signed by the portal")
	bare(t, "verify", names[0], "--receipt", signed, "--keys", keys).want(t, 0, "signed by the portal")
	other := filepath.Join(dir, "other-locked.zip")
	lock(t, other, password, content) // with another salt
	bare(t, "verify", other, "--password-file", right, "--receipt", signed, "--keys", keys).want(t, 1, "is not the volume 1 of the receipt", proof.SHA256)
}
