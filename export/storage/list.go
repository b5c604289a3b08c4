package storage

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Listed is one object of a listing.
type Listed struct {
	Key      string
	Size     int64
	ETag     string // with its quotes
	Modified time.Time
}

// ErrGarbled is the cause of a listing that cannot be believed.
var ErrGarbled = errors.New("the listing cannot be believed")

// emptyPages is how many pages in a row may hold nothing although more are promised.
const emptyPages = 100

// List calls fn for each object whose key begins with prefix and comes behind after, in the order of the keys' bytes. fn's
// error ends the list and is returned. A listing out of order, which one that repeats itself is, fails as
// Unavailable with ErrGarbled.
func (b *Bucket) List(ctx context.Context, prefix, after string, fn func(Listed) error) error {
	in := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix, EncodingType: types.EncodingTypeUrl}
	if after != "" {
		in.StartAfter = &after
	}
	last, empty := after, 0
	for {
		out, err := b.client.ListObjectsV2(ctx, in)
		if err != nil {
			return classify(ctx, "list", prefix, err)
		}
		for _, o := range out.Contents {
			l, err := listed(o, out.EncodingType == types.EncodingTypeUrl)
			if err == nil && l.Key <= last {
				err = fmt.Errorf("%w: %q came behind %q, so it repeats itself or is not in order", ErrGarbled, l.Key, last)
			}
			if err != nil {
				return &Error{Kind: Unavailable, Op: "list", Key: prefix, Cause: err}
			}
			last = l.Key
			if err := fn(l); err != nil {
				return err
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		if empty++; len(out.Contents) > 0 {
			empty = 0
		}
		if in.ContinuationToken = out.NextContinuationToken; aws.ToString(in.ContinuationToken) == "" || empty > emptyPages {
			return &Error{Kind: Unavailable, Op: "list", Key: prefix, Cause: fmt.Errorf("%w: it promises more and does not give it", ErrGarbled)}
		}
	}
}

func listed(o types.Object, encoded bool) (Listed, error) {
	l := Listed{Key: aws.ToString(o.Key), Size: aws.ToInt64(o.Size), ETag: aws.ToString(o.ETag), Modified: aws.ToTime(o.LastModified)}
	if !encoded {
		return l, nil
	}
	key, err := url.QueryUnescape(l.Key)
	if err != nil {
		return l, fmt.Errorf("%w: the key %q is not encoded as it should be", ErrGarbled, l.Key)
	}
	l.Key = key
	return l, nil
}

// Description is what a bucket keeps about an object besides its bytes.
type Description struct {
	ContentType string
	Metadata    map[string]string // names are lower-case
}

// Describe asks about one object.
func (b *Bucket) Describe(ctx context.Context, key string) (Description, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return Description{}, classify(ctx, "look at", key, err)
	}
	return Description{ContentType: aws.ToString(out.ContentType), Metadata: out.Metadata}, nil
}
