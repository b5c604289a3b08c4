package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/deploy/local"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/account"
)

// crowd is how often one request is sent at once, as by impatient people and retrying browsers.
const crowd = 6

// backlog is how many refunds may be under way at once.
const backlog = 120

func programme() *migration.Programme {
	zone := time.FixedZone("CST", 8*3600)
	return &migration.Programme{
		Version: 1, Locales: []string{"zh-CN", "en"}, Zone: zone, Steps: migration.StepRules{Settle: true, Choose: true},
		Milestones:   []migration.Milestone{{Key: migration.SalesStop, Day: migration.NewDay(2026, 8, 1)}, {Key: migration.ServiceEnd, Day: migration.NewDay(2026, 12, 31)}},
		Replacements: []migration.Replacement{{Key: "chuanxing"}},
		Refund: &migration.RefundRules{
			Version: "1", Basis: migration.BasisDays, From: migration.ServiceEnd, Rounding: migration.RoundHalfEven, Discount: migration.DiscountProportional,
			Tax: migration.RefundTax{Prices: migration.TaxInclusive}, BelowMinimum: migration.BelowCredit,
			Bonus: []migration.Bonus{{Replacement: "chuanxing", BasisPoints: 1000}}, SecondFrom: migration.Amounts{"CNY": "10000.00"}, ObjectionDays: 30,
			Payout: migration.PayoutRules{
				Methods:  []string{migration.SettleOriginal, migration.SettleBank, migration.SettleCredit, migration.SettleWaive},
				Accounts: []string{migration.AccountIBAN, migration.AccountCNCard},
			},
		},
	}
}

func who(id string) migration.Who {
	return migration.Who{CustomerID: id, ContactID: "contact-" + id, Role: migration.Owner}
}

var iban = account.Account{Kind: account.IBAN, Number: "DE89 3704 0044 0532 0130 00", Holder: "Lin Yi", Bank: "COBADEFFXXX"}

// busy is what people meet when somebody else was faster. Anything else that goes wrong on their side is a fault.
func busy(err error) error {
	if kind := fault.KindOf(err); err == nil || kind == fault.Conflict || errors.Is(err, refund.ErrSamePerson) {
		return nil
	}
	return err
}

// ask lets one customer after the other ask for a refund.
func (g *ground) ask(ctx context.Context) error {
	for ctx.Err() == nil {
		var open int
		const sql = `SELECT count(*) FROM refund WHERE state NOT IN ('paid', 'credited', 'waived', 'withdrawn', 'declined', 'closed')`
		if err := g.super.QueryRow(ctx, sql).Scan(&open); err != nil {
			return err
		}
		if open > backlog {
			rest(ctx, 100*time.Millisecond)
			continue
		}
		if err := g.arrive(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("ask: %w", err)
		}
	}
	return nil
}

// arrive brings a new customer with payments, who asks for a refund many times at once. One may come of it.
func (g *ground) arrive(ctx context.Context) error {
	g.mu.Lock()
	g.made++
	id := fmt.Sprintf("c%d", g.made)
	g.mu.Unlock()
	currency := []string{"CNY", "CNY", "CNY", "EUR"}[g.n(4)]
	if err := g.customer(ctx, id, currency); err != nil {
		return err
	}
	methods := []refund.Method{refund.Original, refund.Original, refund.Original, refund.Original, refund.Bank, refund.Bank, refund.Credit, refund.Waive}
	sub, err := g.fillIn(ctx, id, currency, methods[g.n(len(methods))])
	if err != nil {
		return err
	}
	return g.submit(ctx, id, sub)
}

