package migration

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/internal/outbox"
)

// store is the only place that knows the journey's and the customers' tables.
type store struct {
	db *db.DB
}

const journeyColumns = `version, dates, export, choose, settle, confirm, detail, progress, updated_at`

// journey reads the folded row in one round trip with its scope: the hot path of the plan page.
func (s store) journey(ctx context.Context, scope db.Scope, customerID string) (Journey, error) {
	var j Journey
	err := s.db.Read(ctx, scope,
		func(b *pgx.Batch) {
			b.Queue(`SELECT `+journeyColumns+` FROM journey WHERE customer_id = $1`, customerID)
		},
		func(r pgx.BatchResults) (err error) {
			j, err = scanJourney(r.QueryRow(), customerID)
			return err
		})
	return j, err
}

// lockJourney reads the row for update. A customer without a journey yet has version 0.
func (s store) lockJourney(ctx context.Context, tx *db.Tx, customerID string) (Journey, error) {
	j, err := scanJourney(tx.Pgx.QueryRow(ctx, `SELECT `+journeyColumns+` FROM journey WHERE customer_id = $1 FOR UPDATE`, customerID), customerID)
	if errors.Is(err, ErrUnknownCustomer) {
		return Journey{CustomerID: customerID}, nil
	}
	return j, err
}

func scanJourney(row pgx.Row, customerID string) (Journey, error) {
	j := Journey{CustomerID: customerID, Status: make(map[Step]Status, len(Steps))}
	var statuses [len(Steps)]Status
	var detail, progress []byte
	err := row.Scan(&j.Version, &statuses[0], &statuses[1], &statuses[2], &statuses[3], &statuses[4], &detail, &progress, &j.UpdatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Journey{}, ErrUnknownCustomer
	}
	if err != nil {
		return Journey{}, fmt.Errorf("read journey of %s: %w", customerID, err)
	}
	for i, step := range Steps {
		j.Status[step] = statuses[i]
	}
	if err := json.Unmarshal(detail, &j.Detail); err != nil {
		return Journey{}, fmt.Errorf("read journey of %s: %w", customerID, err)
	}
	if len(progress) > 0 {
		if err := json.Unmarshal(progress, &j.Progress); err != nil {
			return Journey{}, fmt.Errorf("read progress of %s: %w", customerID, err)
		}
	}
	return j, nil
}

// lockTold reads the row for update, and the customer's number, in one round trip. ErrUnknownCustomer.
func (s store) lockTold(ctx context.Context, tx *db.Tx, customerID string) (j Journey, ref string, err error) {
	b := &pgx.Batch{}
	b.Queue(`SELECT `+journeyColumns+` FROM journey WHERE customer_id = $1 FOR UPDATE`, customerID)
	b.Queue(`SELECT ref FROM customer WHERE id = $1`, customerID)
	results := tx.Pgx.SendBatch(ctx, b)
	defer func() { err = cmp.Or(err, results.Close()) }()
	j, err = scanJourney(results.QueryRow(), customerID)
	if errors.Is(err, ErrUnknownCustomer) {
		j, err = Journey{CustomerID: customerID}, nil
	}
	if err != nil {
		return j, "", err
	}
	err = results.QueryRow().Scan(&ref)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrUnknownCustomer
	}
	return j, ref, err
}

// appendEvent writes the event, the row that it leads to, and what is told to other systems, in one round trip. Two writers of
// one version meet on the primary key.
func (s store) appendEvent(ctx context.Context, tx *db.Tx, next Journey, e Event, told outbox.Event) (err error) {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("append %s: %w", e.Kind, err)
	}
	detail, err := json.Marshal(next.Detail)
	if err != nil {
		return fmt.Errorf("append %s: %w", e.Kind, err)
	}
	b := &pgx.Batch{}
	b.Queue(`INSERT INTO journey_event (customer_id, version, kind, actor, at, data) VALUES ($1, $2, $3, $4, $5, $6)`,
		next.CustomerID, next.Version, string(e.Kind), e.Actor, e.At, string(data))
	// The progress of an export that the event did not touch stays.
	const row = `INSERT INTO journey (customer_id, version, dates, export, choose, settle, confirm, detail, progress, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, $9)
		ON CONFLICT (customer_id) DO UPDATE SET version = excluded.version, dates = excluded.dates, export = excluded.export,
			choose = excluded.choose, settle = excluded.settle, confirm = excluded.confirm, detail = excluded.detail,
			progress = CASE WHEN $10 THEN journey.progress END, updated_at = excluded.updated_at
		WHERE journey.version = excluded.version - 1`
	b.Queue(row, next.CustomerID, next.Version, string(next.Status[StepDates]), string(next.Status[StepExport]),
		string(next.Status[StepChoose]), string(next.Status[StepSettle]), string(next.Status[StepConfirm]), string(detail), next.UpdatedAt, next.Progress != nil)
	if err := outbox.Queue(b, tx, told); err != nil {
		return err
	}
	results := tx.Pgx.SendBatch(ctx, b)
	defer func() { err = cmp.Or(err, results.Close()) }()
	if _, err := results.Exec(); err != nil {
		if db.IsUnique(err, "journey_event_pkey") {
			return ErrJourneyMoved.Wrap(err)
		}
		return fmt.Errorf("append %s: %w", e.Kind, err)
	}
	tag, err := results.Exec()
	if err != nil {
		return fmt.Errorf("fold %s: %w", e.Kind, err)
	}
	if tag.RowsAffected() == 0 {
		return ErrJourneyMoved
	}
	if _, err := results.Exec(); err != nil {
		return fmt.Errorf("append %s for %s: %w", told.Type, told.CustomerID, err)
	}
	return nil
}

