package local

import (
	"bytes"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Shelf writes objects into one bucket.
type Shelf struct {
	client *s3.Client
	bucket string
}

// Shelf returns a writer into a bucket that exists.
func (s *S3) Shelf(bucket string) Shelf { return Shelf{client: s.Client(), bucket: bucket} }

// Put writes one object.
func (b Shelf) Put(ctx context.Context, key, contentType string, content []byte) error {
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &b.bucket, Key: &key, ContentType: &contentType, Body: bytes.NewReader(content)})
	if err != nil {
		return fmt.Errorf("put %s into %s: %w", key, b.bucket, err)
	}
	return nil
}
