package local

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/auth"
)

// usersDir is the part of a server's directory that holds its accounts.
const usersDir = "users"

// Grant makes a new account that may do nothing but actions, such as s3:GetObject, with a bucket's objects under a prefix. It
// replaces what was granted on that bucket before.
func (s *S3) Grant(ctx context.Context, bucket, prefix string, actions ...string) (accessKey, secretKey string, err error) {
	accessKey, secretKey = "user-"+rand.Text(), rand.Text()
	accounts, err := auth.NewInternal(auth.Account{Access: s.AccessKey, Secret: s.SecretKey, Role: auth.RoleAdmin}, s.users)
	if err != nil {
		return "", "", fmt.Errorf("open the accounts: %w", err)
	}
	if err := accounts.CreateAccount(auth.Account{Access: accessKey, Secret: secretKey, Role: auth.RoleUser}); err != nil {
		return "", "", fmt.Errorf("make an account: %w", err)
	}
	policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Principal": map[string]any{"AWS": []string{accessKey}}, "Action": actions, "Resource": "arn:aws:s3:::" + bucket + "/" + prefix + "*",
	}}})
	if err != nil {
		return "", "", err
	}
	text := string(policy)
	if _, err := s.Client().PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &bucket, Policy: &text}); err != nil {
		return "", "", fmt.Errorf("grant rights on %s: %w", bucket, err)
	}
	return accessKey, secretKey, nil
}
