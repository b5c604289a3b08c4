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
