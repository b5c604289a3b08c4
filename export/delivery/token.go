package delivery

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"offramp/export"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/internal/secret"
	"offramp/migration"
)

// tokenLife is how long a download token works at most; it ends with its export in any case.
const tokenLife = 72 * time.Hour

// ErrToken is a download token that is unknown, was replaced or revoked, has run out, or whose contact has lost the
// right.
var ErrToken = fault.New(fault.Unauthenticated, "delivery.token_refused")

// Token lets a program download the files of one export on behalf of the contact who made it. The secret itself is
// known only to whoever made it.
type Token struct {
	ID         string
	ExportID   string
	CustomerID string
	ContactID  string
	CreatedAt  time.Time
	ExpiresAt  time.Time
	UsedAt     *time.Time // last
}

// NewToken makes a download token for a ready export, and ends the one before it. The secret is returned this once.
// ErrOwnersOnly, ErrNotFound, ErrNotReady, ErrExpired.
func (d *Service) NewToken(ctx context.Context, who migration.Who, p *migration.Programme, exportID string) (random string, t Token, err error) {
	if !export.May(who, p) {
		return "", Token{}, export.ErrOwnersOnly
	}
	random = secret.Random()
	err = d.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		e, err := export.Lock(ctx, tx, exportID)
		if err != nil {
			return err
		}
		if err := available(e, tx.Now); err != nil {
			return err
		}
		t = Token{ID: rand.Text(), ExportID: e.ID, CustomerID: e.CustomerID, ContactID: who.ContactID, CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(tokenLife)}
		if e.ExpiresAt.Before(t.ExpiresAt) {
			t.ExpiresAt = *e.ExpiresAt
		}
		if _, err := d.tokens.revoke(ctx, tx, e.ID); err != nil {
			return err
		}
		if err := d.tokens.insert(ctx, tx, t, secret.Hash(random)); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: "export.token", Object: subject(e), CustomerID: e.CustomerID,
			Detail: map[string]any{"token": t.ID, "until": t.ExpiresAt},
		})
	})
	if err != nil {
		return "", Token{}, fmt.Errorf("make download token: %w", err)
	}
	return random, t, nil
}

// RevokeToken ends the download token of an export. Where there is none, nothing changes. ErrOwnersOnly, ErrNotFound.
func (d *Service) RevokeToken(ctx context.Context, who migration.Who, p *migration.Programme, exportID string) error {
	if !export.May(who, p) {
		return export.ErrOwnersOnly
	}
	err := d.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		e, err := export.Lock(ctx, tx, exportID)
		if err != nil {
			return err
		}
		ended, err := d.tokens.revoke(ctx, tx, e.ID)
		if err != nil || ended == "" {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: "export.token_revoke", Object: subject(e), CustomerID: e.CustomerID,
			Detail: map[string]any{"token": ended},
		})
	})
	if err != nil {
		return fmt.Errorf("revoke download token: %w", err)
	}
	return nil
}

// Token returns the download token of an export that works now; nil when there is none.
func (d *Service) Token(ctx context.Context, who migration.Who, exportID string) (*Token, error) {
	return d.tokens.find(ctx, db.CustomerScope(who.CustomerID), exportID, d.db.Clock.Now())
}

// Bearer returns on whose behalf a program that shows this secret downloads the export. Whether that contact may still
// do so is looked up each time; Service.Link then decides about the export itself. ErrToken, or ErrNotFound for another
// export.
func (d *Service) Bearer(ctx context.Context, exportID, random string) (migration.Who, error) {
	hash := secret.Hash(random)
	t, err := d.tokens.open(ctx, hash, d.db.Clock.Now())
	if err != nil {
		return migration.Who{}, err
	}
	if t.ExportID != exportID {
		return migration.Who{}, export.ErrNotFound
	}
	who := migration.Who{CustomerID: t.CustomerID, ContactID: t.ContactID}
	err = d.db.InTx(ctx, db.CustomerScope(t.CustomerID), func(tx *db.Tx) (err error) {
		if who.Role, err = d.tokens.role(ctx, tx, t.ContactID); err != nil {
			return err
		}
		return d.tokens.touch(ctx, tx, t.ID)
	})
	return who, err
}

// available refuses an export that cannot be downloaded at now.
func available(e export.Export, now time.Time) error {
	switch {
	case e.State == export.Expired, e.State == export.Ready && !e.Downloadable(now):
		return export.ErrExpired
	case e.State != export.Ready:
		return export.ErrNotReady
	}
	return nil
}
