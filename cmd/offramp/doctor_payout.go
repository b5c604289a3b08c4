package main

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"time"

	"offramp/migration"
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
