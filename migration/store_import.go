package migration

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// importStore writes customers and contacts by the thousand. It sends arrays rather than COPY, which PostgreSQL does not
// allow into tables with row-level security.
type importStore struct{}

// turnKey names the advisory lock that lets imports run one after another.
const turnKey = 0x696d706f7274

func (importStore) takeTurn(ctx context.Context, tx *db.Tx) error {
	if _, err := tx.Pgx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, turnKey); err != nil {
		return fmt.Errorf("wait for another import: %w", err)
	}
	return nil
}

// customers reads and locks those that exist, by ref.
func (importStore) customers(ctx context.Context, tx *db.Tx, refs []string) (map[string]*storedCustomer, error) {
	const sql = `SELECT id, ref, name, tier, locale, zone, state, attributes,
		(SELECT coalesce(jsonb_object_agg(milestone, day), '{}') FROM extension e WHERE e.customer_id = c.id),
		(SELECT coalesce(jsonb_agg(jsonb_build_object('ID', k.id, 'CustomerID', k.customer_id, 'Email', k.email, 'Name', k.name, 'Role', k.role)), '[]')
		   FROM contact k WHERE k.customer_id = c.id),
		(SELECT coalesce(jsonb_object_agg(n.contact_id, jsonb_build_object('Number', n.number, 'Own', n.origin = 'person', 'Given', n.consent_at IS NOT NULL,
		        'Refused', n.withdrawn_at IS NOT NULL)), '{}') FROM contact_phone n WHERE n.customer_id = c.id)
		FROM customer c WHERE ref = ANY($1) ORDER BY id FOR UPDATE`
	rows, err := tx.Pgx.Query(ctx, sql, refs)
	if err != nil {
		return nil, fmt.Errorf("read customers: %w", err)
	}
	defer rows.Close()
	found := make(map[string]*storedCustomer, len(refs))
	for rows.Next() {
		var c storedCustomer
		var contacts []Contact
		if err := rows.Scan(&c.ID, &c.Ref, &c.Name, &c.Tier, &c.Locale, &c.Zone, &c.State, &c.Attributes, &c.Extensions, &contacts, &c.Phones); err != nil {
			return nil, fmt.Errorf("read customers: %w", err)
		}
		c.Contacts = make(map[string]Contact, len(contacts))
		for _, k := range contacts {
			c.Contacts[foldEmail(k.Email)] = k
		}
		found[c.Ref] = &c
	}
	return found, rows.Err()
}