func (g *ground) submit(ctx context.Context, id string, sub refund.Submission) error {
	g.asking.Store(id, true)
	defer g.asking.Delete(id)
	refs, errs := make([]string, crowd), make([]error, crowd)
	var group sync.WaitGroup
	for i := range crowd {
		group.Go(func() {
			r, err := g.service.Submit(ctx, who(id), g.programme, sub)
			refs[i], errs[i] = r.Ref, err
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if len(slices.Compact(refs)) > 1 {
		g.say("%s asked once and got %s", id, strings.Join(refs, ", "))
	}
	return nil
}

// fillIn chooses the method and what belongs to it.
func (g *ground) fillIn(ctx context.Context, id, currency string, m refund.Method) (refund.Submission, error) {
	e, err := g.service.Estimate(ctx, who(id), g.programme)
	if err != nil || len(e.Quotes) != 1 {
		return refund.Submission{}, fmt.Errorf("%d quotes: %w", len(e.Quotes), err)
	}
	replacement := map[refund.Method]string{refund.Credit: "chuanxing"}[m]
	if _, err := g.service.ChooseMethod(ctx, who(id), g.programme, currency, m, replacement); err != nil {
		return refund.Submission{}, err
	}
	if m == refund.Bank {
		_, err = g.service.FillAccount(ctx, who(id), g.programme, currency, iban)
	}
	return refund.Submission{Currency: currency, QuoteDigest: e.Quotes[0].Digest}, err
}

// customer adds a customer with one to three payments, here and at the provider.
func (g *ground) customer(ctx context.Context, id, currency string) error {
	afters := []local.StripeAfter{
		local.StripeAtOnce, local.StripeAtOnce, local.StripeAtOnce, local.StripeAtOnce, local.StripeAtOnce, local.StripeAtOnce, local.StripeLater,
		local.StripeLater, local.StripeBounces, local.StripeLost, local.StripeRefuses, local.StripeContested,
	}
	var payments []local.StripePayment
	for i := range 1 + g.n(3) {
		p := local.StripePayment{ID: fmt.Sprintf("pi_%s%d", id, i), Amount: int64(10_000 + g.n(90_000)), Currency: currency}
		if i == 0 || g.n(3) == 0 {
			p.After = afters[g.n(len(afters))]
		}
		if g.n(12) == 0 {
			p.Amount *= 40 // which needs a second approver
		}
		payments = append(payments, p)
	}
	g.provider.Seed(payments...)
	return g.app.InTx(ctx, db.SystemScope("soak"), func(tx *db.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ($1, 'HZ-' || $1, 'Customer ' || $1, 'team', 'en', 'UTC', $2, $2)`, id, tx.Now)
		b.Queue(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('contact-' || $1, $1, $1 || '@example.com', 'Lin ' || $1, 'owner', $2, $2)`, id, tx.Now)
		b.Queue(`INSERT INTO entitlement (customer_id, version, import_id, programme, changed_at, due_at) VALUES ($1, 1, 'i', 1, $2, $2)`, id, tx.Now)
		for _, p := range payments {
			b.Queue(`INSERT INTO payment (customer_id, ref, paid_at, method, provider, provider_ref, currency, gross, period_start, period_end, import_id, changed_at)
				VALUES ($1, $2, $3, 'card', 'stripe', $2, $4, $5, '2026-07-01', '2027-06-30', 'i', $3)`, id, p.ID, tx.Now, currency, p.Amount)
		}
		if err := tx.Pgx.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		_, err := g.service.Customers.Tell(ctx, tx, id, migration.Event{Kind: migration.JourneyStarted, Actor: "soak", Rules: g.programme.Steps})
		return err
	})
}

// standing is a refund that waits for somebody.
type standing struct {
	ref, customer, method string
	state                 refund.State
	version               int
}

func (g *ground) standing(ctx context.Context, states ...refund.State) ([]standing, error) {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	rows, err := g.super.Query(ctx, `SELECT ref, customer_id, method, state, version FROM refund WHERE state = ANY($1) ORDER BY number`, names)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s standing, err error) {
		err = row.Scan(&s.ref, &s.customer, &s.method, &s.state, &s.version)
		return s, err
	})
}

// decide lets finance work round after round. Two of these run at once: of each pair of decisions one comes too late.
func (g *ground) decide(ctx context.Context) error {
	for ctx.Err() == nil {
		g.world.RLock()
		err := g.round(context.WithoutCancel(ctx))
		g.world.RUnlock()
		if err != nil {
			return fmt.Errorf("decide: %w", err)
		}
		rest(ctx, 200*time.Millisecond)
	}
	return nil
}

// round reviews, approves, mends what came back, and pays out what is approved.
func (g *ground) round(ctx context.Context) error {
	list, err := g.standing(ctx, refund.Submitted, refund.Objected, refund.Reviewed, refund.Second, refund.Questioned, refund.Returned, refund.Declined, refund.Released)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := busy(g.step(ctx, r)); err != nil {
			return fmt.Errorf("%s, which is %s: %w", r.ref, r.state, err)
		}
	}
	for _, m := range []refund.Method{refund.Original, refund.Bank, refund.Credit} {
		for _, currency := range []string{"CNY", "EUR"} {
			if err := busy(g.payOut(ctx, m, currency)); err != nil {
				return fmt.Errorf("pay out %s in %s: %w", m, currency, err)
			}
		}
	}
	return nil
}

// step does what one refund waits for.
func (g *ground) step(ctx context.Context, r standing) (err error) {
	dice := 100
	if g.bad.Load() {
		dice = g.n(100)
	}
	switch r.state {
	case refund.Submitted, refund.Objected:
		return g.first(ctx, r, dice)
	case refund.Questioned:
		if dice < 30 && r.method == string(refund.Bank) {
			_, err = g.service.CorrectDetails(ctx, who(r.customer), g.programme, r.ref, r.version, iban)
		} else {
			_, err = g.service.Answer(ctx, who(r.customer), r.ref, r.version, "Ours.")
		}
	case refund.Reviewed:
		if dice < 4 {
			return g.decline(ctx, r)
		}
		_, err = g.service.Approve(ctx, "alan", g.programme, r.ref, r.version)
	case refund.Second:
		_, err = g.service.Approve(ctx, "bella", g.programme, r.ref, r.version)
	case refund.Returned:
		_, err = g.service.CorrectDetails(ctx, who(r.customer), g.programme, r.ref, r.version, iban)
	case refund.Declined:
		return g.object(ctx, r, dice)
	case refund.Released:
		return g.tryAgain(ctx, r, dice)
	}
	return err
}

