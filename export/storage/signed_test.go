package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"offramp/deploy/local/localtest"
)

// TestARequestIsSignedWithTheSumItIsGiven sends bodies with their own sum and with another's: were the sum taken anew, the store
// would take both.
func TestARequestIsSignedWithTheSumItIsGiven(t *testing.T) {
	t.Parallel()
	server := localtest.S3(t)
	b, err := Open(t.Context(), Config{
		Endpoint: server.Endpoint, Region: server.Region, Bucket: server.Bucket(t), AccessKey: server.AccessKey, SecretKey: server.SecretKey, PathStyle: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	body, key := []byte("the body"), "exports/signed"
	for text, taken := range map[string]bool{"the body": true, "another": false} {
		sum := sha256.Sum256([]byte(text))
		_, err := b.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.name, Key: &key, Body: bytes.NewReader(body)}, signed(hex.EncodeToString(sum[:])))
		if (err == nil) != taken {
			t.Errorf("the sum of %q: %v", text, err)
		}
	}
}
