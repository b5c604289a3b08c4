package refund

import (
	"context"
	"fmt"
	"io"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// WriteQueue writes every refund of exactly the filter as a file, in constant memory, and records it; a spreadsheet's dates are on
// the clock of the zone. ErrFilter. For finance.
// Headings are the messages refund.column.<name>, states and methods refund.state.<state> and refund.method.<method>.
func (s *Service) WriteQueue(ctx context.Context, staffID string, zone *time.Location, f Filter, format Format, word Word, w io.Writer) error {
	sheet, err := newSheet(format, w)
	if err != nil {
		return err
	}
	err = sheet.row(head(word, "ref", "customer_ref", "customer", "tier", "method", "state", "currency", "amount", "requested_at"))
	if err == nil {
		err = s.Stream(ctx, staffID, f, func(r Row) error {
			return sheet.row([]cell{
				said(r.Ref), said(r.CustomerRef), said(r.CustomerName), said(r.Tier), said(word("refund.method." + string(r.Method))),
				said(word("refund.state." + string(r.State))), said(r.Currency), amount(r.Amount, r.Currency), when(r.RequestedAt, zone, time.UTC),
			})
		})
	}
	return sheet.end(err)
}

func head(word Word, names ...string) []cell {
	cells := make([]cell, len(names))
	for i, name := range names {
		cells[i] = cell{text: word("refund.column." + name), heading: true}
	}
	return cells
}

// bounds are the first instants of the month and of the next one in a zone.
func (m Month) bounds(zone *time.Location) (from, to time.Time) {
	return time.Date(m.Year, m.Month, 1, 0, 0, 0, 0, zone), time.Date(m.Year, m.Month+1, 1, 0, 0, 0, 0, zone)
}

// CloseMonth sums up a month from the ledger, by tier and currency, and records it. For finance.
func (s *Service) CloseMonth(ctx context.Context, staffID string, zone *time.Location, m Month) (lines []CloseLine, err error) {
	from, to := m.bounds(zone)
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if lines, err = s.store.closeLines(ctx, tx, from, to); err != nil {
			return err
		}
		return s.recordMonth(ctx, tx, staffID, "ledger.view", m)
	})
	if err != nil {
		return nil, fmt.Errorf("close month: %w", err)
	}
	return lines, nil
}

func (s *Service) recordMonth(ctx context.Context, tx *db.Tx, staffID, verb string, m Month) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: staffID, ActorKind: audit.Staff, Act: verb, Object: fmt.Sprintf("month %04d-%02d", m.Year, m.Month),
	})
}

// WriteMonth writes the month's summary and every posting behind it as a file, in constant memory, from one snapshot, and records
// it. Headings are the messages refund.column.<name>, accounts and kinds refund.ledger.<account> and refund.entry.<kind>. For
// finance.
func (s *Service) WriteMonth(ctx context.Context, staffID string, zone *time.Location, m Month, format Format, word Word, w io.Writer) error {
	sheet, err := newSheet(format, w)
	if err != nil {
		return err
	}
	from, to := m.bounds(zone)
	t := &monthTable{sheet: sheet, word: word, zone: zone}
	err = sheet.row(head(word, "tier", "currency", "opening", "accrued", "goodwill", "cancelled", "paid", "back", "credits", "closing"))
	if err == nil {
		err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
			if err := s.store.month(ctx, tx, from, to, t.line, t.posting); err != nil {
				return err
			}
			return s.recordMonth(ctx, tx, staffID, "ledger.export", m)
		})
	}
	return sheet.end(err)
}

// monthTable writes a month's summary and the postings below it.
type monthTable struct {
	sheet table
	word  Word
	zone  *time.Location
	below bool // the postings have begun
}

func (t *monthTable) line(l CloseLine) error {
	cells := []cell{said(l.Tier), said(l.Currency)}
	for _, n := range []int64{l.Opening, l.Accrued, l.Goodwill, l.Reversed, l.Paid, l.Back, l.Credits, l.Closing} {
		cells = append(cells, amount(n, l.Currency))
	}
	return t.sheet.row(cells)
}

func (t *monthTable) posting(p posting) error {
	if !t.below {
		t.below = true
		if err := t.sheet.row(nil); err != nil {
			return err
		}
		if err := t.sheet.row(head(t.word, "at", "entry", "ref", "customer_ref", "tier", "account", "currency", "amount")); err != nil {
			return err
		}
	}
	return t.sheet.row([]cell{
		when(p.at, t.zone, t.zone), said(t.word("refund.entry." + p.kind)), said(p.ref), said(p.customerRef), said(p.tier),
		said(t.word("refund.ledger." + p.account)), said(p.currency), amount(p.amount, p.currency),
	})
}
