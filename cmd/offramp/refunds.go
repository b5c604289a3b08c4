package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"offramp/export/storage"
	"offramp/internal/jobs"
	"offramp/internal/outbound"
	"offramp/internal/secret"
	"offramp/internal/secret/awskms"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/inspect"
	"offramp/migration/refund/payout"
	"offramp/migration/refund/payout/bankfile"
	"offramp/migration/refund/payout/stripe"
	"offramp/migration/replacement"
)

// payouts is how many payments a worker makes at a time: they wait for a provider, not for a processor.
const payouts = 4

// stripeName is the provider's name in imported payments.
const stripeName = "stripe"

// refunds is what customers and finance may ask, and what workers do.
func (p *parts) refunds(queue *jobs.Client, bucket *storage.Bucket, providers map[string]payout.Provider) (*refund.Service, error) {
	vault, err := p.vault(context.Background())
	if err != nil {
		return nil, err
	}
	debtors := map[string]refund.Debtor{}
	if d, ok := p.debtor(); ok {
		debtors[""] = d
	}
	var scanner inspect.Scanner
	if asked := p.scanner(); asked != nil {
		scanner = &inspect.Proven{Scanner: asked}
	}
	entitlements := refund.NewEntitlements(p.db, p.programmes, refund.CoveredPayments)
	return refund.NewService(refund.Config{
		Refresh: func(ctx context.Context) error {
			_, err := entitlements.Refresh(ctx, "system")
			if errors.Is(err, refund.ErrNoPolicy) || errors.Is(err, migration.ErrNoProgramme) {
				return nil
			}
			return err
		},
		DB: p.db, Jobs: queue, Customers: p.journeys, Vault: vault, Log: p.log, Providers: providers, Debtors: debtors,
		Bodies: storage.NewShelf(bucket, refund.DocumentPrefix), Scanner: scanner, Price: priceOf,
	}), nil
}

// scanner is the one that is configured; nil: none is.
func (p *parts) scanner() inspect.Scanner {
	if network, address := p.config.Scan.Way(); network != "" {
		return inspect.Clamd{Network: network, Address: address}
	}
	if address, path, secure := p.config.Scan.Service(); address != "" {
		return inspect.ICAP{Address: address, Service: path, TLS: secure}
	}
	return nil
}

// priceOf is what a replacement costs a customer; not known where it depends on seats that the import does not tell.
func priceOf(p *migration.Programme, r migration.Replacement, c migration.Customer, now time.Time) (amount int64, currency string, known bool) {
	price := replacement.PriceFor(p, r, c, now)
	return price.ToPay, price.Currency, price.Model != "" && price.Summed
}

// vault seals bank details, by keys of a key management service where one is configured.
func (p *parts) vault(ctx context.Context) (*secret.Vault, error) {
	return p.vaultFor(ctx, refund.Purpose)
}

// vaultFor is the same for anything that is sealed for a purpose.
func (p *parts) vaultFor(ctx context.Context, purpose string) (*secret.Vault, error) {
	current, before := p.config.Web.Secrets()
	box, err := secret.New(purpose, current, before...)
	if err != nil {
		return nil, err
	}
	o := secret.VaultOptions{Purpose: purpose, Ring: box}
	if m := p.config.KMS; m.Given() {
		o.Keys, err = awskms.Open(ctx, awskms.Options{
			Key: m.Key, Old: m.OldKeys, Region: m.Region, Endpoint: m.Endpoint, AccessKey: m.AccessKey, SecretKey: m.SecretKey,
		})
		o.Retired = m.Key == ""
	}
	return secret.NewVault(o), err
}

// debtor is our account that pays bank files, if there is one.
func (p *parts) debtor() (refund.Debtor, bool) {
	b := p.config.Bank
	days, err := b.Days()
	if err != nil {
		p.log.Error("the calendar of our bank cannot be read", slog.Any("error", err)) // the configuration's check refuses it before
	}
	ways := map[string]bankfile.Booking{"single": bankfile.Single, "batch": bankfile.Lump, "agreed": bankfile.Unasked}
	return refund.Debtor{
		Debtor:  bankfile.Debtor{Name: b.Name, IBAN: b.IBAN, Account: b.Account, BIC: b.BIC, CNAPS: b.CNAPS},
		Unicode: bool(b.Unicode), Booking: ways[b.Booking], Days: days,
	}, b.Given() && err == nil
}

// stripe is the provider that is configured. It calls nobody yet.
func (p *parts) stripe() (*stripe.Client, error) {
	allow, err := p.allowed()
	if err != nil {
		return nil, err
	}
	way := outbound.NewClient(outbound.Options{Allow: allow, MaxBody: 1 << 20})
	return stripe.New(stripe.Options{Key: p.config.Stripe.Key, HTTP: way, URL: p.config.Stripe.URL}), nil
}

// knownProviders are those through which payments go back; the web only names them.
func (p *parts) knownProviders() map[string]payout.Provider {
	if len(p.config.Stripe.WebhookSecrets) == 0 {
		return nil
	}
	return map[string]payout.Provider{stripeName: nil}
}

// payouts registers what pays, looks up and closes refunds, and what tidies their documents.
func (p *parts) payouts(workers *river.Workers, bucket *storage.Bucket, inserter *jobs.Client) error {
	providers := map[string]payout.Provider{}
	if p.config.Stripe.Key != "" {
		client, err := p.stripe()
		if err != nil {
			return err
		}
		providers[stripeName] = client
	}
	service, err := p.refunds(inserter, bucket, providers)
	if err != nil {
		return err
	}
	refund.Register(workers, service)
	return nil
}
