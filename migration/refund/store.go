package refund

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration/refund/quote"
)

// store is the only place that knows the refunds' tables.
type store struct{}

const columns = `r.id, r.ref, r.version, r.customer_id, r.state, r.method, r.currency, r.amount, r.settled, r.quote, r.quote_digest, r.replacement,
	r.account, r.account_kind, r.account_last4, r.tier, r.requested_by, r.requested_at, coalesce(r.reviewed_by, ''), r.reviewed_at,
	coalesce(r.approved_by, ''), r.approved_at, coalesce(r.second_approved_by, ''), r.second_approved_at, coalesce(r.released_by, ''), r.released_at,
	r.settled_at, r.updated_at, r.question, r.answer, r.reason, r.reason_text, r.object_until, r.objection, r.failure, r.second_needed,
	coalesce(r.batch_id, ''), r.extra, r.content, r.review_days, r.pay_days, r.bank_days, r.credit_price, r.credit_rest, r.rest_rule, coalesce(r.declined_by, ''),
	coalesce(r.rest_of, ''), coalesce(CASE WHEN r.rest_rule = 'paid' THEN (SELECT o.ref || ' ' || o.state FROM refund o WHERE o.id = r.rest_of OR o.rest_of = r.id) END, '')`

func (r *Refund) places(frozen, other *string) []any {
	return []any{
		&r.ID, &r.Ref, &r.Version, &r.CustomerID, &r.State, &r.Method, &r.Currency, &r.Amount, &r.Settled, frozen, &r.QuoteDigest, &r.Replacement,
		&r.sealed, &r.Account.Kind, &r.Account.Last4, &r.Tier, &r.RequestedBy, &r.RequestedAt, &r.ReviewedBy, &r.ReviewedAt,
		&r.ApprovedBy, &r.ApprovedAt, &r.SecondApprovedBy, &r.SecondApprovedAt, &r.ReleasedBy, &r.ReleasedAt,
		&r.SettledAt, &r.UpdatedAt, &r.Question, &r.Answer, &r.Reason, &r.ReasonText, &r.ObjectUntil, &r.Objection, &r.Failure, &r.SecondNeeded,
		&r.BatchID, &r.extra, &r.content, &r.ReviewDays, &r.PayDays, &r.BankDays, &r.CreditPrice, &r.CreditRest, &r.RestRule, &r.DeclinedBy, &r.restOf, other,
	}
}

func scan(row pgx.Row) (r Refund, err error) {
	var frozen, other string
	err = row.Scan(r.places(&frozen, &other)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Refund{}, ErrNotFound
	}
	if err != nil {
		return Refund{}, fmt.Errorf("read refund: %w", err)
	}
	r.PaysRest = r.restOf != ""
	if ref, state, ok := strings.Cut(other, " "); ok {
		r.Other, r.OtherState = ref, State(state)
	}
	if r.Quote, err = quote.Read([]byte(frozen)); err != nil {
		return Refund{}, fmt.Errorf("read quote of %s: %w", r.Ref, err)
	}
	return r, nil
}

