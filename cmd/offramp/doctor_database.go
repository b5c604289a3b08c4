package main

import (
	"context"
	"errors"
	"fmt"

	"offramp/internal/db"
)

// errTakenBack ends a transaction that was for looking only.
var errTakenBack = errors.New("taken back")

// checkRows writes an entry of the audit log for a customer that does not exist, looks for it under other scopes, where
// it must not be seen, and takes it back.
func (p *parts) checkRows(ctx context.Context) (string, error) {
	var free bool
	if err := p.db.Pool.QueryRow(ctx, `SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user`).Scan(&free); err != nil {
		return "", err
	}
	if free {
		return "", &unproved{"not tried, the role is bound by nothing"}
	}
	const customer = "offramp doctor"
	seen := map[string]int{}
	err := p.db.InTx(ctx, db.SystemScope("doctor"), func(tx *db.Tx) error {
		const write = `INSERT INTO audit (at, actor, actor_kind, act, object, customer_id, detail)
			VALUES (now(), 'portal', 'system', 'doctor', 'doctor', $1, '{}')`
		if _, err := tx.Pgx.Exec(ctx, write, customer); err != nil {
			return err
		}
		for who, scope := range map[string]db.Scope{"own": db.CustomerScope(customer), "other": db.CustomerScope("somebody else"), "nobody": db.NoScope()} {
			if _, err := tx.Pgx.Exec(ctx, db.SetSQL, scope.Args()...); err != nil {
				return err
			}
			var n int
			if err := tx.Pgx.QueryRow(ctx, `SELECT count(*) FROM audit WHERE customer_id = $1`, customer).Scan(&n); err != nil {
				return err
			}
			seen[who] = n
		}
		return errTakenBack
	})
	switch {
	case !errors.Is(err, errTakenBack):
		return "", err
	case seen["other"] != 0 || seen["nobody"] != 0:
		return "", errors.New("row-level security does not protect customers from each other: a row of one was seen by another")
	case seen["own"] != 1:
		return "", fmt.Errorf("a customer sees %d of their own one row", seen["own"])
	}
	return ": kept from each other", nil
}

// checkDatabase has the database count, fold and sort what customers write, and tells what a session may do.
func (p *parts) checkDatabase(ctx context.Context) (string, error) {
	var version, length int
	var encoding, locale, isolated string
	var replica bool
	err := p.db.Pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, char_length('数据🙂'), getdatabaseencoding(),
		d.datctype, pg_is_in_recovery(), current_setting('default_transaction_isolation')
		FROM pg_database d WHERE datname = current_database()`).
		Scan(&version, &length, &encoding, &locale, &replica, &isolated)
	switch {
	case err != nil:
		return "", err
	case length != 3:
		return "", &trouble{
			what: fmt.Sprintf("the database counts %d characters where there are 3: its encoding is %s", length, encoding),
			mend: "create it with ENCODING 'UTF8' and load what is in it there",
		}
	case version < 150000:
		return "", &trouble{what: fmt.Sprintf("PostgreSQL %d is too old", version/10000), mend: "upgrade it to 15 or later"}
	case replica:
		return "", &trouble{what: "it is a standby, which nothing can be written to", mend: "name the primary server in OFFRAMP_DATABASE_URL"}
	case isolated != "read committed":
		return "", &trouble{
			what: "transactions are " + isolated + " by default, with which many of ours would be refused",
			mend: "ALTER ROLE ... SET default_transaction_isolation = 'read committed', and the same for the database",
		}
	}
	return fmt.Sprintf(": PostgreSQL %d, %s, %s", version/10000, encoding, locale), nil
}

// checkLetters has the database fold capital letters beyond A to Z, as search does. One that cannot is wrong as soon as
// a customer or contact has such a letter in the name: until then it makes no difference.
func (p *parts) checkLetters(ctx context.Context) (string, error) {
	var folds bool
	var names int
	err := p.db.InTx(ctx, db.SystemScope("doctor"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(ctx, `SELECT lower('ÉŞЯ') = 'éşя', (SELECT count(*) FROM customer WHERE name ~ $1) + (SELECT count(*) FROM contact WHERE name ~ $1)`,
			`[À-ÖØ-öø-ʯͰ-ϿЀ-ԯԱ-ֆḀ-ỿ]`).Scan(&folds, &names)
	})
	const away = "dump the database, create it anew with LC_CTYPE 'C.UTF-8' or a language's, and load the dump there (docs/runbook/backup.md)"
	switch {
	case err != nil:
		return "", err
	case folds:
		return ": É and é are one letter to search", nil
	case names > 0:
		return "", &trouble{what: fmt.Sprintf("search tells É from é, so that it does not find %d names as people type them (LC_CTYPE C)", names), mend: away}
	}
	return "", &unproved{"search tells É from é (LC_CTYPE C), and no name has such a letter yet; " + away}
}
