package export

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/secret"
	"offramp/migration"
)

// Start asks for a copy of a ready export into the customer's bucket. The bucket is checked by a worker before anything is
// copied; what was asked for while the export could be downloaded is completed. ErrOwnersOnly, ErrNotFound, ErrNotReady,
// ErrExpired, ErrTarget with the fields to mend, ErrOtherTarget while another copy is made.
func (d *Deliveries) Start(ctx context.Context, who migration.Who, p *migration.Programme, exportID string, t Target) (Delivery, error) {
	if !May(who, p) {
		return Delivery{}, ErrOwnersOnly
	}
	t, err := d.checkTarget(t)
	if err != nil {
		return Delivery{}, err
	}
	next := Delivery{ID: rand.Text(), ExportID: exportID, CustomerID: who.CustomerID, RequestedBy: who.ContactID, State: DeliveryWaiting, Target: t}
	if t.SecretKey != "" {
		next.sealed = d.box.Seal(t.SecretKey, next.ID)
		next.Target.SecretKey = ""
	}
	err = d.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		e, err := d.store.lock(ctx, tx, exportID)
		if err != nil {
			return err
		}
		if err := available(e, tx.Now); err != nil {
			return err
		}
		if _, err := d.rows.live(ctx, tx, exportID); !errors.Is(err, ErrNoDelivery) {
			return errors.Join(err, ErrOtherTarget)
		}
		if err := d.mayAsk(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		next.RequestedAt, next.BytesTotal = tx.Now, e.ObjectSize
		if err := d.rows.insert(ctx, tx, next); err != nil {
			return err
		}
		if _, err := d.queue.InsertTx(ctx, tx, DeliverArgs{DeliveryID: next.ID, CustomerID: next.CustomerID}, nil); err != nil {
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
	return publicDelivery(next), nil
}

// mayAsk bounds how often one customer can have us try addresses.
func (d *Deliveries) mayAsk(ctx context.Context, tx *db.Tx, customerID string) error {
	if d.opts.Daily == 0 {
		return nil
	}
	asked, err := d.rows.countSince(ctx, tx, customerID, tx.Now.Add(-24*time.Hour))
	if err != nil || asked < d.opts.Daily {
		return err
	}
	return ErrCopies.With(map[string]any{"Limit": d.opts.Daily})
}

// Latest returns the copy of an export that was asked for last. ErrNoDelivery when none was.
func (d *Deliveries) Latest(ctx context.Context, who migration.Who, exportID string) (Delivery, error) {
	last, err := d.rows.latest(ctx, db.CustomerScope(who.CustomerID), exportID)
	return publicDelivery(last), err
}

// Cancel ends the copy of an export that is waiting or under way; what lies in the customer's bucket stays there. Cancelling
// where there is none changes nothing. ErrOwnersOnly, ErrNotFound.
func (d *Deliveries) Cancel(ctx context.Context, who migration.Who, p *migration.Programme, exportID string) error {
	if !May(who, p) {
		return ErrOwnersOnly
	}
	err := d.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		e, err := d.store.lock(ctx, tx, exportID)
		if err != nil {
			return err
		}
		was, err := d.rows.live(ctx, tx, exportID)
		if errors.Is(err, ErrNoDelivery) {
			return nil
		}
		if err != nil {
			return err
		}
		next, err := was.end(DeliveryCancelled, tx.Now, obstacle{})
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
func (d *Deliveries) Principal() string { return d.opts.Principal }

// ExternalID is what a customer's role has to ask us for, so that we cannot be talked into using it for another customer.
// It is the same each time, and nobody can tell it without the installation's secret.
func (d *Deliveries) ExternalID(customerID string) string {
	return externalID(d.opts.Secret, customerID)
}

func externalID(master []byte, customerID string) string {
	mac := hmac.New(sha256.New, secret.Derive(master, "external id"))
	mac.Write([]byte(customerID))
	return "offramp-" + hex.EncodeToString(mac.Sum(nil)[:16])
}

// publicDelivery takes away what customers do not read.
func publicDelivery(d Delivery) Delivery {
	d.Cause, d.sealed = "", ""
	return d
}
