package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
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

// OpenObjects prepares a place of attachments from its URL: a bucket's as in [storage.ParseURL], a directory's such as
// file:///srv/files, or an HTTP server's as an API's in [Open].
func OpenObjects(ctx context.Context, rawURL string, o Options) (Objects, error) {
	if strings.HasPrefix(rawURL, "s3") {
		return openBucket(ctx, rawURL)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, &Error{Kind: Invalid, Cause: errors.New("the source's URL cannot be read")} // the parser's own error would repeat it
	}
	switch u.Scheme {
	case "file":
		return openDirectory(u)
	case "http", "https":
		return openHTTPObjects(u, o)
	}
	return nil, &Error{Kind: Invalid, Cause: errors.New("a source of attachments has a URL that begins with s3://, s3+https://, s3+http://, file:// or https://")}
}

// openOther opens what is no SQL database, or returns nil.
func openOther(ctx context.Context, u *url.URL, rawURL string, o Options) (Source, error) {
	switch u.Scheme {
	case "s3", "s3+http", "s3+https":
		bucket, err := openBucket(ctx, rawURL)
		if err != nil {
			return nil, err
		}
		return &listing{lister: bucket, what: "a bucket", opts: o}, nil
	case "file":
		d, err := openDirectory(u)
		if err != nil {
			return nil, err
		}
		return &listing{lister: d, what: "a directory", opts: o}, nil
	case "http", "https":
		api, err := openHTTP(u, o)
		if err != nil {
			return nil, err
		}
		return api, nil
	}
	return nil, nil
}
