package source

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"offramp/export/storage"
)

// quiet is an error that keeps its cause for errors.As but not the cause's text, which repeats a customer's data: the name of a file,
// an address, a value of a row. Errors of a source reach logs and support.
type quiet struct {
	text  string
	cause error
}

// Error is fit for a log.
func (q *quiet) Error() string { return q.text }

// Unwrap returns the cause, whose text is not.
func (q *quiet) Unwrap() error { return q.cause }

// hushed takes the names of files and addresses out of an error.
func hushed(err error) error {
	if err == nil {
		return nil
	}
	var stored *storage.Error
	if errors.As(err, &stored) {
		return &quiet{text: fmt.Sprintf("%s: %s: %s", stored.Op, stored.Kind, bare(stored.Cause)), cause: err}
	}
	return &quiet{text: bare(err), cause: err}
}

// bare is what an error says without the name of the file or the address that it is about.
func bare(err error) string {
	var (
		address *url.Error
		path    *fs.PathError
	)
	switch {
	case err == nil:
		return ""
	case storage.Code(err) != "":
		return storage.Code(err) // servers repeat the key in their messages
	case errors.As(err, &address):
		return bare(address.Err)
	case errors.As(err, &path):
		return path.Op + ": " + bare(path.Err)
	}
	return err.Error()
}
