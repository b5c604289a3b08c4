package storage

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Presign returns a link that reads the object for a while without further credentials, under the given name. Whoever
// holds the link can use it: check who asks first, keep ttl short, and keep the link out of logs.
func (b *Bucket) Presign(ctx context.Context, key, filename string, ttl time.Duration) (string, error) {
	request, err := b.presign.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.name, Key: &key,
		ResponseContentDisposition: aws.String(Disposition(filename)),
		ResponseContentType:        aws.String("application/zip"),
		ResponseCacheControl:       aws.String("private, no-store"),
	}, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", classify(ctx, "presign", key, err)
	}
	return request.URL, nil
}

// Disposition returns the Content-Disposition of a download with this name: a plain fallback for old software, and the
// name itself encoded, so that no name can end the header or the quotes, or pretend to be a path.
// Source: RFC 6266, section 4.3 and appendix D; RFC 8187.
func Disposition(filename string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, r == '/', r == '\\', unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return '_'
		}
		return r
	}, filename)
	if strings.Trim(name, " ._") == "" {
		name = "download"
	}
	var plain, encoded strings.Builder
	for _, r := range name {
		if r < 0x20 || r > 0x7e || strings.ContainsRune(`"%\`, r) {
			r = '_'
		}
		plain.WriteRune(r)
	}
	for _, c := range []byte(name) {
		if isAttrChar(c) {
			encoded.WriteByte(c)
		} else {
			fmt.Fprintf(&encoded, "%%%02X", c)
		}
	}
	return `attachment; filename="` + plain.String() + `"; filename*=UTF-8''` + encoded.String()
}

// isAttrChar is attr-char of RFC 8187.
func isAttrChar(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || strings.IndexByte("!#$&+-.^_`|~", c) >= 0
}
