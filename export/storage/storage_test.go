package storage_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export/storage"
)

// bucket opens a fresh bucket; change may point it elsewhere.
func bucket(t *testing.T, change func(*storage.Config)) *storage.Bucket {
	t.Helper()
	s := localtest.S3(t)
	c := storage.Config{
		Endpoint: s.Endpoint, Region: s.Region, Bucket: s.Bucket(t), AccessKey: s.AccessKey, SecretKey: s.SecretKey, PathStyle: true,
		Backoff: 20 * time.Millisecond,
	}
	if change != nil {
		change(&c)
	}
	b, err := storage.Open(context.Background(), c)
	must(t, err)
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(7)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func proofOf(b []byte) storage.Proof {
	sum := sha256.Sum256(b)
	return storage.Proof{Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])}
}

// leftovers lists everything in the bucket.
func leftovers(t *testing.T, b *storage.Bucket) (all []storage.Leftover) {
	t.Helper()
	must(t, b.ListOlder(context.Background(), "", -time.Hour, func(l storage.Leftover) error {
		all = append(all, l)
		return nil
	}))
	return all
}

func TestUploadAndReadBack(t *testing.T) {
	ctx := context.Background()
	b := bucket(t, nil)
	must(t, b.Ping(ctx))
	must(t, b.Check(ctx))
	for _, size := range []int{0, 1, 100_000, 5<<20 - 1, 5 << 20, 5<<20 + 1, 23 << 20} {
		body, key := noise(size), storage.NewKey("exports/")
		u := b.Create(ctx, key, int64(size/2), "application/zip")
		for rest := body; len(rest) > 0; {
			n, err := u.Write(rest[:min(len(rest), 99_991)])
			must(t, err)
			rest = rest[n:]
		}
		if size > 6<<20 {
			if _, err := b.Open(ctx, key, 0); storage.KindOf(err) != storage.NotFound {
				t.Fatalf("%d bytes: visible before Commit: %v", size, err)
			}
		}
		proof, err := u.Commit()
		must(t, err)
		u.Abort() // does nothing any more
		back, err := b.ReadBack(ctx, key)
		must(t, err)
		if !proof.Same(proofOf(body)) || !back.Same(proof) {
			t.Fatalf("%d bytes: wrote %+v, read %+v", size, proof, back)
		}
		if size > 10 {
			o, err := b.Open(ctx, key, int64(size-10))
			must(t, err)
			tail, err := io.ReadAll(o)
			must(t, err)
			must(t, o.Close())
			if !bytes.Equal(tail, body[size-10:]) || o.Size != int64(size) {
				t.Fatalf("%d bytes: a range differs", size)
			}
		}
		must(t, b.Delete(ctx, key))
		must(t, b.Delete(ctx, key))
	}
	if all := leftovers(t, b); len(all) > 0 {
		t.Fatalf("left behind: %v", all)
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	b := bucket(t, nil)
	for _, size := range []int{10, 12 << 20} {
		ctx, cancel := context.WithCancel(context.Background())
		u := b.Create(ctx, "exports/aborted", 0, "application/zip")
		_, err := u.Write(noise(size))
		must(t, err)
		cancel()
		if _, err := u.Write([]byte("more")); !errors.Is(err, context.Canceled) {
			t.Fatalf("write after cancel: %v", err)
		}
		if _, err := u.Commit(); !errors.Is(err, context.Canceled) {
			t.Fatalf("commit after cancel: %v", err)
		}
		u.Abort()
		u.Abort()
	}
	sweptClean(t, b)
}

func TestE17_LeftoversAreListedByAgeAndRemoved(t *testing.T) {
	ctx := context.Background()
	b := bucket(t, nil)
	_, err := b.Put(ctx, "exports/orphan", []byte("x"), "application/zip")
	must(t, err)
	_, err = b.Put(ctx, "other/kept", []byte("x"), "application/zip")
	must(t, err)
	killed, kill := context.WithCancel(ctx)
	u := b.Create(killed, "exports/parts", 0, "application/zip")
	_, err = u.Write(noise(6 << 20))
	must(t, err)
	kill() // and nobody calls Abort
	seen := func(prefix string, age time.Duration) (names []string) {
		must(t, b.ListOlder(ctx, prefix, age, func(l storage.Leftover) error {
			names = append(names, l.Key)
			if l.Key == "exports/parts" && l.UploadID == "" {
				t.Error("an unfinished upload has no id")
			}
			return nil
		}))
		return names
	}
	if got := seen("exports/", time.Hour); len(got) > 0 {
		t.Fatalf("young: %v", got)
	}
	if got := strings.Join(seen("exports/", -time.Hour), " "); got != "exports/orphan exports/parts" {
		t.Fatalf("old: %v", got)
	}
	must(t, b.ListOlder(ctx, "exports/", -time.Hour, func(l storage.Leftover) error { return b.Remove(ctx, l) }))
	must(t, b.Delete(ctx, "other/kept"))
	sweptClean(t, b)
}

func TestWrongConfigurationIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*storage.Config)
		want   storage.Kind
	}{
		"secret":  {func(c *storage.Config) { c.SecretKey = "wrong" }, storage.Denied},
		"key":     {func(c *storage.Config) { c.AccessKey = "nobody" }, storage.Denied},
		"bucket":  {func(c *storage.Config) { c.Bucket = "no-such-bucket" }, storage.Invalid},
		"address": {func(c *storage.Config) { c.Endpoint, c.Attempts = "http://127.0.0.1:1", 2 }, storage.Unavailable},
	} {
		b := bucket(t, c.change)
		err := b.Check(context.Background())
		if storage.KindOf(err) != c.want {
			t.Errorf("wrong %s: Check said %v", name, err)
		}
		if err := b.Ping(context.Background()); storage.KindOf(err) != c.want {
			t.Errorf("wrong %s: Ping said %v", name, err)
		}
		u := b.Create(context.Background(), "k", 0, "application/zip")
		if _, err = u.Write(noise(6 << 20)); err == nil {
			_, err = u.Commit()
		}
		u.Abort()
		if storage.KindOf(err) != c.want {
			t.Errorf("wrong %s: upload said %v", name, err)
		}
	}
}

