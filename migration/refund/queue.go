package refund

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/money"
	"offramp/migration"
)

// key is where a page of the queue begins: behind this refund.
type key struct {
	at     time.Time // by age
	amount int64     // by amount
	number int64
}

// byAmount reports whether the filter's order is by amount.
func (f Filter) byAmount() bool { return f.Least > 0 || f.Most > 0 }

// kept reports whether the filter's totals are kept.
func (f Filter) kept() bool {
	return !f.byAmount() && f.Text == "" && f.OlderThan == 0 && f.LateIn == ""
}

// checked returns the filter in its canonical form. ErrFilter.
func (f Filter) checked() (Filter, error) {
	bad := ErrFilter
	f.Text = strings.TrimSpace(f.Text)
	f.States = slices.Compact(slices.Sorted(slices.Values(f.States)))
	for _, s := range f.States {
		if !slices.Contains(States, s) {
			bad = bad.Field("state", "refund.filter.state", nil)
			break
		}
	}
	if f.Method != "" && !slices.Contains(Methods, f.Method) {
		bad = bad.Field("method", "refund.filter.method", nil)
	}
	if _, known := money.Digits(f.Currency); f.Currency != "" && !known {
		bad = bad.Field("currency", "refund.filter.currency", nil)
	}
	if _, err := time.LoadLocation(f.LateIn); err != nil {
		bad = bad.Field("late", "refund.filter.state", nil)
	}
	bad = f.amounts(bad)
	if f.OlderThan < 0 || f.OlderThan > 10_000 {
		bad = bad.Field("older", "refund.filter.older", nil)
	}
	if utf8.RuneCountInString(f.Text) > 200 {
		bad = bad.Field("text", "fault.input.long", map[string]any{"Limit": 200})
	}
	if len(bad.Fields) > 0 {
		return f, bad
	}
	return f, nil
}

// amounts adds what is wrong with the bounds on the amount.
func (f Filter) amounts(bad *fault.Error) *fault.Error {
	switch {
	case f.byAmount() && f.Currency == "":
		return bad.Field("currency", "refund.filter.amount_currency", nil)
	case f.Least < 0 || f.Most < 0 || f.Most > 0 && f.Least > f.Most:
		return bad.Field("least", "refund.filter.amount", nil)
	}
	return bad
}

// after reads a page's place. ErrFilter.
func (f Filter) after(place string) (*key, error) {
	if place == "" {
		return nil, nil
	}
	bad := ErrFilter.Field("after", "refund.filter.after", nil)
	first, second, ok := strings.Cut(place[1:], ".")
	a, err := strconv.ParseInt(first, 10, 64)
	b, err2 := strconv.ParseInt(second, 10, 64)
	if !ok || err != nil || err2 != nil || (place[0] == 'a') != f.byAmount() || place[0] != 'a' && place[0] != 't' {
		return nil, bad
	}
	if f.byAmount() {
		return &key{amount: a, number: b}, nil
	}
	return &key{at: time.UnixMicro(a), number: b}, nil
}

// place is where the page behind a row begins.
func (f Filter) place(r Row) string {
	if f.byAmount() {
		return fmt.Sprintf("a%d.%d", r.Amount, r.number)
	}
	return fmt.Sprintf("t%d.%d", r.RequestedAt.UnixMicro(), r.number)
}

// Queue returns one page. after is the Next of the page before; empty: the first. ErrFilter. For finance.
func (s *Service) Queue(ctx context.Context, staffID string, f Filter, after string) (page QueuePage, err error) {
	if f, err = f.checked(); err != nil {
		return QueuePage{}, err
	}
	from, err := f.after(after)
	if err != nil {
		return QueuePage{}, err
	}
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if page.Rows, err = s.store.page(ctx, tx, f, from, PageSize+1); err != nil {
			return err
		}
		if len(page.Rows) > PageSize {
			page.Rows = page.Rows[:PageSize]
			page.Next = f.place(page.Rows[PageSize-1])
		}
		if page.Totals, page.AtLeast, err = s.store.totals(ctx, tx, f, false); err != nil {
			return err
		}
		if f.kept() {
			states, err := s.store.standing(ctx, tx, f)
			if err != nil {
				return err
			}
			page.Stands = byCurrency(states)
		}
		return s.listed(ctx, tx, staffID, "refund.list", f, len(page.Rows))
	})
	if err != nil {
		return QueuePage{}, fmt.Errorf("list refunds: %w", err)
	}
	return page, nil
}

// TotalsFor is how long Totals may count.
const TotalsFor = 5 * time.Second

