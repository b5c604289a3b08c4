package source

import (
	"context"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"offramp/export/storage"
)

func openBucket(ctx context.Context, rawURL string) (*s3Objects, error) {
	config, err := storage.ParseURL(rawURL)
	if err != nil {
		return nil, &Error{Kind: Invalid, Cause: err}
	}
	bucket, err := storage.Open(ctx, config)
	if err != nil {
		return nil, ofStorage(ctx, "", err)
	}
	return &s3Objects{bucket: bucket}, nil
}

type s3Objects struct {
	bucket *storage.Bucket
}

// Ping implements Objects.
func (s *s3Objects) Ping(ctx context.Context) error { return ofStorage(ctx, "", s.bucket.Ping(ctx)) }

// Open implements Objects.
func (s *s3Objects) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	if key == "" {
		return nil, 0, &ObjectError{Reason: ReasonMissing, Cause: errors.New("the row names no object")}
	}
	o, err := s.bucket.Open(ctx, key, 0)
	if err != nil {
		return nil, 0, ofObject(ctx, key, err)
	}
	return &s3Body{Object: o, ctx: ctx, key: key}, o.Size, nil
}

// s3Body gives the errors of reading the same types as those of opening.
type s3Body struct {
	*storage.Object
	ctx context.Context
	key string
}

// Read implements io.Reader.
func (b *s3Body) Read(p []byte) (int, error) {
	n, err := b.Object.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = ofObject(b.ctx, b.key, err)
	}
	return n, err
}

// ofObject tells what concerns one object from what concerns the bucket.
// Sources: Amazon S3 API reference, "Error responses"; "Specifying server-side encryption with customer-provided keys".
func ofObject(ctx context.Context, key string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	code, about := storage.Code(err), strings.ToLower(storage.Message(err))
	reason := ""
	switch {
	case code == "InvalidObjectState":
		reason = ReasonArchived
	case strings.HasPrefix(code, "KMS."), code == "AccessDenied" && strings.Contains(about, "kms"),
		(code == "InvalidRequest" || code == "InvalidArgument") && strings.Contains(about, "encrypt"):
		reason = ReasonNoKey
	case code == "AccessDenied": // also what AWS says of a missing object to one who may not list the bucket
		reason = ReasonDenied
	default:
		return ofStorage(ctx, key, err)
	}
	return &ObjectError{Key: key, Reason: reason, Cause: &Error{Kind: Denied, Cause: hushed(err)}}
}

func ofStorage(ctx context.Context, key string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	kind, garbled := storage.KindOf(err), errors.Is(err, storage.ErrGarbled)
	err = hushed(err)
	switch kind {
	case storage.NotFound:
		return &ObjectError{Key: key, Reason: ReasonMissing, Cause: err}
	case storage.Changed:
		return &ObjectError{Key: key, Reason: ReasonChanged, Cause: err}
	case storage.Denied:
		return &Error{Kind: Denied, Cause: err}
	case storage.Invalid:
		return &Error{Kind: Invalid, Cause: err}
	}
	if garbled {
		return &Error{Kind: Inconsistent, Cause: err}
	}
	return &Error{Kind: Unavailable, Cause: err}
}

// list implements lister.
func (s *s3Objects) list(ctx context.Context, prefix, from string, yield func(object) error) error {
	var own error
	err := s.bucket.List(ctx, prefix, before(prefix, from), func(o storage.Listed) error {
		if o.Key < from || !strings.HasPrefix(o.Key, prefix) {
			return nil
		}
		own = yield(object{key: o.Key, size: o.Size, modified: o.Modified, etag: strings.Trim(o.ETag, `"`)})
		return own
	})
	if err == nil || own != nil {
		return own
	}
	return ofStorage(ctx, "", err)
}

// before returns a key behind which a listing finds from: the server leaves out the one that it is told. Without its last
// character, from comes before itself, with little between the two.
func before(prefix, from string) string {
	_, n := utf8.DecodeLastRuneInString(from)
	if from = from[:len(from)-n]; from <= prefix {
		return ""
	}
	return from
}

// describe implements lister.
func (s *s3Objects) describe(ctx context.Context, key string) (description, error) {
	d, err := s.bucket.Describe(ctx, key)
	return description{contentType: d.ContentType, metadata: d.Metadata}, ofStorage(ctx, key, err)
}

// cannot implements lister.
func (s *s3Objects) cannot(ObjectQuery) error { return nil }

// ping implements lister.
func (s *s3Objects) ping(ctx context.Context) error { return s.Ping(ctx) }
