package refund

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/money"
	"offramp/internal/secret"
	"offramp/migration"
	"offramp/migration/refund/payout/account"
	"offramp/migration/refund/quote"
)

// Digest tells quotes apart that do not give the same for the same reasons. The day, the name of the policy
// and the count of the entitlement's changes do not matter.
func Digest(q quote.Quote) (string, error) {
	q.AsOf, q.EntitlementVersion, q.PolicyVersion, q.PolicyDigest = migration.Day{}, 0, "", ""
	text, err := q.Canonical()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// quotes works out what is not settled yet: payments with a live refund are out of it. ErrNotOffered.
func (s *Service) quotes(ctx context.Context, tx *db.Tx, customerID string, p *migration.Programme) ([]quote.Quote, error) {
	customer, err := s.Customers.CustomerIn(ctx, tx, customerID)
	if err != nil {
		return nil, err
	}
	return s.quotesOf(ctx, tx, customer, p)
}

func (s *Service) quotesOf(ctx context.Context, tx *db.Tx, customer migration.Customer, p *migration.Programme) ([]quote.Quote, error) {
	customerID := customer.ID
	all, err := s.store.entitlement(ctx, tx, customerID)
	if err != nil {
		return nil, err
	}
	found, err := s.store.coveredAll(ctx, tx, []string{customerID})
	if err != nil {
		return nil, err
	}
	covered := found[customerID]
	had := map[string]bool{}
	all.Payments = slices.DeleteFunc(all.Payments, func(p quote.Payment) bool {
		if covered[p.Ref] {
			had[p.Currency] = true
		}
		return covered[p.Ref]
	})
	in, offered := quote.For(p, customer, all, tx.Now)
	if !offered {
		return nil, ErrNotOffered
	}
	in.Policy.Goodwill = once(in.Policy.Goodwill, had)
	return quote.Compute(in)
}

// once takes fixed goodwill out of currencies in which the customer has had a refund: it is given once.
func once(list []quote.Goodwill, had map[string]bool) []quote.Goodwill {
	next := slices.Clone(list)
	for i, g := range next {
		if g.Fixed != nil {
			next[i].Fixed = maps.Clone(g.Fixed)
			maps.DeleteFunc(next[i].Fixed, func(currency string, _ int64) bool { return had[currency] })
		}
	}
	return next
}

// offers are the quotes of a customer with the ways of settling them. ErrNotOffered.
func (s *Service) offers(ctx context.Context, tx *db.Tx, customerID string, p *migration.Programme) (list []Offer, err error) {
	customer, err := s.Customers.CustomerIn(ctx, tx, customerID)
	if err != nil {
		return nil, err
	}
	quotes, err := s.quotesOf(ctx, tx, customer, p)
	if err != nil {
		return nil, err
	}
	for _, q := range quotes {
		digest, err := Digest(q)
		if err != nil {
			return nil, err
		}
		o := Offer{Quote: q, Digest: digest}
		if o.Credits, err = s.credits(p, q, customer, tx.Now); err != nil {
			return nil, err
		}
		for _, name := range p.Refund.Payout.Methods {
			if m := Method(name); s.fits(m, o) {
				o.Methods = append(o.Methods, m)
			}
		}
		list = append(list, o)
	}
	return list, nil
}

// credits finds what a quote becomes toward each replacement that takes credit. Where the programme pays out what is over a price and
// this quote cannot be paid to a bank, a replacement that costs less is no way to settle it.
func (s *Service) credits(p *migration.Programme, q quote.Quote, c migration.Customer, now time.Time) (list []CreditOffer, err error) {
	for _, r := range p.Replacements {
		o := CreditOffer{Replacement: r.Key, Total: q.CreditFor(r.Key).Total}
		if !r.TakesCredit() || o.Total == 0 {
			continue
		}
		if s.Price != nil {
			if price, currency, known := s.Price(p, r, c, now); known && currency == q.Currency {
				o.Price = price
			}
		}
		if o.Price > 0 && o.Total > o.Price {
			switch o.Rest, o.Rule = o.Total-o.Price, cmp.Or(p.Refund.CreditRest, migration.RestKept); {
			case o.Rule == migration.RestPaid && (q.Refund == 0 || !p.Refund.PaysToBanks()):
				continue
			case o.Rule == migration.RestPaid:
				o.Rule = ""
				if o, err = o.payRest(q); err != nil {
					return nil, err
				}
			}
		}
		list = append(list, o)
	}
	return list, nil
}

// fits reports whether a quote can be settled in a way.
func (s *Service) fits(m Method, o Offer) bool {
	q := o.Quote
	switch m {
	case Original:
		return q.Refund > 0 && !slices.ContainsFunc(q.Parts, func(part quote.Part) bool {
			_, reached := s.Providers[part.Payment.Provider]
			return part.Amount > 0 && (!reached || part.Payment.ProviderRef == "")
		})
	case Bank:
		return q.Refund > 0
	case Credit:
		return len(o.Credits) > 0
	case Waive:
		return q.Total > 0
	}
	return false
}

// offerIn is the offer of one currency. ErrNothing.
func (s *Service) offerIn(ctx context.Context, tx *db.Tx, customerID string, p *migration.Programme, currency string) (Offer, error) {
	list, err := s.offers(ctx, tx, customerID, p)
	if err != nil {
		return Offer{}, err
	}
	for _, o := range list {
		if o.Quote.Currency == currency && o.Quote.Total > 0 {
			return o, nil
		}
	}
	return Offer{}, ErrNothing
}

// due is what the customer could still ask for.
func (s *Service) due(ctx context.Context, tx *db.Tx, customerID string, p *migration.Programme) ([]migration.Amount, error) {
	quotes, err := s.quotes(ctx, tx, customerID, p)
	if err != nil {
		return nil, err
	}
	var due []migration.Amount
	for _, q := range quotes {
		if q.Total > 0 {
			due = append(due, migration.Amount{Minor: q.Total, Currency: q.Currency})
		}
	}
	return due, nil
}

// goodwill is what a quote gives on top.
func goodwill(q quote.Quote) (sum int64) {
	for _, part := range q.Parts {
		for _, line := range part.Lines {
			if line.Kind == quote.Good {
				sum += line.Amount
			}
		}
	}
	return sum
}

// secondNeeded reports whether the programme wants a second approver for an amount.
func secondNeeded(p *migration.Programme, currency string, amount int64) (bool, error) {
	text, ok := p.Refund.SecondFrom[currency]
	if !ok {
		return false, nil
	}
	from, err := money.Parse(text, currency)
	if err != nil {
		return false, fmt.Errorf("read second_from of %s: %w", currency, err)
	}
	return amount >= from, nil
}

// creditTo finds the replacement toward which credit goes: the one that was named, else the one chosen in step 3. ErrDetails.
func (s *Service) creditTo(ctx context.Context, tx *db.Tx, customerID string, o Offer, replacement string) (string, error) {
	if replacement == "" {
		chosen, err := s.store.chosen(ctx, tx, customerID)
		if err != nil {
			return "", err
		}
		replacement = chosen
	}
	if _, takes := o.CreditTo(replacement); !takes {
		return "", ErrDetails.Field("replacement", "refund.replacement.none", nil)
	}
	return replacement, nil
}

// sealAccount checks an account and seals it for the customer. ErrDetails, ErrKeys. It may call a key management service, so it
// comes before the transaction that keeps what it returns.
func (s *Service) sealAccount(ctx context.Context, customerID string, p *migration.Programme, currency string, a account.Account) (sealed string, m MaskedAccount, err error) {
	offered := p.Refund == nil || slices.Contains(p.Refund.Payout.Accounts, string(a.Kind)) // without rules: they were dropped after a payment left
	if a, err = checked(a, offered); err != nil {
		return "", m, err
	}
	if err := s.takes(currency, a); err != nil {
		return "", m, err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return "", m, err
	}
	sealed, err = s.Vault.Seal(ctx, string(text), customerID)
	if errors.Is(err, secret.ErrKeys) {
		return "", m, ErrKeys.Wrap(err).Field("number", "refund.account.later", nil)
	}
	return sealed, mask(a), err
}

func mask(a account.Account) MaskedAccount {
	return MaskedAccount{Kind: a.Kind, Holder: a.Holder, Last4: a.Number[max(0, len(a.Number)-4):], Bank: a.Bank, BankName: a.BankName}
}

// openAccount opens what sealAccount sealed. ErrKeys.
func (s *Service) openAccount(ctx context.Context, customerID, sealed string) (a account.Account, err error) {
	text, err := s.Vault.Open(ctx, sealed, customerID)
	if err == nil {
		err = json.Unmarshal([]byte(text), &a)
	}
	if errors.Is(err, secret.ErrKeys) {
		return account.Account{}, ErrKeys.Wrap(err)
	}
	if err != nil {
		return account.Account{}, fmt.Errorf("open account: %w", err)
	}
	return a, nil
}

// masked fills in what people see of a refund's account.
func (s *Service) masked(ctx context.Context, r Refund) (Refund, error) {
	list, err := s.allMasked(ctx, []Refund{r})
	if err != nil {
		return Refund{}, err
	}
	return list[0], nil
}

// allMasked fills in what people see of refunds' accounts. Where one cannot be opened that is the kind and the last digits, which
// the row holds: a page is not worth less for want of a name, and what was done is done. While the keys are out of reach the
// service is not asked again for each of them.
func (s *Service) allMasked(ctx context.Context, list []Refund) ([]Refund, error) {
	for i, r := range list {
		if r.sealed == "" {
			continue
		}
		a, err := s.openAccount(ctx, r.CustomerID, r.sealed)
		if err == nil {
			list[i].Account = mask(a)
			continue
		}
		if ctx.Err() != nil {
			return nil, err
		}
		s.Log.ErrorContext(ctx, "bank details are shown without the name", slog.String("refund", r.Ref), slog.Any("error", err))
		if errors.Is(err, ErrKeys) {
			break
		}
	}
	return list, nil
}

func (s *Service) shownDraft(ctx context.Context, customerID string, row draftRow) (Draft, error) {
	if row.sealed == "" {
		return row.Draft, nil
	}
	a, err := s.openAccount(ctx, customerID, row.sealed)
	if errors.Is(err, ErrKeys) {
		s.Log.ErrorContext(ctx, "a draft's bank details are shown without the name", slog.Any("error", err))
		return row.Draft, nil
	}
	if err == nil {
		row.Account = mask(a)
	}
	return row.Draft, err
}

// requote works out today's quote of the very payments that a refund covers; nil when they are no longer known.
func (s *Service) requote(ctx context.Context, tx *db.Tx, p *migration.Programme, r Refund) (*quote.Quote, error) {
	customer, err := s.Customers.CustomerIn(ctx, tx, r.CustomerID)
	if err != nil {
		return nil, err
	}
	all, err := s.store.entitlement(ctx, tx, r.CustomerID)
	if err != nil {
		return nil, err
	}
	frozen := map[string]bool{}
	for _, part := range r.Quote.Parts {
		frozen[part.Payment.Ref] = true
	}
	all.Payments = slices.DeleteFunc(all.Payments, func(p quote.Payment) bool { return !frozen[p.Ref] || p.Currency != r.Currency })
	in, offered := quote.For(p, customer, all, tx.Now)
	if !offered {
		return nil, nil
	}
	list, err := quote.Compute(in)
	if err != nil || len(list) != 1 {
		return nil, err
	}
	return &list[0], nil
}

// checked is account.Check in this package's words; its kind has to be one that is offered.
func checked(a account.Account, offered bool) (account.Account, error) {
	next, err := account.Check(a)
	refusal, ok := fault.As(err)
	if err != nil && !ok || err == nil && offered {
		return next, err
	}
	bad := ErrDetails
	if !offered {
		bad = bad.Field("kind", "refund.account.kind", nil)
	}
	if err != nil {
		for _, f := range refusal.Fields {
			if offered || f.Name != account.FieldKind {
				bad = bad.Field(f.Name, f.Key, f.Args)
			}
		}
	}
	return a, bad
}
