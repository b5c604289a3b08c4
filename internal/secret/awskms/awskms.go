// Package awskms wraps data keys with a key of AWS Key Management Service, or of whatever speaks its protocol.
//
// Every call names the key that it means, so that a wrapped key from somebody else's account opens nothing here, and carries
// the purpose as encryption context, so that a key made for one purpose serves no other.
package awskms

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"offramp/internal/secret"
)

// Options say which keys, and how to reach them.
type Options struct {
	Key       string   // id, ARN or alias of the key that wraps
	Old       []string // keys that have wrapped earlier
	Region    string
	Endpoint  string // empty: the region's own
	AccessKey string // empty, with SecretKey, for AWS's own chain (environment, profile, instance role)
	SecretKey string

	Attempt time.Duration // how long one attempt at a call may take; 0 is 2 s
}

// attempts bounds how often a call is made.
const attempts = 3

// Keys is secret.Keys by a key of the service. Safe for concurrent use.
type Keys struct {
	client *kms.Client
	names  []string // the first wraps, where there is one
	wraps  bool
}

// Open prepares the keys. It calls nobody, except to find credentials where none are given.
func Open(ctx context.Context, o Options) (*Keys, error) {
	if o.Attempt <= 0 {
		o.Attempt = 2 * time.Second
	}
	provider := aws.CredentialsProvider(credentials.NewStaticCredentialsProvider(o.AccessKey, o.SecretKey, ""))
	if o.AccessKey == "" {
		chain, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(o.Region))
		if err != nil {
			return nil, fmt.Errorf("find credentials for the key management service: %w", err)
		}
		provider = chain.Credentials
	}
	options := kms.Options{
		Region: o.Region, Credentials: provider,
		HTTPClient: &http.Client{Timeout: o.Attempt, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Retryer: retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts, s.MaxBackoff = attempts, 300*time.Millisecond
		}),
	}
	if o.Endpoint != "" {
		options.BaseEndpoint = aws.String(o.Endpoint)
	}
	k := &Keys{client: kms.New(options), wraps: o.Key != ""}
	if k.wraps {
		k.names = append(k.names, o.Key)
	}
	k.names = append(k.names, o.Old...)
	return k, nil
}

func purposed(purpose string) map[string]string {
	return map[string]string{"app": "offramp", "purpose": purpose}
}

// Generate makes a data key. secret.ErrKeys.
func (k *Keys) Generate(ctx context.Context, purpose string) (key, wrapped []byte, err error) {
	if !k.wraps {
		return nil, nil, fmt.Errorf("%w: no key is named that wraps", secret.ErrKeys)
	}
	made, err := k.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{
		KeyId: aws.String(k.names[0]), KeySpec: types.DataKeySpecAes256, EncryptionContext: purposed(purpose),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%w: make a data key: %w", secret.ErrKeys, err)
	}
	return made.Plaintext, made.CiphertextBlob, nil
}

// Unwrap opens a wrapped key by whichever of our keys wrapped it. secret.ErrOpen, secret.ErrKeys.
func (k *Keys) Unwrap(ctx context.Context, purpose string, wrapped []byte) ([]byte, error) {
	strange := error(secret.ErrOpen)
	for _, name := range k.names {
		found, err := k.client.Decrypt(ctx, &kms.DecryptInput{KeyId: aws.String(name), CiphertextBlob: wrapped, EncryptionContext: purposed(purpose)})
		switch {
		case err == nil:
			return found.Plaintext, nil
		case !another(err):
			return nil, fmt.Errorf("%w: unwrap a data key: %w", secret.ErrKeys, err)
		}
		strange = fmt.Errorf("%w: %w", secret.ErrOpen, err)
	}
	return nil, strange
}

// another reports whether the service says that a key did not wrap this.
func another(err error) bool {
	var (
		wrong  *types.IncorrectKeyException
		cipher *types.InvalidCiphertextException
	)
	return errors.As(err, &wrong) || errors.As(err, &cipher)
}
