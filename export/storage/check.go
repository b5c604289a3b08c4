package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Check proves that the bucket does what exports need, each by doing it: it writes an object, reads it back whole and by range, lists
// it, reads it by a link as a browser does, and deletes it; it begins an upload in parts, finds it in the list of unfinished ones,
// which the sweep of orphans lives on, and ends it; and it uploads an object in parts. The error's Op says which step failed.
func (b *Bucket) Check(ctx context.Context) error {
	key, body := NewKey("check/"), []byte("offramp checks this bucket")
	stored, err := b.Put(ctx, key, body, "text/plain")
	if err != nil {
		return err
	}
	proof, err := b.ReadBack(ctx, key)
	if err == nil && !proof.Same(stored) {
		err = &Error{Kind: Unavailable, Op: "read back", Key: key, Cause: errors.New("the bytes differ from what was written")}
	}
	for _, step := range []func() error{
		func() error { return b.checkRange(ctx, key, body) },
		func() error { return b.checkListed(ctx, key) },
		func() error { return b.checkLink(ctx, key, body) },
		func() error { return b.checkUploads(ctx) },
	} {
		if err == nil {
			err = step()
		}
	}
	return errors.Join(err, b.Delete(ctx, key))
}

// checkListed finds an object in the list, as the sweep does.
func (b *Bucket) checkListed(ctx context.Context, key string) error {
	found := false
	err := b.ListOlder(ctx, key, -24*time.Hour, func(l Leftover) error {
		found = found || l.Key == key && l.UploadID == ""
		return nil
	})
	if err == nil && !found {
		err = &Error{Kind: Unavailable, Op: "list objects", Key: key, Cause: errors.New("an object that was just written is not listed")}
	}
	return err
}

// linkLimit bounds how long a link is tried.
const linkLimit = 10 * time.Second

// checkLink reads an object by a link, without credentials. A public address that this machine cannot reach is no fault of the bucket's.
func (b *Bucket) checkLink(ctx context.Context, key string, body []byte) error {
	link, err := b.Presign(ctx, key, "check.txt", time.Minute)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, linkLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodGet, link, nil)
	if err != nil {
		return &Error{Kind: Invalid, Op: "read by a link", Key: key, Cause: errors.New("the public address is no address")}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return &Error{Kind: Unavailable, Op: "read by a link", Key: key, Cause: ErrLink}
	}
	defer func() { _ = response.Body.Close() }()
	got, err := io.ReadAll(io.LimitReader(response.Body, int64(len(body))+4096))
	if err != nil || response.StatusCode != http.StatusOK || !bytes.Equal(got, body) {
		return &Error{Kind: Invalid, Op: "read by a link", Key: key, Cause: fmt.Errorf("%w: %s", ErrLink, response.Status)}
	}
	return b.checkPrivate(limited, key, link)
}

// checkPrivate asks for an object without a signature.
func (b *Bucket) checkPrivate(ctx context.Context, key, link string) error {
	bare, _, _ := strings.Cut(link, "?")
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, bare, nil)
	if err != nil {
		return &Error{Kind: Invalid, Op: "read by a link", Key: key, Cause: ErrLink}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return &Error{Kind: Unavailable, Op: "read by a link", Key: key, Cause: ErrLink}
	}
	_ = response.Body.Close()
	if response.StatusCode == http.StatusOK {
		return &Error{Kind: Invalid, Op: "read without a signature", Key: key, Cause: ErrPublic}
	}
	return nil
}

// What may be wrong with how customers reach the bucket.
var (
	ErrLink   = errors.New("a link as customers get it does not work")
	ErrPublic = errors.New("the bucket gives objects to anybody who knows their name")
)

// checkUploads begins an upload in parts, finds it among the unfinished ones, ends it, and makes a whole one.
func (b *Bucket) checkUploads(ctx context.Context) error {
	key := NewKey("check/")
	u := b.Create(ctx, key, 0, "text/plain")
	if err := u.begin(); err != nil {
		u.cancel(nil)
		return err
	}
	found := false
	err := b.ListOlder(ctx, key, -24*time.Hour, func(l Leftover) error {
		found = found || l.Key == key && l.UploadID == u.id
		return nil
	})
	if err == nil && !found {
		err = &Error{Kind: Unavailable, Op: "list uploads", Key: key, Cause: errors.New("an upload that was just begun is not listed, so parts left behind by a crash are never removed")}
	}
	if err == nil {
		_, err = io.Copy(u, strings.NewReader(strings.Repeat("offramp checks uploads in parts ", 32)))
	}
	if err != nil {
		u.Abort()
		return err
	}
	if _, err := u.Commit(); err != nil {
		u.Abort()
		return err
	}
	return b.Delete(ctx, key)
}
