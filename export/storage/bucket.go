// Package storage keeps finished archives in an S3 bucket, and reads attachments from the retired product's.
//
// Uploads stream in constant memory and are never visible half-written. Every request's payload is signed with its
// SHA-256, so that a server or a proxy cannot cut or change it unseen; what was stored is read back before anyone calls
// it ready. Nothing waits for ever: a transfer that makes no progress ends, one that is merely slow does not.
package storage

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Config says where a bucket is and how to get in.
type Config struct {
	Endpoint       string // such as http://127.0.0.1:9000; empty for AWS itself
	PublicEndpoint string // as browsers reach it, for presigned links; empty means Endpoint
	Region         string // empty means us-east-1
	Bucket         string
	AccessKey      string // empty, with SecretKey, for AWS's own chain (environment, profile, instance role)
	SecretKey      string
	PathStyle      bool // bucket in the path instead of in the host's name

	Role       string // ARN of a role to take on with the keys above, or with AWS's own chain
	ExternalID string // that the role's owner asks for
	RoleServer string // address of AWS's service for that; empty: the region's own
	Dialer     Dialer // how to connect to a bucket whose address comes from outside; nil: as the system does

	Stall    time.Duration // a transfer without progress for this long has failed; 0 is a minute
	Attempts int           // how often a request is tried; 0 is 5
	Backoff  time.Duration // longest wait between two attempts; 0 is 10 s
}

// Bucket is one bucket. It is safe for concurrent use. All errors are *Error, but for a cancelled context's own.
type Bucket struct {
	name     string
	client   *s3.Client // answers promptly
	patient  *s3.Client // for uploads: the server may take its time after the last byte
	presign  *s3.PresignClient
	stall    time.Duration
	attempts int
	backoff  time.Duration
}

// Open prepares a bucket. It does not call the server, except to find credentials when none are given; Check does.
func Open(ctx context.Context, c Config) (*Bucket, error) {
	if c.Bucket == "" {
		return nil, &Error{Kind: Invalid, Op: "open", Cause: errors.New("no bucket is named")}
	}
	c = c.withDefaults()
	provider, err := c.credentials(ctx)
	if err != nil {
		return nil, err
	}
	if c.Role != "" {
		provider = c.assume(provider)
	}
	options := func(endpoint string, answer time.Duration) s3.Options {
		o := s3.Options{
			Region: c.Region, UsePathStyle: c.PathStyle, Credentials: provider,
			HTTPClient: newClient(c.Dialer, c.Stall, answer),
			Retryer:    c.retryer(),
			// The signed payload hash covers more, and every S3 server knows it.
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		}
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
		return o
	}
	public := c.Endpoint
	if c.PublicEndpoint != "" {
		public = c.PublicEndpoint
	}
	return &Bucket{
		name:    c.Bucket,
		client:  s3.New(options(c.Endpoint, c.Stall)),
		patient: s3.New(options(c.Endpoint, 5*c.Stall)),
		presign: s3.NewPresignClient(s3.New(options(public, c.Stall))),
		stall:   c.Stall, attempts: c.Attempts, backoff: c.Backoff,
	}, nil
}

func (c Config) withDefaults() Config {
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Stall <= 0 {
		c.Stall = time.Minute
	}
	if c.Attempts <= 0 {
		c.Attempts = 5
	}
	if c.Backoff <= 0 {
		c.Backoff = 10 * time.Second
	}
	return c
}

func (c Config) credentials(ctx context.Context) (aws.CredentialsProvider, error) {
	if c.AccessKey != "" || c.SecretKey != "" {
		return credentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, ""), nil
	}
	chain, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(c.Region))
	if err != nil {
		return nil, &Error{Kind: Denied, Op: "find credentials", Cause: err}
	}
	if _, err := chain.Credentials.Retrieve(ctx); err != nil {
		return nil, &Error{Kind: Denied, Op: "find credentials", Cause: err}
	}
	return chain.Credentials, nil
}

// retryer bounds the attempts of one request. Without a token bucket, one bad export cannot use up another's retries.
func (c Config) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = c.Attempts
		o.MaxBackoff = c.Backoff
		o.RateLimiter = ratelimit.None
		o.Retryables = append([]retry.IsErrorRetryable{retry.IsErrorRetryableFunc(neverRetryable)}, o.Retryables...)
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(retryableMore))
	})
}

// NewKey returns a name for an object that nobody can guess: the prefix and 256 random bits.
func NewKey(prefix string) string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return prefix + hex.EncodeToString(b[:])
}

// Ping reports whether the bucket exists and lets us read and list: without the right to list (s3:ListBucket), S3 says
// "forbidden" of an object that does not exist.
func (b *Bucket) Ping(ctx context.Context) error {
	o, err := b.Open(ctx, NewKey("ping/"), 0)
	if err == nil {
		return o.Close()
	}
	return unlessGone(err)
}
