package refund

import (
	"context"
	"fmt"
	"io"
	"time"

	"offramp/internal/spreadsheet"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// FileWords are what a file needs to speak its reader's language: the same words, names and clock as the pages.
type FileWords struct {
	Word  Word
	Tier  func(key string) string // its name
	Zone  *time.Location          // of every time in the file
	Clock string                  // what the zone is called, beside the heading of each time
}

// WriteQueue writes every refund of exactly the filter as a file, in constant memory, and records it. ErrFilter. For finance.
// Headings are the messages refund.column.<name>, states and methods finance.state.<state> and refund.method.<method>.
func (s *Service) WriteQueue(ctx context.Context, staffID string, f Filter, format Format, words FileWords, w io.Writer) error {
	sheet, err := newSheet(format, w)
	if err != nil {
		return err
	}
	if err = sheet.Begin(words.Word("refund.sheet.queue")); err == nil {
		err = sheet.Row(words.head("ref", "customer_ref", "customer", "tier", "method", "state", "currency", "asked", "requested_at"))
	}
	if err == nil {
		err = s.Stream(ctx, staffID, f, func(r Row) error {
			return sheet.Row([]spreadsheet.Cell{
				spreadsheet.Said(r.Ref), spreadsheet.Said(r.CustomerRef), spreadsheet.Said(r.CustomerName), spreadsheet.Said(words.Tier(r.Tier)), spreadsheet.Said(words.Word("refund.method." + string(r.Method))),
				spreadsheet.Said(words.Word("finance.state." + string(r.State))), spreadsheet.Said(r.Currency), spreadsheet.Amount(r.Amount, r.Currency), spreadsheet.Instant(r.RequestedAt, words.Zone),
			})
		})
	}
	return sheet.End(err)
}

// head words the headings of columns; a time's heading names its clock.
func (w FileWords) head(names ...string) []spreadsheet.Cell {
	cells := make([]spreadsheet.Cell, len(names))
	for i, name := range names {
		key := "refund.column." + name
		if name == "tier" {
			key = "console.tier" // as the pages call it
		}
		cells[i] = spreadsheet.Heading(w.Word(key))
		if name == "requested_at" || name == "at" {
			cells[i].Text += " (" + w.Clock + ")"
		}
	}
	return cells
}

// bounds are the first instants of the month and of the next one in a zone.
func (m Month) bounds(zone *time.Location) (from, to time.Time) {
	return time.Date(m.Year, m.Month, 1, 0, 0, 0, 0, zone), time.Date(m.Year, m.Month+1, 1, 0, 0, 0, 0, zone)
}

// CloseMonth sums up a month from the ledger, by tier and currency, says where all money stands now, and records that it was
// looked at. For finance.
func (s *Service) CloseMonth(ctx context.Context, staffID string, zone *time.Location, m Month) (c Close, err error) {
	from, to := m.bounds(zone)
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if c.Lines, err = s.store.closeLines(ctx, tx, from, to); err != nil {
			return err
		}
		states, err := s.store.standing(ctx, tx, Filter{})
		if err != nil {
			return err
		}
		c.Now, c.At = byCurrency(states), tx.Now
		return s.recordMonth(ctx, tx, staffID, "ledger.view", m)
	})
	if err != nil {
		return Close{}, fmt.Errorf("close month: %w", err)
	}
	return c, nil
}

func (s *Service) recordMonth(ctx context.Context, tx *db.Tx, staffID, verb string, m Month) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: staffID, ActorKind: audit.Staff, Act: verb, Object: fmt.Sprintf("month %04d-%02d", m.Year, m.Month),
	})
}

