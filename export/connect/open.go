package connect

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"offramp/export/source"
	sourcehttp "offramp/export/source/http"
)

// Open prepares a source of rows by its URL, such as postgres://reader:secret@db.example/product. It does not connect
// yet: [source.Source.Ping] does.
func Open(ctx context.Context, rawURL string, o source.Options) (source.Source, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// The parser's own error would repeat the URL with its password.
		return nil, &source.Error{Kind: source.Invalid, Cause: errors.New("the source's URL cannot be read")}
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		return source.OpenPostgres(ctx, rawURL, o)
	case "mysql", "mariadb":
		return source.OpenMySQL(u, o)
	case "s3", "s3+http", "s3+https":
		return source.ListBucket(ctx, rawURL, o)
	case "file":
		return source.ListDirectory(u, o)
	case "http", "https":
		return sourcehttp.Open(u, o)
	}
	return nil, &source.Error{Kind: source.Invalid, Cause: fmt.Errorf("a source of rows has a URL that begins with postgres://, not %q", u.Scheme+"://")}
}

// OpenObjects prepares a place of attachments by its URL: a bucket's as in [offramp/export/storage.ParseURL], a directory's such as
// file:///srv/files, or an HTTP server's as an API's in [Open].
func OpenObjects(ctx context.Context, rawURL string, o source.Options) (source.Objects, error) {
	if strings.HasPrefix(rawURL, "s3") {
		return source.OpenBucket(ctx, rawURL)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, &source.Error{Kind: source.Invalid, Cause: errors.New("the source's URL cannot be read")} // the parser's own error would repeat it
	}
	switch u.Scheme {
	case "file":
		return source.OpenDirectory(u)
	case "http", "https":
		return sourcehttp.OpenObjects(u, o)
	}
	return nil, &source.Error{Kind: source.Invalid, Cause: errors.New("a source of attachments has a URL that begins with s3://, s3+https://, s3+http://, file:// or https://")}
}
