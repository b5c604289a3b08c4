package local

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func startS3(t *testing.T, o S3Options) *S3 {
	t.Helper()
	s, err := StartS3(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestS3KeepsObjectsBetweenRuns(t *testing.T) {
	dir := t.TempDir()
	before, _ := os.Getwd()
	first := startS3(t, S3Options{Dir: dir, SecretKey: "kept"})
	if err := first.CreateBucket(t.Context(), "exports"); err != nil {
		t.Fatal(err)
	}
	content := bytes.Repeat([]byte("远岸 "), 200_000)
	_, err := first.Client().PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("exports"), Key: aws.String("a/图 🎨.txt"), Body: bytes.NewReader(content), ContentType: aws.String("text/plain"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	second := startS3(t, S3Options{Dir: dir, SecretKey: "kept"})
	if err := second.CreateBucket(t.Context(), "exports"); err != nil {
		t.Errorf("create an existing bucket: %v", err)
	}
	got, err := second.Client().GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("exports"), Key: aws.String("a/图 🎨.txt"), Range: aws.String("bytes=7-")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	rest, err := io.ReadAll(got.Body)
	if err != nil || !bytes.Equal(rest, content[7:]) {
		t.Errorf("read back %d bytes of %d: %v", len(rest), len(content)-7, err)
	}
	if *got.ContentType != "text/plain" {
		t.Errorf("content type became %q", *got.ContentType)
	}
	if after, _ := os.Getwd(); after != before {
		t.Errorf("the working directory moved to %s", after)
	}
}

func TestS3SeveralInOneProcess(t *testing.T) {
	a, b := startS3(t, S3Options{Dir: t.TempDir()}), startS3(t, S3Options{Dir: t.TempDir()})
	if err := a.CreateBucket(t.Context(), "only-in-a"); err != nil {
		t.Fatal(err)
	}
	got, err := b.Client().ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil || len(got.Buckets) != 0 {
		t.Errorf("b sees %d buckets: %v", len(got.Buckets), err)
	}
	stranger := *a
	stranger.SecretKey = "wrong"
	if _, err := stranger.Client().ListBuckets(t.Context(), &s3.ListBucketsInput{}); err == nil {
		t.Error("a wrong secret was accepted")
	}
}

func TestS3PortTaken(t *testing.T) {
	a := startS3(t, S3Options{Dir: t.TempDir()})
	var port int
	if _, err := fmt.Sscanf(a.Endpoint, "http://127.0.0.1:%d", &port); err != nil {
		t.Fatal(err)
	}
	_, err := StartS3(t.Context(), S3Options{Dir: t.TempDir(), Port: port})
	if err == nil || !strings.Contains(err.Error(), "taken by another program") {
		t.Errorf("got %v", err)
	}
}
