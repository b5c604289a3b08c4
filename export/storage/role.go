package storage

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// assume takes on a role that somebody else has made for us. The external id keeps us from being talked into using one
// customer's role for another. Source: AWS IAM User Guide, "The confused deputy problem".
func (c Config) assume(base aws.CredentialsProvider) aws.CredentialsProvider {
	o := sts.Options{Region: c.Region, Credentials: base, HTTPClient: newClient(c.Dialer, c.Stall, c.Stall), Retryer: c.retryer()}
	if c.RoleServer != "" {
		o.BaseEndpoint = aws.String(c.RoleServer)
	}
	return aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.New(o), c.Role, func(r *stscreds.AssumeRoleOptions) {
		r.RoleSessionName = "offramp"
		if c.ExternalID != "" {
			r.ExternalID = aws.String(c.ExternalID)
		}
	}))
}

// RoleRefused reports whether it was the role that we were not given, rather than the bucket.
func RoleRefused(err error) bool {
	var op *smithy.OperationError
	for errors.As(err, &op) {
		if op.Service() == sts.ServiceID {
			return true
		}
		err = op.Unwrap()
	}
	return false
}