func TestI09_PresignedNames(t *testing.T) {
	ctx := context.Background()
	b := bucket(t, nil)
	body := noise(1000)
	_, err := b.Put(ctx, "exports/p", body, "application/zip")
	must(t, err)
	for _, c := range []struct{ name, want string }{
		{"atlas-export-10001.zip", `attachment; filename="atlas-export-10001.zip"; filename*=UTF-8''atlas-export-10001.zip`},
		{"导出 10001.zip", `attachment; filename="__ 10001.zip"; filename*=UTF-8''%E5%AF%BC%E5%87%BA%2010001.zip`},
		{"a\"; filename=evil.exe; x=\".zip", `attachment; filename="a_; filename=evil.exe; x=_.zip"; filename*=UTF-8''a%22%3B%20filename%3Devil.exe%3B%20x%3D%22.zip`},
		{"a\r\nSet-Cookie: x=1", `attachment; filename="a__Set-Cookie: x=1"; filename*=UTF-8''a__Set-Cookie%3A%20x%3D1`},
		{"../../etc/passwd", `attachment; filename=".._.._etc_passwd"; filename*=UTF-8''.._.._etc_passwd`},
		{"photo\u202egpj.zip\x00\xff", `attachment; filename="photo_gpj.zip__"; filename*=UTF-8''photo_gpj.zip__`},
		{"100%41.zip", `attachment; filename="100_41.zip"; filename*=UTF-8''100%2541.zip`},
		{"...", `attachment; filename="download"; filename*=UTF-8''download`},
	} {
		link, err := b.Presign(ctx, "exports/p", c.name, time.Minute)
		must(t, err)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
		must(t, err)
		request.Header.Set("Range", "bytes=990-")
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		got, err := io.ReadAll(response.Body)
		must(t, err)
		must(t, response.Body.Close())
		if response.StatusCode != http.StatusPartialContent || !bytes.Equal(got, body[990:]) {
			t.Fatalf("%q: status %d", c.name, response.StatusCode)
		}
		if d := response.Header.Get("Content-Disposition"); d != c.want {
			t.Errorf("%q became\n%s, want\n%s", c.name, d, c.want)
		}
		if response.Header.Get("Cache-Control") != "private, no-store" {
			t.Errorf("cache: %q", response.Header.Get("Cache-Control"))
		}
	}
}

func TestParseURL(t *testing.T) {
	for _, c := range []struct {
		in    string
		want  storage.Config
		fault string
	}{
		{in: "s3+http://me:s%2Fcret@127.0.0.1:9000/files?region=r", want: storage.Config{Endpoint: "http://127.0.0.1:9000", Region: "r", Bucket: "files", AccessKey: "me", SecretKey: "s/cret", PathStyle: true}},
		{in: "s3+https://me:x@s3.example/files/?public=https://dl.example&path_style=false", want: storage.Config{Endpoint: "https://s3.example", PublicEndpoint: "https://dl.example", Bucket: "files", AccessKey: "me", SecretKey: "x"}},
		{in: "s3://files?region=eu-central-1", want: storage.Config{Bucket: "files", Region: "eu-central-1"}},
		{in: "s3+http://me:x@host", fault: "one bucket"},
		{in: "s3+http://me@host/b", fault: "without a secret"},
		{in: "s3+http://me:s/cret@host/b", fault: "no URL"},
		{in: "https://host/b", fault: "must begin"},
	} {
		got, err := storage.ParseURL(c.in)
		switch {
		case c.fault == "" && (err != nil || got != c.want):
			t.Errorf("%s: %+v, %v", c.in, got, err)
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault) || strings.Contains(err.Error(), "cret@")):
			t.Errorf("%s: %v", c.in, err)
		}
	}
}
