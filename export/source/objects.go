package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"offramp/export/storage"
)

// Objects is where a retired product keeps its attachments. It is safe for concurrent use.
type Objects interface {
	// Open reads the attachment under a key, and tells its size. An attachment that does not exist is an *ObjectError,
	// as is one that changes while it is read; every other failure is an *Error.
	Open(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)
	// Ping reports whether the place answers and lets us in.
	Ping(ctx context.Context) error
}

// ObjectError concerns one attachment only: the export goes on without it, and the receipt names it.
type ObjectError struct {
	Key    string
	Reason string // "missing" or "changed"
	Cause  error
}

// Error names the key and the reason.
func (e *ObjectError) Error() string {
	return fmt.Sprintf("source: attachment %q: %s: %v", e.Key, e.Reason, e.Cause)
}

// Unwrap returns the cause.
func (e *ObjectError) Unwrap() error { return e.Cause }

// ItemReason marks the error as one item's, for the archive's receipt.
func (e *ObjectError) ItemReason() string { return e.Reason }

// OpenObjects prepares a place of attachments from its URL, which is a bucket's as in [storage.ParseURL].
func OpenObjects(ctx context.Context, rawURL string) (Objects, error) {
	if !strings.HasPrefix(rawURL, "s3") {
		return nil, &Error{Kind: Invalid, Cause: fmt.Errorf("a source of attachments has a URL that begins with s3+http://, s3+https:// or s3://")}
	}
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
		return nil, 0, &ObjectError{Reason: "missing", Cause: fmt.Errorf("the row names no object")}
	}
	o, err := s.bucket.Open(ctx, key, 0)
	if err != nil {
		return nil, 0, ofStorage(ctx, key, err)
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
		err = ofStorage(b.ctx, b.key, err)
	}
	return n, err
}

func ofStorage(ctx context.Context, key string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	switch storage.KindOf(err) {
	case storage.NotFound:
		return &ObjectError{Key: key, Reason: "missing", Cause: err}
	case storage.Changed:
		return &ObjectError{Key: key, Reason: "changed", Cause: err}
	case storage.Denied:
		return &Error{Kind: Denied, Cause: err}
	case storage.Invalid:
		return &Error{Kind: Invalid, Cause: err}
	}
	return &Error{Kind: Unavailable, Cause: err}
}
