package replacement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// usageSQL reads how often a customer uses each feature. A feature that was counted, and has no row of the customer, is used
// not at all, unless the customer was imported after the count; a row may be newer than the latest count of all.
const usageSQL = `SELECT coalesce(c.feature, u.feature), coalesce(u.uses, 0),
	       CASE WHEN u.feature IS NOT NULL OR c.counted_at >= (SELECT imported_at FROM customer WHERE id = $1) THEN greatest(c.counted_at, u.counted_at) END,
	       coalesce(c.problem <> '' AND c.tried_at > greatest(c.counted_at, u.counted_at), false)
	  FROM feature_count c FULL JOIN (SELECT feature, uses, counted_at FROM feature_usage WHERE customer_id = $1) u ON u.feature = c.feature`

func scanUsage(rows pgx.Rows) (Usage, error) {
	u := Usage{}
	for rows.Next() {
		var feature string
		var c Count
		var at *time.Time
		if err := rows.Scan(&feature, &c.Uses, &at, &c.Stale); err != nil {
			return nil, fmt.Errorf("read usage: %w", err)
		}
		if at != nil {
			c.Known, c.AsOf = true, *at
		}
		u[feature] = c
	}
	return u, rows.Err()
}

// usage reads how often a customer uses each feature.
func (store) usage(ctx context.Context, tx *db.Tx, customerID string) (Usage, error) {
	rows, err := tx.Pgx.Query(ctx, usageSQL, customerID)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	defer rows.Close()
	return scanUsage(rows)
}

const (
	codesSQL = `SELECT replacement, id, sealed, drawn_at, false FROM offer_code WHERE customer_id = $1
		UNION ALL SELECT replacement, '', '', since, true FROM offer_waiting WHERE customer_id = $1 AND served_at IS NULL`
	handOverSQL = `SELECT h.id, h.replacement, h.fields, h.agreed_by, h.agreed_at, h.until, h.redeemed_at FROM hand_over h
		JOIN replacement_choice c ON c.id = h.choice_id AND c.state NOT IN ('undone', 'replaced')
		WHERE h.customer_id = $1 ORDER BY h.agreed_at DESC LIMIT 1`
	ticksSQL = `SELECT t.replacement, t.step, t.contact_id, coalesce(k.name, ''), t.at FROM guide_tick t LEFT JOIN contact k ON k.id = t.contact_id
		WHERE t.customer_id = $1 AND t.done`
	// The customer's own row tells one without anything to show from one that is out of reach.
	reachSQL = `SELECT coalesce((SELECT counted_at IS NULL OR counted_at < asked_at FROM feature_request WHERE customer_id = $1), false)
		FROM customer WHERE id = $1`
)

// overview reads everything about one customer in one round trip.
func (store) overview(ctx context.Context, d *db.DB, scope db.Scope, customerID string) (o Overview, err error) {
	o.Codes, o.Ticks = map[string]Code{}, map[string]map[string]Tick{}
	err = d.Read(ctx, scope, func(b *pgx.Batch) {
		for _, sql := range []string{reachSQL, usageSQL, currentSQL, codesSQL, handOverSQL, ticksSQL} {
			b.Queue(sql, customerID)
		}
	}, func(r pgx.BatchResults) error { return o.read(r) })
	o.CountedAt = o.Usage.AsOf()
	return o, err
}

func (o *Overview) read(r pgx.BatchResults) error {
	switch err := r.QueryRow().Scan(&o.Counting); {
	case errors.Is(err, pgx.ErrNoRows):
		return ErrNotFound
	case err != nil:
		return err
	}
	rows, err := r.Query()
	if err != nil {
		return err
	}
	if o.Usage, err = scanUsage(rows); err != nil {
		return err
	}
	if o.Choice, err = scanChoice(r.QueryRow()); err != nil {
		return err
	}
	if err := o.readCodes(r); err != nil {
		return err
	}
	var h HandOver
	switch err := r.QueryRow().Scan(&h.ID, &h.Replacement, &h.Fields, &h.By, &h.At, &h.Until, &h.RedeemedAt); {
	case err == nil:
		o.HandOver = &h
	case !errors.Is(err, pgx.ErrNoRows):
		return err
	}
	return o.readTicks(r)
}

func (o *Overview) readCodes(r pgx.BatchResults) error {
	rows, err := r.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var c Code
		if err := rows.Scan(&c.Replacement, &c.id, &c.sealed, &c.At, &c.Waiting); err != nil {
			return err
		}
		if _, drawn := o.Codes[c.Replacement]; !drawn || !c.Waiting {
			o.Codes[c.Replacement] = c
		}
	}
	return rows.Err()
}

func (o *Overview) readTicks(r pgx.BatchResults) error {
	rows, err := r.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, step string
		var t Tick
		if err := rows.Scan(&key, &step, &t.By, &t.Name, &t.At); err != nil {
			return err
		}
		if o.Ticks[key] == nil {
			o.Ticks[key] = map[string]Tick{}
		}
		o.Ticks[key][step] = t
	}
	return rows.Err()
}
