package delivery

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"offramp/export"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/secret"
	"offramp/migration"
)

// Start asks for a copy of a ready export into the customer's bucket. The bucket is checked by a worker before anything
// is copied; what was asked for while the export could be downloaded is completed. ErrOwnersOnly, ErrNotFound,
// ErrNotReady, ErrExpired, ErrTarget with the fields to mend, ErrOtherLive while another copy is made.
func (d *Service) Start(ctx context.Context, who migration.Who, p *migration.Programme, exportID string, t Target) (Delivery, error) {
	if !export.May(who, p) {
		return Delivery{}, export.ErrOwnersOnly
	}
	t, err := d.checkTarget(t)
	if err != nil {
		return Delivery{}, err
	}
	next := Delivery{ID: rand.Text(), ExportID: exportID, CustomerID: who.CustomerID, RequestedBy: who.ContactID, State: Waiting, Target: t}
	if t.SecretKey != "" {
		next.sealed = d.box.Seal(t.SecretKey, next.ID)
		next.Target.SecretKey = ""
	}
	err = d.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		e, err := export.Lock(ctx, tx, exportID)
		if err != nil {
			return err
		}
		if err := available(e, tx.Now); err != nil {
			return err
		}
		if _, err := d.rows.live(ctx, tx, exportID); !errors.Is(err, ErrNotFound) {
			return errors.Join(err, ErrOtherLive)
		}
		if err := d.mayAsk(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		next.RequestedAt, next.BytesTotal = tx.Now, e.ObjectSize
		if err := d.rows.insert(ctx, tx, next); err != nil {
			return err
		}
		if _, err := d.queue.InsertTx(ctx, tx, Args{DeliveryID: next.ID, CustomerID: next.CustomerID}, nil); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: "export.deliver", Object: subject(e), CustomerID: e.CustomerID,
			Detail: map[string]any{"delivery": next.ID, "endpoint": t.Endpoint, "bucket": t.Bucket, "prefix": t.Prefix, "by_role": t.Role != ""},
		})
	})
	if err != nil {
		return Delivery{}, fmt.Errorf("deliver export: %w", err)
	}
	return public(next), nil
}

// mayAsk bounds how often one customer can have us try addresses.
func (d *Service) mayAsk(ctx context.Context, tx *db.Tx, customerID string) error {
	if d.opts.Daily == 0 {
		return nil
	}
	asked, err := d.rows.countSince(ctx, tx, customerID, tx.Now.Add(-24*time.Hour))
	if err != nil || asked < d.opts.Daily {
		return err
	}
	return ErrLimited.With(map[string]any{"Limit": d.opts.Daily})
}

// Latest returns the copy of an export that was asked for last. ErrNotFound when none was.
func (d *Service) Latest(ctx context.Context, who migration.Who, exportID string) (Delivery, error) {
	last, err := d.rows.latest(ctx, db.CustomerScope(who.CustomerID), exportID)
	return public(last), err
}

// Cancel ends the copy of an export that is waiting or under way; what lies in the customer's bucket stays there.
// Cancelling where there is none changes nothing. ErrOwnersOnly, ErrNotFound.
func (d *Service) Cancel(ctx context.Context, who migration.Who, p *migration.Programme, exportID string) error {
	if !export.May(who, p) {
		return export.ErrOwnersOnly
	}
	err := d.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		e, err := export.Lock(ctx, tx, exportID)
		if err != nil {
			return err
		}
		was, err := d.rows.live(ctx, tx, exportID)
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		next, err := was.end(Cancelled, tx.Now, obstacle{})
		if err != nil {
			return err
		}
		if err := d.rows.save(ctx, tx, was, next); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: "export.deliver_cancel", Object: subject(e), CustomerID: e.CustomerID,
			Detail: map[string]any{"delivery": was.ID},
		})
	})
	if err != nil {
		return fmt.Errorf("cancel delivery: %w", err)
	}
	return nil
}

// Principal is the AWS identity that takes on customers' roles; empty: roles are not offered.
func (d *Service) Principal() string { return d.opts.Principal }

// ExternalID is what a customer's role has to ask us for, so that we cannot be talked into using it for another
// customer. It is the same each time, and nobody can tell it without the installation's secret.
func (d *Service) ExternalID(customerID string) string {
	return externalID(d.opts.Secret, customerID)
}

func externalID(master []byte, customerID string) string {
	mac := hmac.New(sha256.New, secret.Derive(master, "external id"))
	mac.Write([]byte(customerID))
	return "offramp-" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// public takes away what customers do not read.
func public(d Delivery) Delivery {
	d.Cause, d.sealed = "", ""
	return d
}
