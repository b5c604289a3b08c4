package storage

import (
	"context"
	"errors"
	"io"
	"time"
)

// Archive keeps small objects that stay under one prefix of a bucket: nothing of ours deletes them, and where the bucket has object
// lock nobody can.
type Archive struct {
	bucket *Bucket
	prefix string
}

// NewArchive keeps its objects under a prefix, which nothing sweeps.
func NewArchive(b *Bucket, prefix string) Archive { return Archive{bucket: b, prefix: prefix} }

// Keep stores an object of JSON under a name that nothing else bears.
func (a Archive) Keep(ctx context.Context, name string, body []byte) error {
	_, err := a.bucket.PutLocked(ctx, a.prefix+name, body, "application/json")
	return err
}

// Each calls fn for every object, in the order of their names; fn's error ends it.
func (a Archive) Each(ctx context.Context, fn func(name string, body []byte) error) error {
	return a.After(ctx, "", fn)
}

// Shelf keeps small bodies under one prefix of a bucket. It speaks in plain types, so that nouns which do not know this package
// can say what they need. Safe for concurrent use.
type Shelf struct {
	bucket *Bucket
	prefix string
}

// NewShelf keeps its bodies under a prefix such as documents/, which nothing else may use: Sweep removes what it does not know.
func NewShelf(b *Bucket, prefix string) Shelf { return Shelf{bucket: b, prefix: prefix} }

// NewKey returns a name that nobody can guess and that says nothing of anybody.
func (s Shelf) NewKey() string { return NewKey(s.prefix) }

// Keep stores a body as it is read, in constant memory, and reads it back: it is kept when what lies there is what was read. An
// error of the reader's ends it, is returned, and leaves nothing behind.
func (s Shelf) Keep(ctx context.Context, key string, body io.Reader, mediaType string) (size int64, sha256 string, err error) {
	u := s.bucket.Create(ctx, key, 0, mediaType)
	defer u.Abort()
	if _, err := io.Copy(struct{ io.Writer }{u}, body); err != nil {
		return 0, "", err
	}
	proof, err := u.Commit()
	if err != nil {
		return 0, "", err
	}
	stored, err := s.bucket.ReadBack(ctx, key)
	if err == nil && !stored.Same(proof) {
		err = &Error{Kind: Unavailable, Op: "read back", Key: key, Cause: errors.New("the bytes differ from what was sent")}
	}
	return proof.Size, proof.SHA256, err
}

// Open reads a body. The caller closes it.
func (s Shelf) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	o, err := s.bucket.Open(ctx, key, 0)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// Drop removes a body. It succeeds when there is none.
func (s Shelf) Drop(ctx context.Context, key string) error { return s.bucket.Delete(ctx, key) }

// Sweep removes what is older than age and not known, and every upload that old which was never finished.
func (s Shelf) Sweep(ctx context.Context, age time.Duration, known func(ctx context.Context, key string) (bool, error)) error {
	return s.bucket.ListOlder(ctx, s.prefix, age, func(l Leftover) error {
		if l.UploadID == "" {
			keep, err := known(ctx, l.Key)
			if err != nil || keep {
				return err
			}
		}
		return s.bucket.Remove(ctx, l)
	})
}