// first is what becomes of a refund that nobody has looked at in this round.
func (g *ground) first(ctx context.Context, r standing, dice int) (err error) {
	switch {
	case dice < 4:
		_, err = g.service.SendBack(ctx, "clara", r.ref, r.version, "Whose card was it?")
	case dice < 12:
		err = g.thinkAgain(ctx, r)
	case dice < 16:
		err = g.decline(ctx, r)
	default:
		err = g.bySomebodyElse("clara", "dora", func(by string) error {
			_, err := g.service.Review(ctx, by, r.ref, r.version)
			return err
		})
	}
	return err
}

// bySomebodyElse lets the second person do what the first may not do twice.
func (g *ground) bySomebodyElse(first, second string, do func(by string) error) error {
	err := do(first)
	if errors.Is(err, refund.ErrSamePerson) {
		err = do(second)
	}
	return err
}

func (g *ground) decline(ctx context.Context, r standing) error {
	err := g.bySomebodyElse("clara", "dora", func(by string) error {
		_, err := g.service.Decline(ctx, by, g.programme, r.ref, r.version, refund.ReasonUsed, "")
		return err
	})
	if err == nil {
		g.count("declined")
	}
	return err
}

// object lets some customers object to a refusal. The others' period runs out in the end.
func (g *ground) object(ctx context.Context, r standing, dice int) error {
	if dice >= 20 {
		return nil
	}
	_, err := g.service.Object(ctx, who(r.customer), r.ref, r.version, "We did not use it.")
	if err == nil {
		g.count("objected")
	}
	return err
}

// tryAgain lets finance try again what failed for a reason that may be ours.
func (g *ground) tryAgain(ctx context.Context, r standing, dice int) error {
	if dice >= 5 {
		return nil
	}
	_, err := g.service.TryAgain(ctx, "rolf", r.ref, r.version)
	if err == nil {
		g.count("tried again")
	}
	return err
}

// thinkAgain lets the customer take a refund back, which may be refused, and ask anew.
func (g *ground) thinkAgain(ctx context.Context, r standing) error {
	if _, still := g.asking.Load(r.customer); still {
		return nil // it would not be known which of the requests comes after
	}
	was, err := g.service.Withdraw(ctx, who(r.customer), g.programme, r.ref, r.version)
	if err != nil {
		return err
	}
	g.count("withdrawn")
	sub, err := g.fillIn(ctx, r.customer, was.Currency, refund.Original)
	if err != nil {
		return err
	}
	return g.submit(ctx, r.customer, sub)
}

// changeMind declines a refund that is in a batch already, which is released without it.
func (g *ground) changeMind(ctx context.Context) error {
	list, err := g.standing(ctx, refund.Batched)
	if err != nil || len(list) == 0 {
		return err
	}
	return g.decline(ctx, list[g.n(len(list))])
}

// payOut makes a batch of what is approved, and releases it twice at once. A bank's file is taken to the bank.
func (g *ground) payOut(ctx context.Context, m refund.Method, currency string) error {
	b, err := g.service.CreateBatch(ctx, "cora", m, currency)
	if err != nil {
		return err
	}
	if g.bad.Load() && g.n(20) == 0 {
		_, err := g.service.DiscardBatch(ctx, "cora", b.ID)
		return err
	}
	if g.bad.Load() && g.n(4) == 0 {
		if err := busy(g.changeMind(ctx)); err != nil {
			return err
		}
	}
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { _, errs[i] = g.service.ReleaseBatch(ctx, "rolf", b.ID) })
	}
	group.Wait()
	if errors.Is(errs[0], refund.ErrEmptyBatch) && errors.Is(errs[1], refund.ErrEmptyBatch) { // all of it was declined
		_, err := g.service.DiscardBatch(ctx, "cora", b.ID)
		return err
	}
	if (errs[0] == nil) == (errs[1] == nil) {
		g.say("%s was released twice, or never: %v", b.Ref, errors.Join(errs...))
		return nil
	}
	if m != refund.Bank {
		return nil
	}
	var file strings.Builder
	if err := g.service.BatchFile(ctx, "rolf", b.ID, &file); err != nil {
		return err
	}
	return g.bank.take(b.Ref, file.String())
}
