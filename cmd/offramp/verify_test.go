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

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"offramp/deploy/local/localtest"
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

// forgeries are what somebody does who may write every table, each made whole with the schema's own digest.
var forgeries = map[string][]string{
	"edited":               {`UPDATE audit SET actor = 'someone' WHERE seq = 3`},
	"put in another order": {`UPDATE audit SET seq = 1003 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 1003`},
	"cut with its head":    {`DELETE FROM audit WHERE seq > 3`},
}

const hashAnew = `DO $$ DECLARE r audit; p bytea := decode(repeat('00', 32), 'hex'); n bigint := 0; BEGIN
	FOR r IN SELECT * FROM audit ORDER BY seq LOOP
		r.prev_hash := p; p := audit_digest(r); n := r.seq;
		UPDATE audit SET prev_hash = r.prev_hash, hash = p WHERE seq = r.seq;
	END LOOP;
	UPDATE audit_head SET seq = n, hash = p;
END $$`

// TestL02_TheCommandFindsWhatASuperuserMakesAnew holds each forgery against a head in the bucket, and against one that
// was kept in a file and as the event that a sink took, where the bucket's were removed, too.
func TestL02_TheCommandFindsWhatASuperuserMakesAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	super := w.database.Super(t)
	exec := func(statements ...string) {
		t.Helper()
		for _, sql := range statements {
			if _, err := super.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	exec(`INSERT INTO audit (at, actor, actor_kind, act, object) SELECT now(), 'actor-' || i, 'system', 'x', 'x' FROM generate_series(1, 5) i`)
	printed := w.run("audit", "head")
	printed.want(t, 0, `"signature"`)
	head := filepath.Join(t.TempDir(), "head.json")
	if err := os.WriteFile(head, []byte(printed.out), 0o600); err != nil {
		t.Fatal(err)
	}
	var data, kind string
	if err := super.QueryRow(t.Context(), `SELECT data::text, type FROM outbox_event WHERE customer_id = ''`).Scan(&data, &kind); err != nil || kind != "offramp.audit.head.v1" {
		t.Fatalf("sinks are told: %s, %v", kind, err)
	}
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"specversion": "1.0", "type": "`+kind+`", "data": `+data+`}`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.run("audit", "verify").want(t, 0, "5 entries: complete since head 5:", " of 20")
	bare := w.with("OFFRAMP_S3_BUCKET", localtest.S3(t).Bucket(t)) // the heads in the bucket are gone
	exec(`CREATE TABLE audit_kept AS TABLE audit`, `CREATE TABLE audit_head_kept AS TABLE audit_head`)
	for name, statements := range forgeries {
		exec(append(statements, hashAnew)...)
		for how, r := range map[string]result{
			"the bucket's heads": w.run("audit", "verify"), "a file": bare.run("audit", "verify", "--head", head), "a sink's event": bare.run("audit", "verify", "--head", event),
		} {
			if r.code != 1 || !strings.Contains(r.all(), "BROKEN at entry ") {
				t.Errorf("%s, held against %s: %d\n%s", name, how, r.code, r.all())
			}
		}
		exec(`SET session_replication_role = replica; TRUNCATE audit; INSERT INTO audit SELECT * FROM audit_kept; UPDATE audit_head h SET seq = k.seq, hash = k.hash FROM audit_head_kept k;
			SET session_replication_role = origin`)
	}
	w.run("audit", "verify").want(t, 0, "complete since head 5:")
	bare.run("audit", "verify", "--head", head, "--head", event).want(t, 0, "complete since head 5:")
	bare.with("OFFRAMP_WEB_SECRET_KEY", strings.Repeat("x", 32)).run("audit", "verify", "--head", head).want(t, 1, "not signed with a key of this installation")
}

// TestL02_HeadsAreLockedWhereTheBucketLocks has the bucket's own keeper try to remove one.
func TestL02_HeadsAreLockedWhereTheBucketLocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.run("doctor").want(t, 0, ", without object lock: ")
	s3 := localtest.S3(t)
	bucket := s3.LockedBucket(t)
	w = w.with("OFFRAMP_S3_BUCKET", bucket)
	w.run("doctor").want(t, 0, ", with object lock for the audit log's signed heads")
	w.run("audit", "head").want(t, 0, `"signature"`)
	listed, err := s3.Client().ListObjectVersions(t.Context(), &awss3.ListObjectVersionsInput{Bucket: &bucket, Prefix: aws.String(headPrefix)})
	if err != nil || len(listed.Versions) != 1 {
		t.Fatalf("%v, %v", listed, err)
	}
	remove := func(key, version *string) error {
		_, err := s3.Client().DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: &bucket, Key: key, VersionId: version})
		return err
	}
	if err := remove(listed.Versions[0].Key, listed.Versions[0].VersionId); err == nil {
		t.Error("a locked head was removed")
	}
	if err := remove(listed.Versions[0].Key, nil); err != nil { // a mark, which hides the head and removes nothing
		t.Fatal(err)
	}
	_, err = s3.Client().PutObject(t.Context(), &awss3.PutObjectInput{Bucket: &bucket, Key: aws.String("free"), Body: strings.NewReader("x")})
	if err == nil {
		err = remove(aws.String("free"), nil)
	}
	if err != nil {
		t.Errorf("what is not locked stays, too: %v", err)
	}
	w.run("audit", "verify").want(t, 0, "entries: complete since head ")
}
