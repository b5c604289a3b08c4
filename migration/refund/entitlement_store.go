package refund

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/refund/quote"
)

// entitlementStore reads and writes payments by the thousand, in arrays.
type entitlementStore struct{}

// entitlementTurn names the advisory lock under which batches of imports follow each other.
const entitlementTurn = 0x7061796d656e74

func (entitlementStore) takeTurn(ctx context.Context, tx *db.Tx) error {
	if _, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, entitlementTurn); err != nil {
		return fmt.Errorf("wait for another import: %w", err)
	}
	return nil
}

func (entitlementStore) start(ctx context.Context, tx *db.Tx, id, source, by string) error {
	const sql = `INSERT INTO entitlement_import (id, source, started_by, started_at) VALUES ($1, $2, $3, $4)`
	if _, err := tx.Pgx.Exec(ctx, sql, id, source, by, tx.Now); err != nil {
		return fmt.Errorf("start the import: %w", err)
	}
	return nil
}

func (entitlementStore) progress(ctx context.Context, tx *db.Tx, id string, r PaymentReport) error {
	const sql = `UPDATE entitlement_import SET read = read + $2, created = created + $3, updated = updated + $4, refused = refused + $5 WHERE id = $1`
	if _, err := tx.Pgx.Exec(ctx, sql, id, r.Read, r.Created, r.Updated, r.Refused); err != nil {
		return fmt.Errorf("note the import's progress: %w", err)
	}
	return nil
}

func (entitlementStore) finish(ctx context.Context, tx *db.Tx, id string) error {
	if _, err := tx.Pgx.Exec(ctx, `UPDATE entitlement_import SET finished_at = $2 WHERE id = $1`, id, tx.Now); err != nil {
		return fmt.Errorf("finish the import: %w", err)
	}
	return nil
}

// entitledColumns are what scanEntitled reads, of customer c and a possibly missing entitlement e.
const entitledColumns = `c.id, c.ref, c.tier,
	(SELECT coalesce(jsonb_object_agg(milestone, day), '{}') FROM extension x WHERE x.customer_id = c.id),
	coalesce(e.version, 0), coalesce(e.import_id, ''), coalesce(e.due, '[]'), coalesce(e.programme, 0)`

func scanEntitled(row pgx.CollectableRow) (*entitled, error) {
	e := &entitled{}
	err := row.Scan(&e.customer.ID, &e.customer.Ref, &e.customer.Tier, &e.customer.Extensions, &e.version, &e.importID, &e.due, &e.programme)
	return e, err
}

// customers finds those that exist, by ref.
func (entitlementStore) customers(ctx context.Context, tx *db.Tx, refs []string) (map[string]*entitled, error) {
	const sql = `SELECT ` + entitledColumns + ` FROM customer c LEFT JOIN entitlement e ON e.customer_id = c.id WHERE c.ref = ANY($1) ORDER BY c.id`
	rows, err := tx.Pgx.Query(ctx, sql, refs)
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanEntitled)
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	found := make(map[string]*entitled, len(list))
	for _, e := range list {
		found[e.customer.Ref] = e
	}
	return found, nil
}

// unnamed lists customers of whom no import has said anything.
func (entitlementStore) unnamed(ctx context.Context, tx *db.Tx, limit int) ([]*entitled, error) {
	const sql = `SELECT ` + entitledColumns + ` FROM customer c LEFT JOIN entitlement e ON e.customer_id = c.id WHERE e.customer_id IS NULL ORDER BY c.id LIMIT $1`
	rows, err := tx.Pgx.Query(ctx, sql, limit)
	if err != nil {
		return nil, fmt.Errorf("list customers without payments: %w", err)
	}
	return pgx.CollectRows(rows, scanEntitled)
}

// stale lists customers whose amounts were worked out by another version of the programme, or before a day of their own moved.
func (entitlementStore) stale(ctx context.Context, tx *db.Tx, programme, limit int) ([]*entitled, error) {
	const sql = `SELECT ` + entitledColumns + ` FROM entitlement e JOIN customer c ON c.id = e.customer_id
		WHERE e.programme <> $1 OR EXISTS (SELECT FROM extension x WHERE x.customer_id = e.customer_id AND x.granted_at > e.due_at AND x.granted_at <= $3)
		ORDER BY c.id LIMIT $2`
	rows, err := tx.Pgx.Query(ctx, sql, programme, limit, tx.Now)
	if err != nil {
		return nil, fmt.Errorf("list what is to be worked out anew: %w", err)
	}
	return pgx.CollectRows(rows, scanEntitled)
}