// Totals sums up all of the filter by currency, however many refunds it chooses. Where that takes longer than TotalsFor they are
// lower bounds, as the page has them. ErrFilter. For finance, from the queue, whose reading was recorded.
func (s *Service) Totals(ctx context.Context, staffID string, f Filter) (list []Total, atLeast bool, err error) {
	if f, err = f.checked(); err != nil {
		return nil, false, err
	}
	add := func(whole bool, limit time.Duration) error {
		return s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
			if err := s.store.within(ctx, tx, limit); err != nil {
				return err
			}
			list, atLeast, err = s.store.totals(ctx, tx, f, whole)
			return err
		})
	}
	if err = add(true, s.totalsFor()); tookTooLong(err) {
		err = add(false, TotalsFor)
	}
	if err != nil {
		return nil, false, fmt.Errorf("sum up refunds: %w", err)
	}
	return list, atLeast, nil
}

// totalsFor is TotalsFor, or less for tests.
func (s *Service) totalsFor() time.Duration {
	if s.countFor > 0 {
		return s.countFor
	}
	return TotalsFor
}

func (s *Service) listed(ctx context.Context, tx *db.Tx, staffID, verb string, f Filter, n int) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: staffID, ActorKind: audit.Staff, Act: verb, Object: "refunds",
		Detail: map[string]any{"filter": f, "found": n},
	})
}

// Stream calls each with every refund of exactly the filter, in the queue's order, from one snapshot, in constant memory, and
// records that they were taken out. ErrFilter. For finance.
func (s *Service) Stream(ctx context.Context, staffID string, f Filter, each func(Row) error) (err error) {
	if f, err = f.checked(); err != nil {
		return err
	}
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		n, err := s.store.stream(ctx, tx, f, each)
		if err != nil {
			return err
		}
		return s.listed(ctx, tx, staffID, "refund.export", f, n)
	})
	if err != nil {
		return fmt.Errorf("stream refunds: %w", err)
	}
	return nil
}

// Next is the refund behind one in a filter's order, or the filter's first where none is behind it; empty: the filter has no other. The
// one itself need not be in the filter any more. ErrFilter, ErrNotFound. For finance, from the refund, whose reading was recorded.
func (s *Service) Next(ctx context.Context, staffID string, f Filter, ref string) (next string, err error) {
	if f, err = f.checked(); err != nil {
		return "", err
	}
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		k := key{}
		const sql = `SELECT requested_at, amount, number FROM refund WHERE ref = $1`
		if err := tx.Pgx.QueryRow(ctx, sql, ref).Scan(&k.at, &k.amount, &k.number); err != nil {
			return ErrNotFound.Wrap(err)
		}
		for _, from := range []*key{&k, nil} {
			rows, err := s.store.page(ctx, tx, f, from, 2)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if r.Ref != ref && next == "" {
					next = r.Ref
				}
			}
			if next != "" {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("find the refund behind %s: %w", ref, err)
	}
	return next, nil
}

// Approvable returns the first refunds of a filter that may be approved, at most BulkLimit, as the queue lists them, and whether more follow.
// ErrFilter. For finance, from the queue, whose reading was recorded.
func (s *Service) Approvable(ctx context.Context, staffID string, f Filter, may func(Row) bool) (rows []Row, more bool, err error) {
	if f, err = f.checked(); err != nil {
		return nil, false, err
	}
	waiting := []State{Reviewed, Second}
	if len(f.States) > 0 {
		waiting = slices.DeleteFunc(waiting, func(s State) bool { return !slices.Contains(f.States, s) })
	}
	if f.States = waiting; len(waiting) == 0 {
		return nil, false, nil
	}
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		for from := (*key)(nil); ; {
			page, err := s.store.page(ctx, tx, f, from, BulkLimit)
			if err != nil {
				return err
			}
			for _, r := range page {
				if !may(r) {
					continue
				}
				if more = len(rows) == BulkLimit; more {
					return nil
				}
				rows = append(rows, r)
			}
			if len(page) < BulkLimit {
				return nil
			}
			last := page[len(page)-1]
			from = &key{at: last.RequestedAt, amount: last.Amount, number: last.number}
		}
	})
	if err != nil {
		return nil, false, fmt.Errorf("read what may be approved: %w", err)
	}
	return rows, more, nil
}

// NeedsSecond reports whether a refund that was reviewed waits for a second approver after the first: since it was submitted, or by the
// programme as it is now.
func NeedsSecond(p *migration.Programme, r Row) bool {
	if r.State != Reviewed || r.SecondNeeded || p.Refund == nil {
		return r.State == Reviewed && r.SecondNeeded
	}
	both := Refund{Amount: r.Amount, CreditPrice: r.price, CreditRest: r.rest, RestRule: r.rule}
	needed, err := secondNeeded(p, r.Currency, both.whole())
	return err == nil && needed
}
