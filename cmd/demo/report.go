package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
	"offramp/deploy/local/product"
)

// report is the content of the ready file.
type report struct {
	PortalURL          string    `json:"portal_url"`
	MetricsURL         string    `json:"metrics_url"`
	MailURL            string    `json:"mail_url"`
	WebhooksURL        string    `json:"webhooks_url"`
	StripeURL          string    `json:"stripe_url"`
	TextsURL           string    `json:"texts_url"`
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
		PortalURL: s.PortalURL, MetricsURL: s.MetricsURL, MailURL: s.Mail.URL, WebhooksURL: s.Hooks.URL, StripeURL: s.Stripe.URL, TextsURL: s.Texts.URL,
		CustomerIssuer: s.Customer.Issuer, StaffIssuer: s.Staff.Issuer,
		DatabaseURL:        s.Postgres.URL(local.Database, postgres.SuperRole),
		ProductDatabaseURL: s.Postgres.URL(product.Database, postgres.SuperRole),
		S3: store{
			Endpoint: s.S3.Endpoint, Region: s.S3.Region, Bucket: local.ExportBucket, ProductBucket: product.Bucket,
			AccessKey: s.S3.AccessKey, SecretKey: s.S3.SecretKey,
		},
		Users: users,
	}
}

// printReport prints the addresses and who can sign in.
func printReport(w io.Writer, r report, set settings, took time.Duration) {
	line := func(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
	line("\nOfframp is ready (after %s). In the demonstration it is %s.\n", took.Round(time.Second), time.Now().Add(set.shift).Format("2 January 2006"))
	line("  Portal    %s", r.PortalURL)
	line("  Console   %s/staff/sign-in", r.PortalURL)
	line("  Mailbox   %s   every mail that the portal sends", r.MailURL)
	line("  Webhooks  %s   every change that another system is told", r.WebhooksURL)
	line("  Payments  %s   every refund that the payment provider was asked for", r.StripeURL)
	line("  Texts     %s   every text message that the portal sends", r.TextsURL)
	line("  Metrics   %s\n", r.MetricsURL)
	line("Sign in with one click, or with the password %s:\n", password)
	more := 0
	line("  Customers, at the portal")
	for _, u := range r.Users {
		switch {
		case u.Customer == "":
		case u.click:
			line("    %-18s %-42s %s %s", role(u.Role), u.Email, u.Customer, u.name)
		default:
			more++
		}
	}
	line("    and %d more people of 200 customers, by their addresses\n", more)
	line("  Staff, at the console")
	for _, u := range r.Users {
		if u.Customer == "" {
			line("    %-18s %-42s %s", role(u.Role), u.Email, u.name)
		}
	}
	line("\nCtrl-C stops everything. Log: %s\n", filepath.Join(set.dir, "offramp.log"))
}

// role is a role as people say it.
func role(key string) string {
	return strings.ReplaceAll(strings.TrimPrefix(key, "customer_"), "_", " ")
}
