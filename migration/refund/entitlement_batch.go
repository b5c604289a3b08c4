package refund

import (
	"context"
	"maps"
	"slices"

	"offramp/internal/db"
	"offramp/internal/spreadsheet"
	"offramp/migration"
	"offramp/migration/refund/quote"
)

// entitled is a customer as an import meets them.
type entitled struct {
	customer  migration.Customer // ID, Ref, Tier and Extensions
	version   int                // of the entitlement; 0: there is none yet
	importID  string             // the last that named the customer
	due       []migration.Amount // as told last
	programme int                // by which that was worked out
	changed   bool               // a payment is new or differs
}

// providerRef is a payment at its provider.
type providerRef struct{ provider, ref string }

// paymentHolder is whose payment it is here.
type paymentHolder struct{ customerID, ref string }

// paymentBatch stores some rows in one transaction.
type paymentBatch struct {
	*paymentRun
	lines  []*paymentLine
	report PaymentReport
}

func (b *paymentBatch) store(ctx context.Context, tx *db.Tx) error {
	b.report = PaymentReport{}
	s := b.paymentRun.store
	if err := s.takeTurn(ctx, tx); err != nil {
		return err
	}
	customers, err := s.customers(ctx, tx, b.refs())
	if err != nil {
		return err
	}
	stored, err := s.payments(ctx, tx, idsOf(customers))
	if err != nil {
		return err
	}
	held, err := s.holders(ctx, tx, b.providerRefs())
	if err != nil {
		return err
	}
	if err := b.zeros(ctx, tx, customers); err != nil {
		return err
	}
	named, written := b.judge(customers, stored, held)
	if err := s.entitle(ctx, tx, b.id, named); err != nil {
		return err
	}
	if err := s.write(ctx, tx, b.id, written); err != nil {
		return err
	}
	moved := slices.DeleteFunc(slices.Clone(named), func(e *entitled) bool { return !e.changed && e.programme == b.programme.Version })
	if b.report.Due, b.report.NotDue, err = b.settle(ctx, tx, b.programme, b.by.ID, moved); err != nil {
		return err
	}
	b.count(named)
	return s.progress(ctx, tx, b.id, b.report)
}

func (b *paymentBatch) refs() []string {
	refs := map[string]bool{}
	for _, l := range b.lines {
		if !l.refused() {
			refs[l.customerRef] = true
		}
	}
	return slices.Sorted(maps.Keys(refs))
}

func (b *paymentBatch) providerRefs() []providerRef {
	var list []providerRef
	for _, l := range b.lines {
		if !l.refused() && l.payment.ProviderRef != "" {
			list = append(list, providerRef{l.payment.Provider, l.payment.ProviderRef})
		}
	}
	return list
}

func idsOf(customers map[string]*entitled) []string {
	ids := make([]string, 0, len(customers))
	for _, e := range customers {
		ids = append(ids, e.customer.ID)
	}
	return ids
}

// zeros refuses lines whose customer is known with zeros in front of the number only, which spreadsheets drop.
func (b *paymentBatch) zeros(ctx context.Context, tx *db.Tx, customers map[string]*entitled) error {
	var spellings []string
	for _, ref := range b.refs() {
		if customers[ref] == nil {
			spellings = append(spellings, spreadsheet.Zeros(ref)...)
		}
	}
	if len(spellings) == 0 {
		return nil
	}
	known, err := b.paymentRun.store.customers(ctx, tx, spellings)
	if err != nil {
		return err
	}
	for _, l := range b.lines {
		if l.refused() || customers[l.customerRef] != nil {
			continue
		}
		for _, spelling := range spreadsheet.Zeros(l.customerRef) {
			if known[spelling] != nil {
				l.refuse("there is a customer %s; a spreadsheet has dropped the zeros in front of customer_ref %s: write %s", spelling, l.customerRef, spelling)
				break
			}
		}
	}
	return nil
}

// ownPayment is a payment with its customer.
type ownPayment struct {
	customerID string
	quote.Payment
}

// judge holds each line against what is stored, and returns whom the batch names and what is to be written.
func (b *paymentBatch) judge(customers map[string]*entitled, stored map[string]quote.Entitlement, held map[providerRef]paymentHolder) (named []*entitled, written []ownPayment) {
	seen := map[paymentHolder]int{}
	for _, l := range b.lines {
		if l.refused() {
			continue
		}
		c, known := customers[l.customerRef]
		if !known {
			l.refuse("the customer %s is unknown; import the customers first", clipped(l.customerRef))
			continue
		}
		own := paymentHolder{c.customer.ID, l.payment.Ref}
		before := paymentNamed(stored[c.customer.ID].Payments, l.payment.Ref)
		if !b.admits(l, c, own, before, seen, held) {
			continue
		}
		seen[own] = l.report.Line
		if l.payment.ProviderRef != "" {
			held[providerRef{l.payment.Provider, l.payment.ProviderRef}] = own
		}
		if !slices.Contains(named, c) {
			named = append(named, c)
		}
		switch {
		case before == nil:
			l.report.Outcome = migration.LineCreated
		case !samePayment(*before, l.payment):
			l.report.Outcome = migration.LineUpdated
		default:
			continue
		}
		c.changed = true
		written = append(written, ownPayment{c.customer.ID, l.payment})
	}
	return named, written
}

// admits refuses a line that contradicts others or what is stored.
func (b *paymentBatch) admits(l *paymentLine, c *entitled, own paymentHolder, before *quote.Payment, seen map[paymentHolder]int, held map[providerRef]paymentHolder) bool {
	other, taken := held[providerRef{l.payment.Provider, l.payment.ProviderRef}]
	line, twice := seen[own]
	switch {
	case c.importID == b.id:
		l.refuse("other rows of %s came before; order them by customer_ref, so that they follow each other", clipped(l.customerRef))
	case twice:
		l.refuse("the payment %s of %s is on line %d already; leave one of the two", l.payment.Ref, l.customerRef, line)
	case before != nil && before.Currency != l.payment.Currency:
		l.refuse("the currency is %s and was %s; a payment does not change its currency", l.payment.Currency, before.Currency)
	case l.payment.ProviderRef != "" && taken && other != own:
		l.refuse("provider_ref %s is that of another payment (%s) already", l.payment.ProviderRef, other.ref)
	default:
		return true
	}
	return false
}

func paymentNamed(list []quote.Payment, ref string) *quote.Payment {
	for i := range list {
		if list[i].Ref == ref {
			return &list[i]
		}
	}
	return nil
}

func samePayment(a, b quote.Payment) bool {
	if !a.PaidAt.Equal(b.PaidAt) {
		return false
	}
	a.PaidAt = b.PaidAt
	return a == b
}

func (b *paymentBatch) count(named []*entitled) {
	b.report.Read, b.report.Customers = int64(len(b.lines)), int64(len(named))
	for _, l := range b.lines {
		switch l.report.Outcome {
		case migration.LineCreated:
			b.report.Created++
		case migration.LineUpdated:
			b.report.Updated++
		case migration.LineRefused:
			b.report.Refused++
		default:
			b.report.Unchanged++
		}
	}
}
