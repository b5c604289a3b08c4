package storage

import (
	"errors"

	"github.com/aws/smithy-go"
)

// Code returns the code by which the S3 server itself named what went wrong, such as "NoSuchBucket"; empty when it did not
// get to say anything.
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// Message returns what the S3 server said about it. It may repeat the object's key: it is for decisions, never for a log.
func Message(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	return ""
}
