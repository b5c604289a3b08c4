package storage

import (
	"context"
	"errors"
	"sort"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Leftover is something in the bucket: an object, or, with an UploadID, an upload that was never finished.
type Leftover struct {
	Key      string
	UploadID string
	Size     int64 // of an object
	Modified time.Time
}

// ListOlder calls fn for each object and each unfinished upload under a prefix that is older than age, by the real time
// on this machine, since the server stamps with real time too. The caller decides what to do with each; fn's error ends
// the list.
func (b *Bucket) ListOlder(ctx context.Context, prefix string, age time.Duration, fn func(Leftover) error) error {
	before := time.Now().Add(-age)
	objects := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix})
	for objects.HasMorePages() {
		page, err := objects.NextPage(ctx)
		if err != nil {
			return classify(ctx, "list objects", prefix, err)
		}
		for _, o := range page.Contents {
			if m := aws.ToTime(o.LastModified); m.Before(before) {
				if err := fn(Leftover{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), Modified: m}); err != nil {
					return err
				}
			}
		}
	}
	uploads := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: &prefix})
	for uploads.HasMorePages() {
		page, err := uploads.NextPage(ctx)
		if err != nil {
			return classify(ctx, "list uploads", prefix, err)
		}
		for _, u := range page.Uploads {
			if m := aws.ToTime(u.Initiated); m.Before(before) {
				if err := fn(Leftover{Key: aws.ToString(u.Key), UploadID: aws.ToString(u.UploadId), Modified: m}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// Remove deletes an object or ends an upload. It succeeds when there is nothing (any more).
func (b *Bucket) Remove(ctx context.Context, l Leftover) error {
	if l.UploadID != "" {
		return b.AbortUpload(ctx, l.Key, l.UploadID)
	}
	return b.Delete(ctx, l.Key)
}

// Delete removes an object. It succeeds when there is none.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key})
	return unlessGone(classify(ctx, "delete", key, err))
}

// AbortUpload removes the parts of an unfinished upload. It succeeds when there is none. A part that the server is still
// receiving can outlive one request to abort, so it asks again until nothing is left.
// Source: Amazon S3 API Reference, "AbortMultipartUpload".
func (b *Bucket) AbortUpload(ctx context.Context, key, uploadID string) error {
	for try := range b.attempts {
		_, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: &key, UploadId: &uploadID})
		if err = classify(ctx, "abort upload", key, err); err != nil {
			return unlessGone(err)
		}
		_, err = b.client.ListParts(ctx, &s3.ListPartsInput{Bucket: &b.name, Key: &key, UploadId: &uploadID})
		if err != nil {
			return unlessGone(classify(ctx, "abort upload", key, err))
		}
		if err := b.pause(ctx, try); err != nil {
			return err
		}
	}
	return &Error{Kind: Unavailable, Op: "abort upload", Key: key, Cause: errors.New("its parts are still there")}
}

// pause waits before another try, longer each time.
func (b *Bucket) pause(ctx context.Context, failures int) error {
	timer := time.NewTimer(min(b.backoff, 100*time.Millisecond<<min(failures, 16)))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

func unlessGone(err error) error {
	if KindOf(err) == NotFound {
		return nil
	}
	return err
}

func (b *Bucket) stat(ctx context.Context, key string) (int64, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return 0, classify(ctx, "look at", key, err)
	}
	return aws.ToInt64(out.ContentLength), nil
}

func sortParts(parts []types.CompletedPart) {
	sort.Slice(parts, func(i, j int) bool { return *parts[i].PartNumber < *parts[j].PartNumber })
}
