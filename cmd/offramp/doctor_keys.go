package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
	"offramp/internal/secret"
)

// checkKeys has a data key made and unwrapped, as sealing and opening bank details does. Nothing is kept.
func (p *parts) checkKeys(ctx context.Context) (string, error) {
	m := p.config.KMS
	if !m.Given() {
		return ": by OFFRAMP_WEB_SECRET_KEY", p.checkSealed(ctx)
	}
	vault, err := p.vault(ctx)
	if err != nil {
		return "", &trouble{what: "no credentials for the key management service were found", mend: "set OFFRAMP_KMS_ACCESS_KEY and OFFRAMP_KMS_SECRET_KEY, or give this machine a role", cause: err}
	}
	if m.Key == "" {
		return fmt.Sprintf(": by OFFRAMP_WEB_SECRET_KEY; %d earlier keys only open", len(m.OldKeys)), p.checkSealed(ctx)
	}
	switch err := vault.Check(ctx); {
	case errors.Is(err, secret.ErrOpen):
		return "", &trouble{what: "the key management service does not give back what it wrapped", mend: "look at OFFRAMP_KMS_ENDPOINT: what answers there keeps no keys", cause: err}
	case err != nil:
		return "", &trouble{
			what:  "the key management service does not wrap and unwrap keys for us, so customers cannot give bank details and no bank file is made",
			mend:  "correct OFFRAMP_KMS_KEY, _REGION and _ENDPOINT; the key must be enabled and grant kms:GenerateDataKey and kms:Decrypt",
			cause: err,
		}
	}
	return ": " + m.Key, p.checkSealed(ctx)
}

// checkSealed seals something and opens it, and opens the account that a customer gave first and last: what a wrong
// OFFRAMP_WEB_SECRET_KEY could not. What it reads it forgets.
func (p *parts) checkSealed(ctx context.Context) error {
	vault, err := p.vault(ctx)
	if err != nil {
		return err
	}
	envelope, err := vault.Seal(ctx, "doctor", "doctor")
	if err != nil {
		return err
	}
	if plain, err := vault.Open(ctx, envelope, "doctor"); err != nil || plain != "doctor" {
		return errors.New("what was just sealed does not open")
	}
	if p.db == nil {
		return nil
	}
	return p.db.InTx(ctx, db.SystemScope("doctor"), func(tx *db.Tx) error {
		const sql = `(SELECT customer_id, account FROM refund WHERE account <> '' ORDER BY requested_at LIMIT 1)
			UNION (SELECT customer_id, account FROM refund WHERE account <> '' ORDER BY requested_at DESC LIMIT 1)`
		rows, err := tx.Pgx.Query(ctx, sql)
		if err != nil {
			return err
		}
		var customer, sealed string
		_, err = pgx.ForEachRow(rows, []any{&customer, &sealed}, func() error {
			if _, err := vault.Open(ctx, sealed, customer); err != nil {
				return &trouble{
					what: "bank details that customers gave cannot be opened with these keys, so no bank file is made", cause: err,
					mend: "set OFFRAMP_WEB_SECRET_KEY to what it was, or add that to OFFRAMP_WEB_OLD_SECRET_KEYS",
				}
			}
			return nil
		})
		return err
	})
}
