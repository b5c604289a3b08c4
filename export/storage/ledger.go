package storage

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// After calls fn for every object behind a name, in the order of their names; fn's error ends it. Where the bucket keeps versions it
// reads the first one of each, whatever was put over it or marked it deleted: a mark hides an object, but removes nothing.
func (a Archive) After(ctx context.Context, name string, fn func(name string, body []byte) error) error {
	in := &s3.ListObjectVersionsInput{Bucket: &a.bucket.name, Prefix: &a.prefix}
	if name != "" {
		in.KeyMarker = aws.String(a.prefix + name)
	}
	key, id := "", "" // the oldest version so far of the key at hand: versions of a key come newest first
	flush := func() error {
		if key == "" || key <= a.prefix+name && name != "" {
			return nil
		}
		body, err := a.bucket.small(ctx, key, id)
		if err != nil {
			return err
		}
		return fn(strings.TrimPrefix(key, a.prefix), body)
	}
	pages := s3.NewListObjectVersionsPaginator(a.bucket.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return classify(ctx, "list versions", a.prefix, err)
		}
		for _, v := range page.Versions {
			next := aws.ToString(v.Key)
			if next < key {
				return &Error{Kind: Unavailable, Op: "list versions", Key: a.prefix, Cause: fmt.Errorf("%w: %q came behind %q", ErrGarbled, next, key)}
			}
			if next != key {
				if err := flush(); err != nil {
					return err
				}
			}
			key, id = next, aws.ToString(v.VersionId)
		}
	}
	return flush()
}

// small reads one version of a small object.
func (b *Bucket) small(ctx context.Context, key, version string) ([]byte, error) {
	in := &s3.GetObjectInput{Bucket: &b.name, Key: &key}
	if version != "" && version != "null" {
		in.VersionId = &version
	}
	out, err := b.client.GetObject(ctx, in)
	if err != nil {
		return nil, classify(ctx, "read", key, err)
	}
	defer func() { _ = out.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(out.Body, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return body, nil
}