// WriteMonth writes a month as a file, in constant memory, and records it: a workbook has the summary, the postings behind it, both
// of one snapshot, and where the money stands now as sheets; a CSV file has the part that is asked for. Headings are the messages
// refund.column.<name>, accounts and kinds refund.ledger.<account> and refund.entry.<kind>. For finance.
func (s *Service) WriteMonth(ctx context.Context, staffID string, m Month, format Format, part MonthPart, words FileWords, w io.Writer) error {
	sheet, err := newSheet(format, w)
	if err != nil {
		return err
	}
	t := &monthTable{sheet: sheet, words: words, summary: format == XLSX || part == Summary, postings: format == XLSX || part == Postings}
	from, to := m.bounds(words.Zone)
	return sheet.End(s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if err := t.begin(); err != nil {
			return err
		}
		if err := s.store.month(ctx, tx, from, to, t.line, t.posting); err != nil {
			return err
		}
		if err := t.below(); err != nil { // also for a month without postings
			return err
		}
		if format == XLSX {
			if err := s.writeStanding(ctx, tx, t); err != nil {
				return err
			}
		}
		return s.recordMonth(ctx, tx, staffID, "ledger.export", m)
	}))
}

// writeStanding writes where the money stands now, behind a month's postings.
func (s *Service) writeStanding(ctx context.Context, tx *db.Tx, t *monthTable) error {
	states, err := s.store.standing(ctx, tx, Filter{})
	if err != nil {
		return err
	}
	if err := t.sheet.Begin(t.words.Word("refund.sheet.now")); err != nil {
		return err
	}
	if err := t.sheet.Row(t.words.head("currency", "due", "owed", "returned", "on_the_way", "unknown", "paid_net", "credits")); err != nil {
		return err
	}
	for _, c := range byCurrency(states) {
		cells := []spreadsheet.Cell{spreadsheet.Said(c.Currency)}
		for _, n := range []int64{c.Due, c.Approved, c.Returned, c.OnTheWay, c.Unknown, c.Paid, c.Credited} {
			cells = append(cells, spreadsheet.Amount(n, c.Currency))
		}
		if err := t.sheet.Row(cells); err != nil {
			return err
		}
	}
	return nil
}

// monthTable writes a month's summary and its postings.
type monthTable struct {
	sheet             spreadsheet.Sheet
	words             FileWords
	summary, postings bool // which of the two are wanted
	begun             bool // the postings have
}

func (t *monthTable) begin() error {
	if !t.summary {
		return nil
	}
	if err := t.sheet.Begin(t.words.Word("refund.sheet.summary")); err != nil {
		return err
	}
	return t.sheet.Row(t.words.head("tier", "currency", "opening", "accrued", "goodwill", "cancelled", "paid", "back", "credits", "closing"))
}

func (t *monthTable) line(l CloseLine) error {
	if !t.summary {
		return nil
	}
	cells := []spreadsheet.Cell{spreadsheet.Said(t.words.Tier(l.Tier)), spreadsheet.Said(l.Currency)}
	for _, n := range []int64{l.Opening, l.Accrued, l.Goodwill, l.Reversed, l.Paid, l.Back, l.Credits, l.Closing} {
		cells = append(cells, spreadsheet.Amount(n, l.Currency))
	}
	return t.sheet.Row(cells)
}

// below begins the postings.
func (t *monthTable) below() error {
	if t.begun || !t.postings {
		return nil
	}
	t.begun = true
	if err := t.sheet.Begin(t.words.Word("refund.sheet.postings")); err != nil {
		return err
	}
	return t.sheet.Row(t.words.head("at", "entry", "ref", "customer_ref", "tier", "account", "currency", "posted"))
}

func (t *monthTable) posting(p posting) error {
	if !t.postings {
		return nil
	}
	if err := t.below(); err != nil {
		return err
	}
	return t.sheet.Row([]spreadsheet.Cell{
		spreadsheet.Instant(p.at, t.words.Zone), spreadsheet.Said(t.words.Word("refund.entry." + p.kind)), spreadsheet.Said(p.ref), spreadsheet.Said(p.customerRef), spreadsheet.Said(t.words.Tier(p.tier)),
		spreadsheet.Said(t.words.Word("refund.ledger." + p.account)), spreadsheet.Said(p.currency), spreadsheet.Amount(p.amount, p.currency),
	})
}