func collect(rows pgx.Rows, err error) ([]Refund, error) {
	if err != nil {
		return nil, fmt.Errorf("list refunds: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Refund, error) { return scan(row) })
}

// lineUp makes the submissions of one customer come one after the other.
func (store) lineUp(ctx context.Context, tx *db.Tx, customerID string) error {
	_, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('offramp refunds of ' || $1, 0))`, customerID)
	return err
}

// insert writes a new refund with its payments. ErrNothing when one of the payments has a live refund already.
func (store) insert(ctx context.Context, tx *db.Tx, r Refund, year int) (Refund, error) {
	frozen, err := r.Quote.Canonical()
	if err != nil {
		return Refund{}, err
	}
	const sql = `INSERT INTO refund (id, number, ref, customer_id, tier, state, method, currency, amount, extra, quote, quote_digest, policy_version,
			replacement, account, account_kind, account_last4, second_needed, requested_by, requested_at, updated_at, name_key,
			review_days, pay_days, bank_days, credit_price, credit_rest, rest_rule, rest_of)
		SELECT $1, n, 'RF-' || $2::integer || '-' || to_char(n, CASE WHEN n > 999999 THEN 'FM9999999999' ELSE 'FM000000' END),
			$3, $4, 'submitted', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18, (SELECT lower(name) FROM customer WHERE id = $3),
			$19, $20, $21, $22, $23, $24, nullif($25, '')
		  FROM nextval('refund_number') n RETURNING ref, version, content`
	err = tx.Pgx.QueryRow(ctx, sql, r.ID, year, r.CustomerID, r.Tier, string(r.Method), r.Currency, r.Amount, r.extra, string(frozen), r.QuoteDigest,
		r.Quote.PolicyVersion, r.Replacement, r.sealed, string(r.Account.Kind), r.Account.Last4, r.SecondNeeded, r.RequestedBy, tx.Now,
		r.ReviewDays, r.PayDays, r.BankDays, r.CreditPrice, r.CreditRest, r.RestRule, r.restOf).
		Scan(&r.Ref, &r.Version, &r.content)
	if err != nil {
		return Refund{}, fmt.Errorf("insert refund: %w", err)
	}
	r.UpdatedAt = tx.Now
	const cover = `INSERT INTO refund_payment (refund_id, customer_id, payment_ref, amount, paid, provider, provider_payment, rest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	amounts := r.parts()
	for i, part := range r.Quote.Parts {
		if amounts[i] == 0 {
			continue
		}
		p := part.Payment
		if _, err := tx.Pgx.Exec(ctx, cover, r.ID, r.CustomerID, p.Ref, amounts[i], part.Paid, p.Provider, p.ProviderRef, r.PaysRest); err != nil {
			if db.IsUnique(err, "refund_payment_once") || db.IsUnique(err, "refund_payment_rest_once") || db.IsCheck(err, "refund_payment_within") {
				return Refund{}, ErrNothing.Wrap(err)
			}
			return Refund{}, fmt.Errorf("cover payment %s: %w", p.Ref, err)
		}
	}
	return r, nil
}

// one reads one refund.
func (store) one(ctx context.Context, tx *db.Tx, ref string) (Refund, error) {
	return scan(tx.Pgx.QueryRow(ctx, `SELECT `+columns+` FROM refund r WHERE r.ref = $1`, ref))
}

// lock reads one refund for a change.
func (store) lock(ctx context.Context, tx *db.Tx, ref string) (Refund, error) {
	return scan(tx.Pgx.QueryRow(ctx, `SELECT `+columns+` FROM refund r WHERE r.ref = $1 FOR UPDATE`, ref))
}

func (store) lockByID(ctx context.Context, tx *db.Tx, id string) (Refund, error) {
	return scan(tx.Pgx.QueryRow(ctx, `SELECT `+columns+` FROM refund r WHERE r.id = $1 FOR UPDATE`, id))
}

// lockAll reads many in an order that keeps two callers from waiting for each other.
func (store) lockAll(ctx context.Context, tx *db.Tx, refs []string) ([]Refund, error) {
	return collect(tx.Pgx.Query(ctx, `SELECT `+columns+` FROM refund r WHERE r.ref = ANY($1) ORDER BY r.id FOR UPDATE`, refs))
}

// save writes a transition of a locked refund. The database counts the version, notes who decided, and may send what was
// edited after its approval back to the beginning.
func (store) save(ctx context.Context, tx *db.Tx, r Refund) (Refund, error) {
	const sql = `UPDATE refund SET state = $2, method = $3, amount = $4, settled = $5, account = $6, account_kind = $7, account_last4 = $8,
			reviewed_by = nullif($9, ''), reviewed_at = $10, approved_by = nullif($11, ''), approved_at = $12,
			second_approved_by = nullif($13, ''), second_approved_at = $14, released_by = nullif($15, ''), released_at = $16, settled_at = $17,
			question = $18, answer = $19, reason = $20, reason_text = $21, object_until = $22, objection = $23, failure = $24, second_needed = $25,
			batch_id = nullif($26, ''), updated_at = $27, replacement = $28, extra = $29, declined_by = nullif($31, ''),
			approved_content = CASE WHEN $11 = '' THEN NULL WHEN approved_by IS NULL THEN content ELSE approved_content END
		WHERE id = $1 AND version = $30 RETURNING version, state, content`
	err := tx.Pgx.QueryRow(ctx, sql, r.ID, string(r.State), string(r.Method), r.Amount, r.Settled, r.sealed, string(r.Account.Kind), r.Account.Last4,
		r.ReviewedBy, r.ReviewedAt, r.ApprovedBy, r.ApprovedAt, r.SecondApprovedBy, r.SecondApprovedAt, r.ReleasedBy, r.ReleasedAt, r.SettledAt,
		r.Question, r.Answer, string(r.Reason), r.ReasonText, r.ObjectUntil, r.Objection, r.Failure, r.SecondNeeded, r.BatchID, tx.Now,
		r.Replacement, r.extra, r.Version, r.DeclinedBy).Scan(&r.Version, &r.State, &r.content)
	if err != nil {
		return Refund{}, decisionFault(err)
	}
	r.UpdatedAt = tx.Now
	return r, nil
}

// decisionFault names what the database refuses for what people meet.
func decisionFault(err error) error {
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrMoved
	case db.IsCheck(err, "refund_four_eyes"), db.IsUnique(err, "refund_decision_once"):
		return ErrSamePerson.Wrap(err)
	case db.IsCheck(err, "refund_role"):
		return ErrRole.Wrap(err)
	case errors.As(err, &pg) && (pg.ConstraintName == "refund_order" || pg.ConstraintName == "refund_stays"):
		return ErrMoved.Wrap(err)
	}
	return fmt.Errorf("save refund: %w", err)
}

// note is one entry of the history.
type note struct {
	refundID, customerID string
	version              int
	kind                 string
	actor, actorKind     string
	from, to             State
	text                 string
}

func (store) addEvent(ctx context.Context, tx *db.Tx, n note) error {
	const sql = `INSERT INTO refund_event (refund_id, customer_id, version, kind, actor, actor_kind, from_state, to_state, text, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	_, err := tx.Pgx.Exec(ctx, sql, n.refundID, n.customerID, n.version, n.kind, n.actor, n.actorKind, string(n.from), string(n.to), n.text, tx.Now)
	if err != nil {
		return fmt.Errorf("note %s: %w", n.kind, err)
	}
	return nil
}

const historySQL = `SELECT at, version, kind, actor, actor_kind, from_state, to_state, text FROM refund_event WHERE refund_id = $1 ORDER BY id`

func collectHistory(rows pgx.Rows, err error) ([]Happening, error) {
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h Happening, err error) {
		err = row.Scan(&h.At, &h.Version, &h.Kind, &h.Actor, &h.ActorKind, &h.From, &h.To, &h.Text)
		return h, err
	})
}

// get reads one of a customer's refunds with its history in one round trip.
func (store) get(ctx context.Context, d *db.DB, customerID, ref string) (r Refund, history []Happening, err error) {
	const events = `SELECT e.at, e.version, e.kind, e.actor, e.actor_kind, e.from_state, e.to_state, e.text
		FROM refund_event e JOIN refund r ON r.id = e.refund_id WHERE r.ref = $1 AND r.customer_id = $2 ORDER BY e.id`
	err = d.Read(ctx, db.CustomerScope(customerID),
		func(b *pgx.Batch) {
			b.Queue(`SELECT `+columns+` FROM refund r WHERE r.ref = $1 AND r.customer_id = $2`, ref, customerID)
			b.Queue(events, ref, customerID)
		},
		func(results pgx.BatchResults) error {
			if r, err = scan(results.QueryRow()); err != nil {
				return err
			}
			history, err = collectHistory(results.Query())
			return err
		})
	return r, history, err
}

const shownLimit = 100

// list reads a customer's refunds, newest first.
func (store) list(ctx context.Context, d *db.DB, scope db.Scope, customerID string) (list []Refund, err error) {
	err = d.Read(ctx, scope,
		func(b *pgx.Batch) {
			b.Queue(`SELECT `+columns+` FROM refund r WHERE r.customer_id = $1 ORDER BY r.number DESC LIMIT $2`, customerID, shownLimit)
		},
		func(results pgx.BatchResults) error {
			list, err = collect(results.Query())
			return err
		})
	return list, err
}

// draftRow is a request that is being filled in.
type draftRow struct {
	Draft
	sealed string
	quote  string
	digest string
}

func (store) draft(ctx context.Context, tx *db.Tx, customerID, currency string) (d draftRow, err error) {
	const sql = `SELECT method, replacement, account, account_kind, account_last4, quote, quote_digest FROM refund_draft WHERE customer_id = $1 AND currency = $2`
	d.Currency = currency
	err = tx.Pgx.QueryRow(ctx, sql, customerID, currency).Scan(&d.Method, &d.Replacement, &d.sealed, &d.Account.Kind, &d.Account.Last4, &d.quote, &d.digest)
	if errors.Is(err, pgx.ErrNoRows) {
		return d, nil
	}
	return d, err
}

func (store) saveDraft(ctx context.Context, tx *db.Tx, customerID string, d draftRow) error {
	const sql = `INSERT INTO refund_draft (customer_id, currency, method, replacement, account, account_kind, account_last4, quote, quote_digest, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (customer_id, currency) DO UPDATE SET method = excluded.method, replacement = excluded.replacement, account = excluded.account,
			account_kind = excluded.account_kind, account_last4 = excluded.account_last4, quote = excluded.quote, quote_digest = excluded.quote_digest,
			updated_at = excluded.updated_at`
	_, err := tx.Pgx.Exec(ctx, sql, customerID, d.Currency, string(d.Method), d.Replacement, d.sealed, string(d.Account.Kind), d.Account.Last4, d.quote, d.digest, tx.Now)
	if err != nil {
		return fmt.Errorf("keep draft: %w", err)
	}
	return nil
}

func (store) dropDraft(ctx context.Context, tx *db.Tx, customerID, currency string) error {
	_, err := tx.Pgx.Exec(ctx, `DELETE FROM refund_draft WHERE customer_id = $1 AND currency = $2`, customerID, currency)
	return err
}

// dropOldDrafts removes what nobody has touched since an instant.
func (store) dropOldDrafts(ctx context.Context, tx *db.Tx, since time.Time) (int64, error) {
	tag, err := tx.Pgx.Exec(ctx, `DELETE FROM refund_draft WHERE updated_at < $1`, since)
	return tag.RowsAffected(), err
}

// latest finds the customer's newest refund that was submitted with a quote and is not withdrawn; ErrNotFound.
func (store) latest(ctx context.Context, tx *db.Tx, customerID, currency, digest string) (Refund, error) {
	return scan(tx.Pgx.QueryRow(ctx, `SELECT `+columns+` FROM refund r WHERE r.customer_id = $1 AND r.currency = $2 AND r.quote_digest = $3 AND r.state <> 'withdrawn' AND r.rest_of IS NULL
		ORDER BY r.number DESC LIMIT 1`, customerID, currency, digest))
}

func actorKind(actor string, staff bool) string {
	switch {
	case actor == system:
		return audit.System
	case staff:
		return audit.Staff
	}
	return audit.Customer
}
