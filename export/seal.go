package export

import (
	"context"
	"fmt"
	"time"

	"offramp/export/archive"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// seal makes a volume final, if this is still its try, and with the last one the export ready, with everything that
// follows from it.
func (b *builder) seal(ctx context.Context, a *attempt, w *work, s filled) (last bool, err error) {
	err = b.DB.InTx(ctx, db.CustomerScope(a.CustomerID), func(tx *db.Tx) error {
		last = false
		was, err := b.store.lock(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		if was.Attempt != a.Attempt || was.State != Running {
			return errFenced
		}
		if last, err = b.sealIn(ctx, tx, a, w, s, was); err != nil || last {
			return err
		}
		return b.recover(ctx, tx, was)
	})
	if err != nil {
		return false, fmt.Errorf("seal volume %d of %s: %w", w.number, a.Reference(), err)
	}
	b.at("sealed")
	sealedBytes.Add(float64(s.proof.Size))
	volumesSealed.Inc()
	_, _, all := w.ledger.counts()
	rawBytes.Add(float64(all.Bytes))
	return last, nil
}

// sealIn seals a volume within tx, and the export with the last one.
func (b *builder) sealIn(ctx context.Context, tx *db.Tx, a *attempt, w *work, s filled, was Export) (last bool, err error) {
	if !a.several() {
		b.at("sealing")
		only := []sealedVolume{{
			number: w.number, size: s.proof.Size, sha256: s.proof.SHA256, receipt: s.receipt, innerSize: s.locked.InnerSize, innerSHA256: s.locked.InnerSHA256,
		}}
		next, err := b.wholeOf(tx, a, was, only)
		if err != nil {
			return false, err
		}
		if err := b.store.sealOnly(ctx, tx, a, w, s, was, next); err != nil {
			return false, err
		}
		return true, b.announce(ctx, tx, a, next, only)
	}
	left, err := b.store.sealVolume(ctx, tx, a, w, s)
	if err != nil {
		return false, err
	}
	b.at("sealing")
	if left > 0 {
		return false, nil
	}
	sealed, err := b.store.sealedVolumes(ctx, tx, was)
	if err != nil {
		return false, err
	}
	next, err := b.wholeOf(tx, a, was, sealed)
	if err != nil {
		return false, err
	}
	if err := b.store.save(ctx, tx, was, next); err != nil {
		return false, err
	}
	if err := b.store.saveShared(ctx, tx, a); err != nil {
		return false, err
	}
	return true, b.announce(ctx, tx, a, next, sealed)
}

// recover notes that the export goes on after trouble.
func (b *builder) recover(ctx context.Context, tx *db.Tx, was Export) error {
	if was.Failures == 0 && was.Deaths == 0 && was.Delayed == "" {
		return nil
	}
	next, err := was.Recover()
	if err != nil {
		return err
	}
	return b.store.save(ctx, tx, was, next)
}

// wholeOf is the export as it becomes ready with all its volumes sealed.
func (b *builder) wholeOf(tx *db.Tx, a *attempt, was Export, sealed []sealedVolume) (next Export, err error) {
	whole := Sealed{Rows: a.shared.Rows, Bytes: a.shared.Bytes, AsOf: a.shared.AsOf}
	receipts, proofs := make([]Receipt, len(sealed)), make([]archive.VolumeProof, len(sealed))
	for i, v := range sealed {
		receipts[i], proofs[i] = v.receipt, archive.VolumeProof{Number: v.number, Size: v.size, SHA256: v.sha256}
		if v.innerSHA256 != "" {
			proofs[i].Archive = &archive.InnerProof{Size: v.innerSize, SHA256: v.innerSHA256}
		}
		whole.Size += v.size
	}
	if whole.Receipt, err = archive.Combine(receipts); err != nil {
		return next, err
	}
	whole.Receipt.Volumes = proofs
	return was.Seal(tx.Now, whole, keep(a.programme))
}

// announce writes what follows from an export that has become ready.
func (b *builder) announce(ctx context.Context, tx *db.Tx, a *attempt, next Export, sealed []sealedVolume) error {
	detail := map[string]any{"size": next.ObjectSize, "volumes": len(sealed), "rows": next.RowsDone, "attempt": next.Attempt}
	if len(sealed) == 1 {
		detail["sha256"] = sealed[0].sha256
	}
	if err := b.tell(ctx, tx, next, migration.ExportReady, "export_ready", next.ID, audit.Entry{Act: "export.ready", Detail: detail}); err != nil {
		return err
	}
	return b.moveDeadline(ctx, tx, next, a.programme)
}

// tell writes the journey's event, the mail to who asked, and the audit entry.
func (b *builder) tell(ctx context.Context, tx *db.Tx, e Export, kind migration.EventKind, template, key string, entry audit.Entry) error {
	if _, err := b.Journey.Tell(ctx, tx, e.CustomerID, event(kind, e, audit.System)); err != nil {
		return err
	}
	if template != "" {
		if _, err := b.Queue.InsertTx(ctx, tx, letter(e, template, key), nil); err != nil {
			return err
		}
	}
	entry.Actor, entry.ActorKind, entry.Object, entry.CustomerID = "worker", audit.System, subject(e), e.CustomerID
	return audit.Record(ctx, tx, entry)
}

// letter is a mail to the contact who asked for the export.
func letter(e Export, template, key string) mail.Args {
	data := map[string]string{"export_id": e.ID, "reference": e.Reference(), "size": fmt.Sprint(e.ObjectSize)}
	if e.ExpiresAt != nil {
		data["until"] = e.ExpiresAt.Format(time.RFC3339)
	}
	return mail.Args{Template: template, CustomerID: e.CustomerID, ContactID: e.RequestedBy, Key: key, Data: data}
}