// setProgress shows how far the customer's running export is. Progress is no event and moves no version.
func (s store) setProgress(ctx context.Context, tx *db.Tx, customerID string, p Progress) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	const sql = `UPDATE journey SET progress = $2 WHERE customer_id = $1 AND detail->'export'->>'id' = $3`
	_, err = tx.Pgx.Exec(ctx, sql, customerID, string(data), p.ExportID)
	return err
}

func (s store) events(ctx context.Context, scope db.Scope, customerID string) ([]Event, error) {
	var events []Event
	err := s.db.Read(ctx, scope,
		func(b *pgx.Batch) {
			b.Queue(`SELECT data FROM journey_event WHERE customer_id = $1 ORDER BY version DESC`, customerID)
		},
		func(r pgx.BatchResults) error {
			rows, err := r.Query()
			if err != nil {
				return err
			}
			events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Event, err error) {
				var data []byte
				if err = row.Scan(&data); err == nil {
					err = json.Unmarshal(data, &e)
				}
				return e, err
			})
			return err
		})
	return events, err
}

type customerRow struct {
	ID, Ref, Name, Tier, Locale, Zone, State string
	Attributes, Extensions                   []byte
}

const customerSQL = `
	SELECT id, ref, name, tier, locale, zone, state, attributes,
	       (SELECT coalesce(jsonb_object_agg(milestone, day), '{}') FROM extension e WHERE e.customer_id = c.id) AS extensions
	  FROM customer c WHERE id = ?`

func (s store) customer(tx *db.Tx, id string) (Customer, error) {
	var row customerRow
	err := tx.Gorm.Raw(customerSQL, id).Row().Scan(&row.ID, &row.Ref, &row.Name, &row.Tier, &row.Locale, &row.Zone, &row.State, &row.Attributes, &row.Extensions)
	if errors.Is(err, sql.ErrNoRows) {
		return Customer{}, ErrUnknownCustomer
	}
	if err != nil {
		return Customer{}, fmt.Errorf("read customer %s: %w", id, err)
	}
	return row.customer()
}

func (r customerRow) customer() (Customer, error) {
	c := Customer{ID: r.ID, Ref: r.Ref, Name: r.Name, Tier: r.Tier, Locale: r.Locale, Zone: r.Zone, State: r.State}
	if err := json.Unmarshal(r.Attributes, &c.Attributes); err != nil {
		return Customer{}, fmt.Errorf("read attributes of %s: %w", r.ID, err)
	}
	if err := json.Unmarshal(r.Extensions, &c.Extensions); err != nil {
		return Customer{}, fmt.Errorf("read extensions of %s: %w", r.ID, err)
	}
	return c, nil
}

// contacts lists a customer's contacts, owners first.
func (s store) contacts(tx *db.Tx, customerID string) ([]Contact, error) {
	var contacts []Contact
	err := tx.Gorm.Raw(`SELECT id, customer_id, email, name, role, locale, zone, state FROM contact
		WHERE customer_id = ? AND joined_to IS NULL ORDER BY role = 'owner' DESC, name, id`, customerID).Scan(&contacts).Error
	if err != nil {
		return nil, fmt.Errorf("read contacts of %s: %w", customerID, err)
	}
	return contacts, nil
}

// extend stores a later day.
func (s store) extend(ctx context.Context, tx *db.Tx, g Grant) error {
	const sql = `INSERT INTO extension (customer_id, milestone, day, reason, granted_by, granted_at) VALUES ($1, $2, $3::date, $4, $5, $6)
		ON CONFLICT (customer_id, milestone) DO UPDATE SET day = excluded.day, reason = excluded.reason,
			granted_by = excluded.granted_by, granted_at = excluded.granted_at`
	if _, err := tx.Pgx.Exec(ctx, sql, g.CustomerID, g.Milestone, g.Day.String(), g.Reason, g.Actor, tx.Now); err != nil {
		return fmt.Errorf("extend %s of %s: %w", g.Milestone, g.CustomerID, err)
	}
	return nil
}
