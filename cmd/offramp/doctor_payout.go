package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/inspect"
	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/payout/bankfile"
	"offramp/migration/refund/payout/stripe"
)

// checkStripe asks Stripe for the newest refund, which needs the key and changes nothing.
func (p *parts) checkStripe(ctx context.Context) (string, error) {
	if p.config.Stripe.Key == "" {
		return "", &unproved{"not configured"}
	}
	client, err := p.stripe()
	if err != nil {
		return "", err
	}
	switch err := client.Check(ctx); {
	case errors.Is(err, stripe.ErrKey):
		return "", &trouble{
			what: "Stripe refuses our key, so nothing is paid back through it",
			mend: "correct OFFRAMP_STRIPE_KEY; it needs to read payments, and to read and write refunds",
		}
	case errors.Is(err, stripe.ErrAnswer):
		return "", &trouble{what: "what answers is not Stripe, or is broken", mend: "correct OFFRAMP_STRIPE_URL, or look at Stripe's status page", cause: err}
	case err != nil:
		return "", &trouble{what: "Stripe does not answer", mend: "clear the way to it, or correct OFFRAMP_STRIPE_URL", cause: err}
	}
	return "", nil
}

// checkBank writes a file with one payment as a release does, into nowhere.
func (p *parts) checkBank(ctx context.Context) (string, error) {
	d, ok := p.debtor()
	if !ok {
		if p.db == nil || !p.offersBank(ctx) {
			return "", &unproved{"not configured"}
		}
		return "", &trouble{
			what: "the programme lets customers choose a bank account, and there is none of ours to pay from",
			mend: "set OFFRAMP_BANK_NAME and OFFRAMP_BANK_IBAN or OFFRAMP_BANK_ACCOUNT, or take bank out of the programme's refund.payout.methods",
		}
	}
	if d.IBAN == "" && d.BIC == "" && d.CNAPS == "" {
		return "", &trouble{what: "the number of our account does not say which bank it is at", mend: "set OFFRAMP_BANK_CNAPS or OFFRAMP_BANK_BIC"}
	}
	one := bankfile.Payment{Ref: "TRIAL-1", Amount: 1, Currency: "EUR", To: account.Account{Kind: account.IBAN, Number: "DE89370400440532013000", Holder: "Nobody"}}
	now := time.Now()
	_, err := bankfile.Write(io.Discard, bankfile.Batch{
		ID: "TRIAL", Created: now, Execution: d.Days.Next(now, one.Currency), Debtor: d.Debtor, Unicode: d.Unicode, Booking: d.Booking,
		Payments: func() iter.Seq2[bankfile.Payment, error] {
			return func(yield func(bankfile.Payment, error) bool) { yield(one, nil) }
		},
	})
	if err != nil {
		return "", &trouble{
			what:  "no bank file can be written with our account",
			mend:  "correct OFFRAMP_BANK_*; a name in other than Latin letters needs OFFRAMP_BANK_UNICODE=yes, and a bank that takes it",
			cause: err,
		}
	}
	return ": " + d.Name + ", in " + d.Days.Zone.String(), nil
}

// offersBank reports whether the programme in effect lets customers choose a bank account.
func (p *parts) offersBank(ctx context.Context) bool {
	programme, err := p.programmes.Active(ctx)
	return err == nil && programme.Refund != nil && slices.Contains(programme.Refund.Payout.Methods, migration.SettleBank)
}

// checkScanner has the scanner of documents refuse the test file that every scanner knows and let a harmless one pass,
// and looks whether documents wait.
func (p *parts) checkScanner(ctx context.Context) (string, error) {
	scanner := p.scanner()
	if scanner == nil {
		if waits := p.scanWaits(ctx); waits != nil && waits.Count > 0 {
			return "", &trouble{
				what: fmt.Sprintf("documents wait for a scanner, and none is configured: %d since %s", waits.Count, waits.Since.UTC().Format(time.RFC3339)),
				mend: "set OFFRAMP_SCAN_CLAMD or OFFRAMP_SCAN_ICAP for serve and work",
			}
		}
		return "", &unproved{"not configured, so that documents of refunds are not scanned for malware"}
	}
	where := cmp.Or(p.config.Scan.Clamd, p.config.Scan.ICAP)
	called, err := inspect.Prove(ctx, scanner)
	switch {
	case errors.Is(err, inspect.ErrBlind):
		return "", &trouble{what: where + " answers, but its word is worth nothing: " + err.Error(), mend: "update its signatures, and let this service of it look at files of every kind"}
	case err != nil:
		return "", &trouble{what: "the scanner of documents at " + where + " does not do its part, so that nobody can open what is attached", mend: "start it, clear the way to it, or correct OFFRAMP_SCAN_CLAMD or OFFRAMP_SCAN_ICAP", cause: err}
	}
	if waits := p.scanWaits(ctx); waits != nil && waits.Long(time.Now()) {
		return "", &trouble{
			what: fmt.Sprintf("the scanner answers here, and documents wait for it: %d since %s", waits.Count, waits.Since.UTC().Format(time.RFC3339)),
			mend: "look whether offramp work runs with the same setting, and what its log says of refund_document_scan",
		}
	}
	return ": " + where + " calls the test file " + called, nil
}

// scanWaits is what waits for the scanner; nil: nobody knows.
func (p *parts) scanWaits(ctx context.Context) *refund.ScanWait {
	if p.db == nil {
		return nil
	}
	waits, err := refund.NewService(refund.Config{DB: p.db}).ScanWaits(ctx)
	if err != nil {
		return nil // the checks of the database say why
	}
	return &waits
}