// payments reads what customers have paid, by customer id; a customer without an entitlement is left out.
func (entitlementStore) payments(ctx context.Context, tx *db.Tx, customerIDs []string) (map[string]quote.Entitlement, error) {
	const sql = `SELECT e.customer_id, e.version, p.ref, p.invoice_ref, p.paid_at, p.method, p.provider, p.provider_ref, p.currency,
		       p.gross, p.tax, p.discount, p.period_start, p.period_end, p.units, p.units_used, p.refunded, p.credited
		  FROM entitlement e LEFT JOIN payment p ON p.customer_id = e.customer_id
		 WHERE e.customer_id = ANY($1) ORDER BY e.customer_id, p.ref`
	rows, err := tx.Pgx.Query(ctx, sql, customerIDs)
	if err != nil {
		return nil, fmt.Errorf("read payments: %w", err)
	}
	defer rows.Close()
	found := make(map[string]quote.Entitlement, len(customerIDs))
	for rows.Next() {
		var id string
		var version int
		var r paymentRow
		if err := rows.Scan(&id, &version, &r.ref, &r.invoice, &r.paidAt, &r.method, &r.provider, &r.providerRef, &r.currency,
			&r.gross, &r.tax, &r.discount, &r.start, &r.end, &r.units, &r.used, &r.refunded, &r.credited); err != nil {
			return nil, fmt.Errorf("read payments: %w", err)
		}
		e := found[id]
		e.Version = version
		if r.ref != nil {
			e.Payments = append(e.Payments, r.payment())
		}
		found[id] = e
	}
	return found, rows.Err()
}

// paymentRow is a payment as it is stored; all of it is missing where a customer has none.
type paymentRow struct {
	ref, invoice, method, provider, providerRef, currency *string
	gross, tax, discount, units, used, refunded, credited *int64
	paidAt, start, end                                    *time.Time
}

func (r paymentRow) payment() quote.Payment {
	return quote.Payment{
		Ref: *r.ref, InvoiceRef: *r.invoice, PaidAt: r.paidAt.UTC(), Method: quote.Method(*r.method), Provider: *r.provider,
		ProviderRef: *r.providerRef, Currency: *r.currency, Gross: *r.gross, Tax: *r.tax, Discount: *r.discount,
		PeriodStart: migration.DayOf(*r.start), PeriodEnd: migration.DayOf(*r.end), Units: *r.units, UnitsUsed: *r.used,
		Refunded: *r.refunded, Credited: *r.credited,
	}
}

