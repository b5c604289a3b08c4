package localtest_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"offramp/deploy/local/localtest"
)

func TestS3BucketIsFresh(t *testing.T) {
	storage := localtest.S3(t)
	a, b := storage.Bucket(t), storage.Bucket(t)
	_, err := storage.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: &a, Key: aws.String("k"), Body: strings.NewReader("x")})
	if err != nil {
		t.Fatal(err)
	}
	for bucket, want := range map[string]int32{a: 1, b: 0} {
		got, err := storage.Client().ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
		if err != nil || *got.KeyCount != want {
			t.Errorf("%s holds %d objects, want %d: %v", bucket, *got.KeyCount, want, err)
		}
	}
}
