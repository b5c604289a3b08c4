package source

import (
	"context"
	"fmt"
	"io"
	"net/url"
)

// Objects is where a retired product keeps its attachments. It is safe for concurrent use.
type Objects interface {
	// Open reads the attachment under a key, and tells its size. What concerns one attachment is an *ObjectError: that it does not
	// exist, changes while it is read, or is kept from us; every other failure is an *Error.
	Open(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)
	// Ping reports whether the place answers and lets us in.
	Ping(ctx context.Context) error
}

// Why one attachment cannot be copied.
const (
	ReasonMissing    = "missing"    // it is not there
	ReasonChanged    = "changed"    // it became another one while it was read
	ReasonArchived   = "archived"   // it lies in a cold storage class and must be restored first
	ReasonNoKey      = "no_key"     // it is encrypted under a key that we lack or may not use
	ReasonDenied     = "denied"     // the place lets us in, but not to it
	ReasonUnreadable = "unreadable" // the place answers for it with an error each time
)

// ObjectError concerns one attachment only: the export goes on without it, and the receipt names it.
type ObjectError struct {
	Key    string
	Reason string // one of the above
	Cause  error
}

// Error names the reason. It never names the key, which is a customer's: the receipt does.
func (e *ObjectError) Error() string {
	return fmt.Sprintf("source: an attachment is %s: %v", e.Reason, e.Cause)
}

// ItemDoubtful reports that the same answer for every attachment would be the place's fault and not theirs: rights that were not
// given, a server that is broken.
func (e *ObjectError) ItemDoubtful() bool {
	return e.Reason == ReasonDenied || e.Reason == ReasonUnreadable
}

// Unwrap returns the cause.
func (e *ObjectError) Unwrap() error { return e.Cause }

// ItemReason marks the error as one item's, for the archive's receipt.
func (e *ObjectError) ItemReason() string { return e.Reason }

// OpenBucket prepares a bucket by its URL as in [storage.ParseURL].
func OpenBucket(ctx context.Context, rawURL string) (Objects, error) {
	b, err := openBucket(ctx, rawURL)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// OpenDirectory prepares a directory of this machine by its URL, such as file:///srv/files.
func OpenDirectory(u *url.URL) (Objects, error) {
	d, err := openDirectory(u)
	if err != nil {
		return nil, err
	}
	return d, nil
}
