package source_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"offramp/export/connect"
	"offramp/export/source"
)

// s3Says is how S3 refuses one object.
type s3Says struct {
	status        int
	code, message string
}

// keptBucket answers as S3 does for objects of which some are kept from us. What is not in refused has five bytes.
func keptBucket(t *testing.T, refused map[string]s3Says) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, "/bucket/")
		if no, ok := refused[key]; ok {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(no.status)
			fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s %s</Message><Key>%s</Key></Error>`, no.code, no.message, key, key)
			return
		}
		w.Header().Set("ETag", `"d41d8cd98f00b204e9800998ecf8427e"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("hello"))
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "http://", "s3+http://a:s3cret@", 1) + "/bucket"
}

// TestOneObjectThatIsKeptFromUsIsItsOwnFailure tries what S3 answers for objects in cold classes, under keys that we lack, and
// behind a policy of their own. None of it may be taken for a failure of the bucket, and none quotes the object's name.
func TestOneObjectThatIsKeptFromUsIsItsOwnFailure(t *testing.T) {
	for name, c := range map[string]struct {
		says s3Says
		want string
	}{
		"glacier":       {s3Says{403, "InvalidObjectState", "The operation is not valid for the object's storage class"}, source.ReasonArchived},
		"SSE-C":         {s3Says{400, "InvalidRequest", "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."}, source.ReasonNoKey},
		"KMS denied":    {s3Says{403, "AccessDenied", "User is not authorized to perform: kms:Decrypt on the resource"}, source.ReasonNoKey},
		"KMS disabled":  {s3Says{400, "KMS.DisabledException", "The key is disabled."}, source.ReasonNoKey},
		"object policy": {s3Says{403, "AccessDenied", "Access Denied"}, source.ReasonDenied},
		"gone":          {s3Says{404, "NoSuchKey", "The specified key does not exist."}, source.ReasonMissing},

		"wrong secret": {s3Says{403, "SignatureDoesNotMatch", "The request signature we calculated does not match"}, string(source.Denied)},
		"expired":      {s3Says{400, "ExpiredToken", "The provided token has expired."}, string(source.Invalid)},
		"no bucket":    {s3Says{404, "NoSuchBucket", "The specified bucket does not exist"}, string(source.Invalid)},
	} {
		const key = "HZ-1/Wang's salary.pdf"
		o, err := connect.OpenObjects(context.Background(), keptBucket(t, map[string]s3Says{key: c.says}), source.Options{})
		must(t, err)
		_, _, err = o.Open(context.Background(), key)
		if reason(err) != c.want || strings.Contains(fmt.Sprint(err), "Wang") {
			t.Errorf("%s: %v", name, err)
		}
		doubtful := new(source.ObjectError)
		if errors.As(err, &doubtful) && doubtful.ItemDoubtful() != (c.want == source.ReasonDenied) {
			t.Errorf("%s: doubtful %v", name, doubtful.ItemDoubtful())
		}
		if body, size, err := o.Open(context.Background(), "HZ-1/other.pdf"); err != nil || size != 5 {
			t.Errorf("%s: %v", name, err)
		} else {
			_ = body.Close()
		}
	}
}

// TestErrorsOfBucketsQuoteNoName cuts the connection, where the client's own error repeats the address.
func TestErrorsOfBucketsQuoteNoName(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	o, err := connect.OpenObjects(context.Background(), strings.Replace(server.URL, "http://", "s3+http://a:s3cret@", 1)+"/bucket?attempts=1", source.Options{})
	must(t, err)
	_, _, err = o.Open(context.Background(), "HZ-1/Wang's salary.pdf")
	if source.KindOf(err) != source.Unavailable || strings.Contains(err.Error(), "Wang") || !strings.Contains(err.Error(), "connection refused") {
		t.Error(err)
	}
}
