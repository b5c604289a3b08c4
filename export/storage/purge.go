package storage

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Purged is what Purge found and what it left. It speaks in plain types, so that nouns which do not know this package can read it.
type Purged struct {
	Versions, Markers, Uploads int       // that were there
	Left                       int       // that are there still, by a second listing
	Until                      time.Time // of what is left: when the last lock ends; zero: no lock says so
}

// Purge removes every version of an object, every mark that it was deleted, and every unfinished upload to it; then it lists them
// again. What a lock or a lying store keeps is no error: Left counts it. An error says that nobody knows.
func (b *Bucket) Purge(ctx context.Context, key string) (p Purged, err error) {
	uploads, err := b.uploads(ctx, key)
	if err != nil {
		return p, err
	}
	for _, id := range uploads {
		if err := b.AbortUpload(ctx, key, id); err != nil {
			return p, err
		}
	}
	p.Uploads = len(uploads)
	there, err := b.versions(ctx, key)
	if err != nil {
		return p, err
	}
	for _, v := range there {
		if v.marker {
			p.Markers++
		} else {
			p.Versions++
		}
		in := &s3.DeleteObjectInput{Bucket: &b.name, Key: &key}
		if v.id != "" {
			in.VersionId = &v.id
		}
		_, err := b.client.DeleteObject(ctx, in)
		if err = unlessGone(classify(ctx, "delete version", key, err)); err != nil && KindOf(err) != Denied && KindOf(err) != Invalid {
			return p, err // what may not be deleted is found again below
		}
	}
	left, err := b.versions(ctx, key)
	if err != nil {
		return p, err
	}
	p.Left = len(left)
	if uploads, err = b.uploads(ctx, key); err != nil {
		return p, err
	}
	p.Left += len(uploads)
	for _, v := range left {
		if until := b.lockedUntil(ctx, key, v.id); until.After(p.Until) {
			p.Until = until
		}
	}
	return p, nil
}

type version struct {
	id     string
	marker bool
}

// versions lists what a key has: one version without an id where the bucket keeps none.
func (b *Bucket) versions(ctx context.Context, key string) (list []version, err error) {
	pages := s3.NewListObjectVersionsPaginator(b.client, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: &key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, classify(ctx, "list versions", key, err)
		}
		for _, v := range page.Versions {
			if aws.ToString(v.Key) == key {
				list = append(list, version{id: aws.ToString(v.VersionId)})
			}
		}
		for _, m := range page.DeleteMarkers {
			if aws.ToString(m.Key) == key {
				list = append(list, version{id: aws.ToString(m.VersionId), marker: true})
			}
		}
	}
	if len(list) > 0 {
		return list, nil
	}
	// A store that lists no versions may hold an object all the same.
	if _, err := b.stat(ctx, key); unlessGone(err) != nil {
		return nil, err
	} else if err == nil {
		list = append(list, version{})
	}
	return list, nil
}

func (b *Bucket) uploads(ctx context.Context, key string) (ids []string, err error) {
	pages := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{Bucket: &b.name, Prefix: &key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, classify(ctx, "list uploads", key, err)
		}
		for _, u := range page.Uploads {
			if aws.ToString(u.Key) == key {
				ids = append(ids, aws.ToString(u.UploadId))
			}
		}
	}
	return ids, nil
}

// lockedUntil is when a version may be deleted at the earliest; zero where nothing says so.
func (b *Bucket) lockedUntil(ctx context.Context, key, id string) time.Time {
	in := &s3.GetObjectRetentionInput{Bucket: &b.name, Key: &key}
	if id != "" {
		in.VersionId = &id
	}
	out, err := b.client.GetObjectRetention(ctx, in)
	if err != nil || out.Retention == nil || out.Retention.Mode == types.ObjectLockRetentionMode("") {
		return time.Time{}
	}
	return aws.ToTime(out.Retention.RetainUntilDate)
}
