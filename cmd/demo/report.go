package main

import (
	"fmt"
	"time"

	"offramp/deploy/local"
	"offramp/deploy/local/product"
)

// report is the content of the ready file.
type report struct {
	PortalURL          string    `json:"portal_url"`
	MetricsURL         string    `json:"metrics_url"`
	MailURL            string    `json:"mail_url"`
	WebhooksURL        string    `json:"webhooks_url"`
	CustomerIssuer     string    `json:"customer_issuer"`
	StaffIssuer        string    `json:"staff_issuer"`
	DatabaseURL        string    `json:"database_url"`
	ProductDatabaseURL string    `json:"product_database_url"`
	S3                 store     `json:"s3"`
	Users              []account `json:"users"`
}

type store struct {
	Endpoint      string `json:"endpoint"`
	Region        string `json:"region"`
	Bucket        string `json:"bucket"`
	ProductBucket string `json:"product_bucket"`
	AccessKey     string `json:"access_key"`
	SecretKey     string `json:"secret_key"`
}

func describe(s *local.Stack, users []account) report {
	return report{
		PortalURL: s.PortalURL, MetricsURL: s.MetricsURL, MailURL: s.Mail.URL, WebhooksURL: s.Hooks.URL,
		CustomerIssuer: s.Customer.Issuer, StaffIssuer: s.Staff.Issuer,
		DatabaseURL:        s.Postgres.URL(local.Database, local.SuperRole),
		ProductDatabaseURL: s.Postgres.URL(productDatabase, local.SuperRole),
		S3: store{
			Endpoint: s.S3.Endpoint, Region: s.S3.Region, Bucket: local.ExportBucket, ProductBucket: productBucket,
			AccessKey: s.S3.AccessKey, SecretKey: s.S3.SecretKey,
		},
		Users: users,
	}
}

// printReport prints the addresses and who can sign in.
func printReport(r report, set settings, took time.Duration) {
	fmt.Printf(`
Offramp is ready (%s). The demonstration's day is %s.

  Portal      %s          customers: Sign in
  Consoles    %s/staff/sign-in
  Mailbox     %s
  Webhooks    %s
  Metrics     %s

  Who can sign in (password: %s, or one click on the sign-in page):
`, took.Round(time.Second), time.Now().Add(set.shift).Format("2 January 2006"), r.PortalURL, r.PortalURL, r.MailURL, r.WebhooksURL, r.MetricsURL, password)
	shown := 0
	for _, u := range r.Users {
		if u.Customer == "" || u.Customer == product.Reference || shown < 4 {
			fmt.Printf("    %-18s %-36s %s\n", u.Role, u.Email, u.Customer)
		}
		if u.Customer != "" {
			shown++
		}
	}
	fmt.Printf("    and %d more people of customers, listed in the product's database.\n\n  Ctrl-C stops everything. Log: %s/offramp.log\n\n", max(0, shown-4), set.dir)
}