// holders tells whose payments at their providers are stored already.
func (entitlementStore) holders(ctx context.Context, tx *db.Tx, refs []providerRef) (map[providerRef]paymentHolder, error) {
	held := make(map[providerRef]paymentHolder, len(refs))
	if len(refs) == 0 {
		return held, nil
	}
	var providers, names []string
	for _, r := range refs {
		providers, names = append(providers, r.provider), append(names, r.ref)
	}
	const sql = `SELECT p.provider, p.provider_ref, p.customer_id, p.ref
		  FROM unnest($1::text[], $2::text[]) AS r (provider, ref)
		  JOIN payment p ON p.provider = r.provider AND p.provider_ref = r.ref AND p.provider_ref <> ''`
	rows, err := tx.Pgx.Query(ctx, sql, providers, names)
	if err != nil {
		return nil, fmt.Errorf("look payments up by provider: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r providerRef
		var h paymentHolder
		if err := rows.Scan(&r.provider, &r.ref, &h.customerID, &h.ref); err != nil {
			return nil, fmt.Errorf("look payments up by provider: %w", err)
		}
		held[r] = h
	}
	return held, rows.Err()
}

// entitle notes that an import has named customers, and moves the version of those whose payments change.
func (entitlementStore) entitle(ctx context.Context, tx *db.Tx, importID string, list []*entitled) error {
	if len(list) == 0 {
		return nil
	}
	var ids, moved []string
	for _, e := range list {
		ids = append(ids, e.customer.ID)
		if e.changed {
			moved = append(moved, e.customer.ID)
		}
	}
	const sql = `INSERT INTO entitlement (customer_id, version, import_id, programme, changed_at, due_at)
		SELECT customer_id, 1, $2, 0, $3, $3 FROM unnest($1::text[]) AS c (customer_id)
		ON CONFLICT (customer_id) DO UPDATE SET import_id = excluded.import_id,
			version = entitlement.version + CASE WHEN entitlement.customer_id = ANY($4) THEN 1 ELSE 0 END,
			changed_at = CASE WHEN entitlement.customer_id = ANY($4) THEN excluded.changed_at ELSE entitlement.changed_at END`
	if _, err := tx.Pgx.Exec(ctx, sql, ids, importID, tx.Now, moved); err != nil {
		return fmt.Errorf("store entitlements: %w", err)
	}
	return nil
}

// due stores what was worked out.
func (entitlementStore) due(ctx context.Context, tx *db.Tx, programme int, list []*entitled) error {
	ids, dues := make([]string, len(list)), make([]string, len(list))
	for i, e := range list {
		if e.due == nil {
			e.due = []migration.Amount{}
		}
		raw, err := json.Marshal(e.due)
		if err != nil {
			return fmt.Errorf("store what is due: %w", err)
		}
		ids[i], dues[i] = e.customer.ID, string(raw)
	}
	const sql = `UPDATE entitlement SET due = d.due::jsonb, programme = $3, due_at = $4
		FROM unnest($1::text[], $2::text[]) AS d (customer_id, due) WHERE entitlement.customer_id = d.customer_id`
	if _, err := tx.Pgx.Exec(ctx, sql, ids, dues, programme, tx.Now); err != nil {
		return fmt.Errorf("store what is due: %w", err)
	}
	return nil
}

// write stores new and changed payments.
func (entitlementStore) write(ctx context.Context, tx *db.Tx, importID string, list []ownPayment) error {
	if len(list) == 0 {
		return nil
	}
	var texts [7][]string
	var numbers [7][]int64
	var instants []time.Time
	var days [2][]string
	for _, p := range list {
		for i, v := range [7]string{p.customerID, p.Ref, p.InvoiceRef, string(p.Method), p.Provider, p.ProviderRef, p.Currency} {
			texts[i] = append(texts[i], v)
		}
		for i, v := range [7]int64{p.Gross, p.Tax, p.Discount, p.Units, p.UnitsUsed, p.Refunded, p.Credited} {
			numbers[i] = append(numbers[i], v)
		}
		instants = append(instants, p.PaidAt)
		days[0], days[1] = append(days[0], p.PeriodStart.String()), append(days[1], p.PeriodEnd.String())
	}
	const sql = `INSERT INTO payment (customer_id, ref, invoice_ref, method, provider, provider_ref, currency,
			gross, tax, discount, units, units_used, refunded, credited, paid_at, period_start, period_end, import_id, changed_at)
		SELECT customer_id, ref, invoice_ref, method, provider, provider_ref, currency,
			gross, tax, discount, units, units_used, refunded, credited, paid_at, period_start::date, period_end::date, $18, $19
		  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
			$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[],
			$15::timestamptz[], $16::text[], $17::text[]) AS p (customer_id, ref, invoice_ref, method, provider, provider_ref, currency,
			gross, tax, discount, units, units_used, refunded, credited, paid_at, period_start, period_end)
		ON CONFLICT (customer_id, ref) DO UPDATE SET invoice_ref = excluded.invoice_ref, method = excluded.method,
			provider = excluded.provider, provider_ref = excluded.provider_ref, gross = excluded.gross, tax = excluded.tax,
			discount = excluded.discount, units = excluded.units, units_used = excluded.units_used, refunded = excluded.refunded,
			credited = excluded.credited, paid_at = excluded.paid_at, period_start = excluded.period_start,
			period_end = excluded.period_end, import_id = excluded.import_id, changed_at = excluded.changed_at`
	_, err := tx.Pgx.Exec(ctx, sql, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], numbers[0], numbers[1], numbers[2],
		numbers[3], numbers[4], numbers[5], numbers[6], instants, days[0], days[1], importID, tx.Now)
	if err != nil {
		return fmt.Errorf("store payments: %w", err)
	}
	return nil
}
