package product

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"

	"offramp/deploy/examples"
	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
)

// Names of what a stage makes.
const (
	Database = "hezhou"
	Bucket   = "hezhou-files"
)

// StageOptions say what stands on a stage. The zero value is the demonstration's.
type StageOptions struct {
	Rows      int    // of the largest customer; default as in Options
	Programme []byte // default the example's
	Say       func(string)
}

// Stage makes the retired product on a stack that has started: its database and bucket with the data, the addresses in the
// stack's environment, the programme in effect, its customers and what they have paid imported, and the payments by card known to
// the payment provider. A second call finds it all there. It returns the people who can sign in; the customers' provider does not know them yet.
func Stage(ctx context.Context, s *local.Stack, o StageOptions) ([]Account, error) {
	if o.Programme == nil {
		o.Programme = examples.Hezhou
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if err := s.Postgres.CreateDatabase(ctx, Database); err != nil {
		return nil, err
	}
	if err := s.S3.CreateBucket(ctx, Bucket); err != nil {
		return nil, err
	}
	owner := s.Postgres.URL(Database, postgres.SuperRole)
	if err := Load(ctx, owner, Options{Largest: o.Rows, Store: s.S3.Shelf(Bucket), Say: o.Say}); err != nil {
		return nil, err
	}
	files, err := FilesURL(s.S3, s.S3.Endpoint)
	if err != nil {
		return nil, err
	}
	s.Env["OFFRAMP_SOURCE_PRODUCT_URL"] = s.Postgres.URL(Database, Reader)
	s.Env["OFFRAMP_SOURCE_FILES_URL"] = files
	accounts, err := Accounts(ctx, owner)
	if err != nil {
		return nil, err
	}
	charges, err := Charges(ctx, owner)
	if err != nil {
		return nil, err
	}
	s.Stripe.Seed(charges...)
	return accounts, apply(ctx, s, o)
}

// FilesURL is the address of the product's attachments behind an endpoint, which may be a proxy's.
func FilesURL(s *local.S3, endpoint string) (string, error) {
	at, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	u := url.URL{
		Scheme: "s3+http", User: url.UserPassword(s.AccessKey, s.SecretKey), Host: at.Host,
		Path: "/" + Bucket, RawQuery: "region=" + s.Region,
	}
	return u.String(), nil
}

// apply stores the programme. On a stage its second person is a machine.
func apply(ctx context.Context, s *local.Stack, o StageOptions) error {
	o.Say("Applying the programme and importing its customers ...")
	file, err := os.CreateTemp("", "programme-*.yaml")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.Write(o.Programme); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	s.Env["OFFRAMP_DEMO_SELF_APPROVAL"] = "yes"
	defer delete(s.Env, "OFFRAMP_DEMO_SELF_APPROVAL")
	if _, err := s.Run(ctx, "apply", "-f", file.Name(), "--by", "stage", "--approve-as", "stage-second-person"); err != nil {
		return err
	}
	if _, err := s.Run(ctx, "import", "--by", "stage"); err != nil || !bytes.Equal(o.Programme, examples.Hezhou) {
		return err // other programmes have customers of their own, who have paid nothing, and no codes
	}
	if _, err := s.Run(ctx, "import", "--entitlements", "--by", "stage"); err != nil {
		return err
	}
	return importCodes(ctx, s)
}

// codesOnStage are fewer than the customers whom the demonstration's offer is for, so that its pool can run out.
const codesOnStage = 40

// importCodes fills the pool of the demonstration's offer.
func importCodes(ctx context.Context, s *local.Stack) error {
	file, err := os.CreateTemp("", "codes-*.csv")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	for n := range codesOnStage {
		if _, err := fmt.Fprintf(file, "CX-%04d-HZ\n", 1000+n*37); err != nil {
			return err
		}
	}
	if err := file.Close(); err != nil {
		return err
	}
	_, err = s.Run(ctx, "import", "--codes", file.Name(), "--replacement", "chuanxing", "--by", "stage")
	return err
}