// erased returns which of these numbers customers had who were erased. Where nobody was, it costs one look.
func (importStore) erased(ctx context.Context, tx *db.Tx, refs []string) (map[string]bool, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT r FROM unnest($1::text[]) r WHERE EXISTS (SELECT FROM erasure_order) AND erasure_known(r)`, refs)
	if err != nil {
		return nil, fmt.Errorf("look for erased customers: %w", err)
	}
	gone := map[string]bool{}
	var ref string
	_, err = pgx.ForEachRow(rows, []any{&ref}, func() error { gone[ref] = true; return nil })
	return gone, err
}

// refs returns which of these numbers customers have.
func (importStore) refs(ctx context.Context, tx *db.Tx, refs []string) (map[string]bool, error) {
	rows, err := tx.Pgx.Query(ctx, `SELECT ref FROM customer WHERE ref = ANY($1)`, refs)
	if err != nil {
		return nil, fmt.Errorf("read customers' numbers: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read customers' numbers: %w", err)
	}
	known := make(map[string]bool, len(list))
	for _, ref := range list {
		known[ref] = true
	}
	return known, nil
}

// write stores a chunk's changes. What another transaction stored meanwhile under the same keys is a conflict.
func (s importStore) write(ctx context.Context, tx *db.Tx, c importChanges, by string) error {
	err := s.writeCustomers(ctx, tx, c)
	if err == nil {
		err = s.writeContacts(ctx, tx, c)
	}
	if err == nil {
		err = s.writePhones(ctx, tx, c.phones, by)
	}
	if err == nil {
		err = s.writeExtensions(ctx, tx, c.extensions, by)
	}
	for _, key := range []string{"customer_ref_key", "contact_email"} {
		if db.IsUnique(err, key) {
			return ErrImportCrossed.Wrap(err)
		}
	}
	return err
}

func (s importStore) writeCustomers(ctx context.Context, tx *db.Tx, c importChanges) error {
	const insert = `INSERT INTO customer (id, ref, name, tier, locale, zone, state, attributes, imported_at, updated_at)
		SELECT id, ref, name, tier, locale, zone, state, attributes::jsonb, $9, $9
		  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
		       AS c (id, ref, name, tier, locale, zone, state, attributes)`
	const update = `UPDATE customer SET ref = c.ref, name = c.name, tier = c.tier, locale = c.locale, zone = c.zone, state = c.state,
		       attributes = c.attributes::jsonb, updated_at = $9
		  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
		       AS c (id, ref, name, tier, locale, zone, state, attributes)
		 WHERE customer.id = c.id`
	for _, step := range []struct {
		sql  string
		rows []Customer
	}{{insert, c.newCustomers}, {update, c.customers}} {
		if len(step.rows) == 0 {
			continue
		}
		var f [8][]string
		for _, c := range step.rows {
			attributes, err := json.Marshal(c.Attributes)
			if err != nil {
				return fmt.Errorf("store customers: %w", err)
			}
			for i, v := range [8]string{c.ID, c.Ref, c.Name, c.Tier, c.Locale, c.Zone, c.State, string(attributes)} {
				f[i] = append(f[i], v)
			}
		}
		if _, err := tx.Pgx.Exec(ctx, step.sql, f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7], tx.Now); err != nil {
			return fmt.Errorf("store customers: %w", err)
		}
	}
	return nil
}

func (s importStore) writeContacts(ctx context.Context, tx *db.Tx, c importChanges) error {
	const insert = `INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at)
		SELECT id, customer_id, email, name, role, $6, $6
		  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS c (id, customer_id, email, name, role)`
	const update = `UPDATE contact SET name = c.name, role = c.role, updated_at = $6
		  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS c (id, customer_id, email, name, role)
		 WHERE contact.id = c.id AND contact.customer_id = c.customer_id`
	for _, step := range []struct {
		sql  string
		rows []Contact
	}{{insert, c.newContacts}, {update, c.contacts}} {
		if len(step.rows) == 0 {
			continue
		}
		var f [5][]string
		for _, c := range step.rows {
			for i, v := range [5]string{c.ID, c.CustomerID, c.Email, c.Name, c.Role} {
				f[i] = append(f[i], v)
			}
		}
		if _, err := tx.Pgx.Exec(ctx, step.sql, f[0], f[1], f[2], f[3], f[4], tx.Now); err != nil {
			return fmt.Errorf("store contacts: %w", err)
		}
	}
	return nil
}

// writePhones stores numbers, and each consent with the day that the import states. A number that is another than before has none of
// the consent of that.
func (s importStore) writePhones(ctx context.Context, tx *db.Tx, list []importedPhone, by string) error {
	if len(list) == 0 {
		return nil
	}
	var f [4][]string
	for _, p := range list {
		consent := ""
		if !p.Consent.IsZero() {
			consent = p.Consent.String()
		}
		for i, v := range [4]string{p.ContactID, p.CustomerID, p.Number, consent} {
			f[i] = append(f[i], v)
		}
	}
	const from = ` FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS p (contact_id, customer_id, number, consent)`
	const sql = `INSERT INTO contact_phone AS n (contact_id, customer_id, number, origin, consent_at, changed_at)
		SELECT contact_id, customer_id, number, 'import', nullif(consent, '')::date, $5` + from + `
		ON CONFLICT (contact_id) DO UPDATE
		   SET number = excluded.number, consent_at = excluded.consent_at,
		       origin = CASE n.number WHEN excluded.number THEN n.origin ELSE 'import' END,
		       confirmed_at = CASE n.number WHEN excluded.number THEN n.confirmed_at END,
		       withdrawn_at = CASE n.number WHEN excluded.number THEN n.withdrawn_at END,
		       blocked_at = CASE n.number WHEN excluded.number THEN n.blocked_at END,
		       blocked_for = CASE n.number WHEN excluded.number THEN n.blocked_for ELSE '' END,
		       changed_at = CASE n.number WHEN excluded.number THEN n.changed_at ELSE excluded.changed_at END`
	if _, err := tx.Pgx.Exec(ctx, sql, f[0], f[1], f[2], f[3], tx.Now); err != nil {
		return fmt.Errorf("store phone numbers: %w", err)
	}
	const consent = `INSERT INTO sms_consent (customer_id, contact_id, number, act, way, by, at)
		SELECT customer_id, contact_id, notice_address(number), 'given', 'import', $5, consent::date` + from + ` WHERE consent <> ''`
	if _, err := tx.Pgx.Exec(ctx, consent, f[0], f[1], f[2], f[3], by); err != nil {
		return fmt.Errorf("keep consents: %w", err)
	}
	return nil
}

func (s importStore) writeExtensions(ctx context.Context, tx *db.Tx, days []grantedDay, by string) error {
	if len(days) == 0 {
		return nil
	}
	var ids, milestones, values []string
	for _, d := range days {
		ids, milestones, values = append(ids, d.CustomerID), append(milestones, d.Milestone), append(values, d.Day.String())
	}
	const sql = `INSERT INTO extension (customer_id, milestone, day, granted_by, granted_at)
		SELECT customer_id, milestone, day::date, $4, $5 FROM unnest($1::text[], $2::text[], $3::text[]) AS e (customer_id, milestone, day)
		ON CONFLICT (customer_id, milestone) DO UPDATE SET day = excluded.day, reason = '', granted_by = excluded.granted_by, granted_at = excluded.granted_at`
	if _, err := tx.Pgx.Exec(ctx, sql, ids, milestones, values, by, tx.Now); err != nil {
		return fmt.Errorf("store extensions: %w", err)
	}
	return nil
}
