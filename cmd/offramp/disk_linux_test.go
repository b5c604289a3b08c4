package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/deploy/local"
	"offramp/export/archive"
	"offramp/export/storage"
)

// smallDisk is a file system with little room, which only root can make.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("making a small file system needs root and the right to mount; this test is left out")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill takes all room but some bytes and returns what gives it back.
func fill(t *testing.T, dir string, leave int64) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	for {
		if _, err = f.Write(block); err != nil {
			break
		}
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(max(0, info.Size()-leave)); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// TestE06_AFullDiskDelaysExportsAndLeavesNothing fills the storage's disk: the doctor names it, an export in the making
// becomes delayed with a cause for support, and once there is room it is built whole, with nothing left of the attempts
// before.
func TestE06_AFullDiskDelaysExportsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "128m")
	s3, err := local.StartS3(t.Context(), local.S3Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s3.Stop() })
	const bucket = "small"
	if err := s3.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w = w.with("OFFRAMP_S3_ENDPOINT", s3.Endpoint, "OFFRAMP_S3_BUCKET", bucket, "OFFRAMP_S3_ACCESS_KEY", s3.AccessKey, "OFFRAMP_S3_SECRET_KEY", s3.SecretKey)
	w.inEffect()
	w.run("import").want(t, 0)
	const rows = `INSERT INTO boat SELECT i, 'B-1', 'Boat ' || i, (SELECT string_agg(md5(i || '-' || j || random()), '') FROM generate_series(1, 256) j) FROM generate_series(3, 2000) i`
	if _, err := w.boats.Exec(t.Context(), rows); err != nil { // about 16 MB, of which half remains when compressed
		t.Fatal(err)
	}

	free := fill(t, dir, 0)
	w.run("doctor").want(t, 1, "WRONG storage: bucket small at "+s3.Endpoint+" has no space left", "mend: make room on the storage's disk")
	free()

	free = fill(t, dir, 6<<20)
	e := w.request("B-1")
	stop := w.work()
	got := w.await(e, "delayed")
	if got.Delayed != "export.delayed_storage" || !strings.Contains(got.Cause, "storage: ") || !strings.Contains(strings.ToLower(got.Cause), "space") {
		t.Errorf("delayed %q, cause %q", got.Delayed, got.Cause)
	}
	t.Logf("for support: %s", got.Cause)
	free()
	got = w.await(e, "ready")
	stop()

	content := w.fetch(got)
	report, err := archive.Verify(t.Context(), bytes.NewReader(content), int64(len(content)), archive.Expected{SHA256: got.SHA256})
	if err != nil || !report.OK() {
		t.Fatalf("%v %v", err, report.Problems)
	}
	left := slices.DeleteFunc(w.objects(), func(key string) bool { return strings.HasPrefix(key, "audit/heads/") })
	if len(left) != 1 || left[0] != got.Volumes[0].Key {
		t.Errorf("left in the bucket: %q", left)
	}
}

// objects lists what is in the bucket, unfinished uploads included.
func (w *world) objects() (keys []string) {
	w.Helper()
	bucket, err := w.open().bucket(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	err = bucket.ListOlder(w.Context(), "", -time.Hour, func(l storage.Leftover) error {
		keys = append(keys, strings.TrimSpace(l.Key+" "+l.UploadID))
		return nil
	})
	if err != nil && !errors.Is(err, io.EOF) {
		w.Fatal(err)
	}
	return keys
}
