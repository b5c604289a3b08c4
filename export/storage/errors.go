package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Kind says what a failure of the storage means for the caller.
type Kind string

// The kinds of failures.
const (
	Unavailable Kind = "unavailable" // no answer, 5xx, throttled, cut, stalled; try again later
	Denied      Kind = "denied"      // the credentials are wrong or do not suffice
	NotFound    Kind = "not_found"   // no such object or upload
	Changed     Kind = "changed"     // the object was replaced while it was read
	Invalid     Kind = "invalid"     // the configuration or the request is wrong, such as a bucket that does not exist
)

// Error is what every method of this package returns when the storage fails.
type Error struct {
	Kind  Kind
	Op    string // what was tried, such as "upload part 3"
	Key   string // may be empty
	Cause error
}

// Error names the step and the cause; it is for support and logs. Keys are unguessable names, so the whole is kept out
// of customers' sight.
func (e *Error) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("storage: %s: %s: %v", e.Op, e.Kind, e.Cause)
	}
	return fmt.Sprintf("storage: %s %q: %s: %v", e.Op, e.Key, e.Kind, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Retryable reports whether the same call may succeed later without anybody mending anything.
func (e *Error) Retryable() bool { return e.Kind == Unavailable }

// KindOf returns the kind of the first *Error in err's chain, or "".
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

// classify turns an error of the SDK into ours. A cancelled context stays itself: nothing is wrong with the storage.
func classify(ctx context.Context, op, key string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	return &Error{Kind: kindOf(err), Op: op, Key: key, Cause: err}
}

func kindOf(err error) Kind {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchBucket", "PermanentRedirect", "AuthorizationHeaderMalformed", "EntityTooLarge":
			return Invalid
		case "NoSuchKey", "NotFound", "NoSuchUpload":
			return NotFound
		case "PreconditionFailed":
			return Changed
		case "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound":
			return Denied // the last is versitygw's, with status 404
		}
	}
	var response *smithyhttp.ResponseError
	if !errors.As(err, &response) {
		return Unavailable // refused, reset, timed out, cut
	}
	switch status := response.HTTPStatusCode(); {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Denied
	case status == http.StatusPreconditionFailed:
		return Changed
	case status >= 500, status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status < 300:
		return Unavailable // below 300: the answer itself was cut or garbled
	}
	return Invalid
}

// retryableMore adds what the SDK does not try again: throttling by status alone, and cut connections and stalled
// transfers in any wrapping.
func retryableMore(err error) aws.Ternary {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusTooManyRequests {
		return aws.TrueTernary
	}
	var network net.Error
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || (errors.As(err, &network) && network.Timeout()) {
		if !errors.Is(err, context.Canceled) {
			return aws.TrueTernary
		}
	}
	return aws.UnknownTernary
}
