package storage

import (
	"errors"
	"net/url"
	"strings"
)

// ParseURL reads a bucket's address:
//
//	s3+http://ACCESS:SECRET@host:port/bucket?region=us-east-1
//	s3+https://ACCESS:SECRET@host/bucket
//	s3://bucket?region=eu-central-1              AWS, with its own chain of credentials
//
// Without ACCESS:SECRET, AWS's chain is asked for them. Further options: path_style=true|false and public=URL, the
// address by which browsers reach the server. Errors never repeat the secret.
func ParseURL(raw string) (Config, error) {
	bad := func(why string) (Config, error) {
		return Config{}, &Error{Kind: Invalid, Op: "read the bucket's URL", Cause: errors.New(why)}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return bad("it is no URL; reserved characters in the secret must be percent-encoded")
	}
	q := u.Query()
	c := Config{Region: q.Get("region"), PublicEndpoint: q.Get("public")}
	switch u.Scheme {
	case "s3":
		c.Bucket = u.Host
	case "s3+http", "s3+https":
		if u.Host == "" {
			return bad("it names no host")
		}
		c.Endpoint = strings.TrimPrefix(u.Scheme, "s3+") + "://" + u.Host
		c.Bucket = strings.Trim(u.Path, "/")
		c.PathStyle = true
	default:
		return bad("it must begin with s3+http://, s3+https:// or s3://")
	}
	if c.Bucket == "" || strings.Contains(c.Bucket, "/") {
		return bad("it must name one bucket")
	}
	switch q.Get("path_style") {
	case "true":
		c.PathStyle = true
	case "false":
		c.PathStyle = false
	}
	c.AccessKey = u.User.Username()
	c.SecretKey, _ = u.User.Password()
	if (c.AccessKey == "") != (c.SecretKey == "") {
		return bad("it has an access key without a secret, or the other way round")
	}
	return c, nil
}
