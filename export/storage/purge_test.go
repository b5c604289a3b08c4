package storage_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"offramp/deploy/local/localtest"
	"offramp/export/storage"
)

func purgeBucket(t *testing.T, name, endpoint string) *storage.Bucket {
	t.Helper()
	s := localtest.S3(t)
	if endpoint == "" {
		endpoint = s.Endpoint
	}
	b, err := storage.Open(t.Context(), storage.Config{
		Endpoint: endpoint, Bucket: name, AccessKey: s.AccessKey, SecretKey: s.SecretKey, PathStyle: true, Attempts: 2, Backoff: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func need[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestX03_EveryVersionMarkAndUploadGoes writes an object twice, deletes it, which leaves a mark, writes a neighbour whose name begins
// alike, and leaves an upload in flight.
func TestX03_EveryVersionMarkAndUploadGoes(t *testing.T) {
	t.Parallel()
	s := localtest.S3(t)
	name := s.LockedBucket(t) // has versions
	b, ctx := purgeBucket(t, name, ""), t.Context()
	key := storage.NewKey("exports/")
	for range 2 {
		need[storage.Proof](t)(b.Put(ctx, key, []byte("somebody's data"), "application/zip"))
	}
	if err := b.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	need[storage.Proof](t)(b.Put(ctx, key+"0", []byte("somebody else's"), "application/zip"))
	need[*s3.CreateMultipartUploadOutput](t)(s.Client().CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &name, Key: &key}))
	p := need[storage.Purged](t)(b.Purge(ctx, key))
	if p.Versions != 2 || p.Markers != 1 || p.Uploads != 1 || p.Left != 0 {
		t.Errorf("purged %+v", p)
	}
	out := need[*s3.ListObjectVersionsOutput](t)(s.Client().ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &name}))
	if len(out.Versions) != 1 || *out.Versions[0].Key != key+"0" || len(out.DeleteMarkers) != 0 {
		t.Errorf("there are %d versions and %d marks", len(out.Versions), len(out.DeleteMarkers))
	}
	if p := need[storage.Purged](t)(b.Purge(ctx, key)); p != (storage.Purged{}) {
		t.Errorf("a second run found %+v", p)
	}
}

// TestX03_ALockIsReported keeps one version under a lock that nobody can break.
func TestX03_ALockIsReported(t *testing.T) {
	t.Parallel()
	s := localtest.S3(t)
	name := s.LockedBucket(t)
	b, ctx := purgeBucket(t, name, ""), t.Context()
	key := storage.NewKey("exports/")
	need[storage.Proof](t)(b.Put(ctx, key, []byte("somebody's data"), "application/zip"))
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	need[*s3.PutObjectRetentionOutput](t)(s.Client().PutObjectRetention(ctx, &s3.PutObjectRetentionInput{Bucket: &name, Key: &key, Retention: &types.ObjectLockRetention{
		Mode: types.ObjectLockRetentionModeCompliance, RetainUntilDate: &until,
	}}))
	p := need[storage.Purged](t)(b.Purge(ctx, key))
	if p.Left != 1 || !p.Until.Equal(until) {
		t.Errorf("purged %+v, locked until %s", p, until)
	}
}

// TestX03_ABucketWithoutVersions has one version of each object.
func TestX03_ABucketWithoutVersions(t *testing.T) {
	t.Parallel()
	s := localtest.S3(t)
	b, ctx := purgeBucket(t, s.Bucket(t), ""), t.Context()
	key := storage.NewKey("exports/")
	need[storage.Proof](t)(b.Put(ctx, key, []byte("somebody's data"), "application/zip"))
	if p := need[storage.Purged](t)(b.Purge(ctx, key)); p.Versions != 1 || p.Left != 0 {
		t.Errorf("purged %+v", p)
	}
	if _, err := b.Open(ctx, key, 0); storage.KindOf(err) != storage.NotFound {
		t.Errorf("it can be read: %v", err)
	}
}

// TestX03_AStoreThatSaysYesAndKeepsItIsFoundOut answers 204 to every request to delete, and deletes nothing.
func TestX03_AStoreThatSaysYesAndKeepsItIsFoundOut(t *testing.T) {
	t.Parallel()
	s := localtest.S3(t)
	behind := need[*url.URL](t)(url.Parse(s.Endpoint))
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind); r.Out.Host = r.In.Host }}
	liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer liar.Close()
	b := purgeBucket(t, s.Bucket(t), liar.URL)
	key := storage.NewKey("exports/")
	need[storage.Proof](t)(b.Put(context.WithoutCancel(t.Context()), key, []byte("somebody's data"), "application/zip"))
	p, err := b.Purge(t.Context(), key)
	if err != nil || p.Versions != 1 || p.Left != 1 {
		t.Errorf("purged %+v, %v", p, err)
	}
}
