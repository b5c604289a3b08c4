package localtest

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"offramp/deploy/local"
)

var storage = sync.OnceValues(func() (*local.S3, error) {
	dir, err := scratch()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	return local.StartS3(ctx, local.S3Options{Dir: filepath.Join(dir, "s3")})
})

// Storage is this process's S3 server.
type Storage struct{ *local.S3 }

// S3 returns this process's server. Tests that stop it spoil it for the others: for a server of its own, a test calls
// local.StartS3.
func S3(t testing.TB) Storage {
	t.Helper()
	s, err := storage()
	if err != nil {
		t.Fatalf("start S3 server: %v", err)
	}
	return Storage{s}
}

var buckets atomic.Int64

// LockedBucket makes a fresh bucket with object lock.
func (s Storage) LockedBucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test-locked-%d", buckets.Add(1))
	lock := true
	if _, err := s.Client().CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &name, ObjectLockEnabledForBucket: &lock}); err != nil {
		t.Fatal(err)
	}
	return name
}

// Bucket makes a fresh bucket.
func (s Storage) Bucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("test-%d", buckets.Add(1))
	if err := s.CreateBucket(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	return name
}
