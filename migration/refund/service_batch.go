package refund

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/mail"
	"offramp/migration"
)

// Payables lists what could be put into batches now. For finance.
func (s *Service) Payables(ctx context.Context, staffID string) (list []Payable, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.payables(ctx, tx)
		return err
	})
	return list, err
}

// Payable lists what could be put into a batch of a method and currency, the longest waiting first, at most limit, with what people see
// of the accounts; olderThan days ago or earlier, 0 for any age. For finance.
func (s *Service) Payable(ctx context.Context, staffID string, m Method, currency string, olderThan, limit int) (items []Item, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		items, err = s.store.payable(ctx, tx, m, currency, olderThan, limit)
		return err
	})
	if err == nil && m == Bank {
		err = s.maskItems(ctx, items)
	}
	return items, err
}

// Chosen lists refunds by their references, the longest waiting first, with what people see of the accounts; those that do not exist
// are left out. For finance, on the way from Payable.
func (s *Service) Chosen(ctx context.Context, staffID string, refs []string) (items []Item, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		items, err = s.store.pickedItems(ctx, tx, refs)
		return err
	})
	if err == nil {
		err = s.maskItems(ctx, items)
	}
	return items, err
}

// CreateBatch takes every approved refund of a method and currency, up to BatchLimit, the longest waiting first. What cannot be
// paid is left out: it goes back to the customer with a question, or is a task, and the batch lists it with the reason.
// ErrEmptyBatch, ErrNoDebtor, ErrKeys; ErrNoneFit when all of them were left out. For finance clerks and approvers.
func (s *Service) CreateBatch(ctx context.Context, staffID string, m Method, currency string) (Batch, error) {
	b, _, err := s.createBatch(ctx, staffID, m, currency, nil)
	return b, err
}

// CreateBatchOf takes exactly the chosen refunds, as CreateBatch does; the batch lists what else was approved then as left out by whoever
// made it. Where one of them is not any more as it was looked at, no batch is made, and refused says which ones and why.
func (s *Service) CreateBatchOf(ctx context.Context, staffID string, m Method, currency string, chosen []Choice) (b Batch, refused []Result, err error) {
	if len(chosen) == 0 {
		return Batch{}, nil, ErrEmptyBatch
	}
	return s.createBatch(ctx, staffID, m, currency, chosen)
}

// takeChosen locks what was chosen, the longest waiting first, and says what of it is not as it was looked at. What else is approved
// was left out.
func (s *Service) takeChosen(ctx context.Context, tx *db.Tx, m Method, currency string, chosen []Choice) (list []Refund, left []batched, refused []Result, err error) {
	refs, versions := make([]string, len(chosen)), map[string]int{}
	for i, c := range chosen {
		refs[i], versions[c.Ref] = c.Ref, c.Version
	}
	found, err := s.store.lockAll(ctx, tx, refs)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, r := range found {
		if r.State != Approved || r.Version != versions[r.Ref] || r.Method != m || r.Currency != currency {
			refused = append(refused, Result{Ref: r.Ref, State: r.State, Err: ErrMoved})
		} else {
			list = append(list, r)
		}
		delete(versions, r.Ref)
	}
	for ref := range versions {
		refused = append(refused, Result{Ref: ref, Err: ErrNotFound})
	}
	if len(refused) > 0 {
		slices.SortFunc(refused, func(a, b Result) int { return strings.Compare(a.Ref, b.Ref) })
		return nil, nil, refused, nil
	}
	slices.SortFunc(list, func(a, b Refund) int {
		return cmp.Or(a.RequestedAt.Compare(b.RequestedAt), strings.Compare(a.Ref, b.Ref))
	})
	others, err := s.store.approved(ctx, tx, m, currency, leftOutLimit+len(list))
	for _, r := range others {
		if !slices.Contains(refs, r.Ref) && len(left) < leftOutLimit {
			left = append(left, batched{Refund: r, amount: r.Amount, unfit: LeftOut})
		}
	}
	return list, left, nil, err
}

// leftOutLimit bounds how many of those that somebody left out a batch lists.
const leftOutLimit = 1000

func (s *Service) createBatch(ctx context.Context, staffID string, m Method, currency string, chosen []Choice) (b Batch, refused []Result, err error) {
	if _, ok := s.debtor(currency); m == Bank && !ok {
		return Batch{}, nil, ErrNoDebtor
	}
	accounts, err := s.openApproved(ctx, staffID, m, currency)
	if err != nil {
		return Batch{}, nil, fmt.Errorf("create batch: %w", err)
	}
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		var list []Refund
		var left []batched
		if chosen == nil {
			list, err = s.store.takeApproved(ctx, tx, m, currency, BatchLimit)
		} else if list, left, refused, err = s.takeChosen(ctx, tx, m, currency, chosen); len(refused) > 0 {
			return err
		}
		if err != nil {
			return err
		}
		if m == Bank { // what was approved after the accounts were opened waits for the next batch
			list = slices.DeleteFunc(list, func(r Refund) bool { _, known := accounts[r.sealed]; return !known })
		}
		if len(list) == 0 {
			return ErrEmptyBatch
		}
		all, err := s.store.itemsOf(ctx, tx, m, list)
		if err != nil {
			return err
		}
		b = Batch{ID: rand.Text(), State: BatchCreated, Method: m, Currency: currency, CreatedBy: staffID, CreatedAt: tx.Now}
		items, unfit := s.fit(b, all, accounts)
		if b.Unfit, b.LeftOut = len(unfit), len(left); len(items) > 0 {
			if err := s.writeBatch(ctx, tx, &b, items, append(unfit, left...)); err != nil {
				return err
			}
		}
		return s.leaveOut(ctx, tx, unfit)
	})
	switch {
	case err != nil:
		return Batch{}, nil, fmt.Errorf("create batch: %w", err)
	case len(refused) > 0:
		return Batch{}, refused, nil
	case b.Count == 0:
		return Batch{}, nil, ErrNoneFit.With(map[string]any{"Count": b.Unfit})
	}
	return b, nil, nil
}

// openApproved opens the accounts of what could be put into a bank batch now.
func (s *Service) openApproved(ctx context.Context, staffID string, m Method, currency string) (opened, error) {
	if m != Bank {
		return nil, nil
	}
	var list []Refund
	err := s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) (err error) {
		list, err = s.store.approved(ctx, tx, m, currency, BatchLimit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.openAll(ctx, list)
}

// openBatch opens the accounts of a bank batch that waits for its release. ErrNotFound.
func (s *Service) openBatch(ctx context.Context, staffID, id string) (opened, error) {
	var list []Refund
	err := s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) (err error) {
		list, err = s.store.toOpen(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.openAll(ctx, list)
}

// writeBatch writes a new batch and moves its refunds into it.
func (s *Service) writeBatch(ctx context.Context, tx *db.Tx, b *Batch, items, unfit []batched) (err error) {
	if b.Ref, err = s.store.batchRef(ctx, tx); err != nil {
		return err
	}
	file, err := s.seal(b, items, tx.Now)
	if err != nil {
		return err
	}
	if err := s.store.insertBatch(ctx, tx, *b, items, unfit, file); err != nil {
		return err
	}
	if err := s.store.moveAll(ctx, tx, items, Batched, b.ID, ""); err != nil {
		return err
	}
	if err := s.store.addEvents(ctx, tx, follow(items, Batched, act{kind: "batched", actor: b.CreatedBy, staff: true, text: b.Ref})); err != nil {
		return err
	}
	return s.recordBatch(ctx, tx, b.CreatedBy, "batch.create", *b)
}

// follow is what becomes of the items' refunds.
func follow(items []batched, to State, a act) []moved {
	list := make([]moved, len(items))
	for i, item := range items {
		next := item.Refund
		from := next.State
		next.State, next.Version = to, next.Version+1
		list[i] = moved{from, next, a}
	}
	return list
}

// seal counts a batch and, for banks, writes its file as of an instant.
func (s *Service) seal(b *Batch, items []batched, at time.Time) (file []byte, err error) {
	b.Count, b.Control = len(items), 0
	list := sha256.New()
	for _, item := range items {
		b.Control += item.amount
		fmt.Fprintf(list, "%s %d %s\n", item.Ref, item.amount, b.Currency)
	}
	b.SHA256, b.Size = hex.EncodeToString(list.Sum(nil)), 0
	if b.Method != Bank {
		return nil, nil
	}
	if file, err = s.bankFile(*b, items, at); err != nil {
		return nil, fmt.Errorf("write bank file of %s: %w", b.Ref, err)
	}
	sum := sha256.Sum256(file)
	b.SHA256, b.Size = hex.EncodeToString(sum[:]), int64(len(file))
	return file, nil
}

func (s *Service) recordBatch(ctx context.Context, tx *db.Tx, staffID, verb string, b Batch) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: staffID, ActorKind: audit.Staff, Act: verb, Object: "batch " + b.Ref,
		Detail: map[string]any{"method": b.Method, "currency": b.Currency, "count": b.Count, "control": b.Control, "sha256": b.SHA256, "dropped": b.Dropped, "unfit": b.Unfit, "left_out": b.LeftOut},
	})
}

// ReleaseBatch lets the money go. Refunds that changed since the batch was made are dropped and listed. The bank file is written
// anew, so that its day is that of the release or the next on which the bank works. ErrNotFound, ErrBatchMoved, ErrSamePerson,
// ErrEmptyBatch, ErrKeys. For finance releasers who had no part in it.
func (s *Service) ReleaseBatch(ctx context.Context, staffID string, id string) (b Batch, err error) {
	accounts, err := s.openBatch(ctx, staffID, id)
	if err != nil {
		return Batch{}, fmt.Errorf("release batch: %w", err)
	}
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if b, err = s.store.lockBatch(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case b.State != BatchCreated:
			return ErrBatchMoved
		case b.CreatedBy == staffID:
			return ErrSamePerson
		}
		items, all, err := s.store.lockItems(ctx, tx, b)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return ErrEmptyBatch
		}
		if err := s.mayRelease(ctx, tx, staffID, items); err != nil {
			return err
		}
		b.Dropped = all - len(items)
		if b.Method == Bank {
			if err := accounts.take(items); err != nil {
				return err
			}
		}
		if err := s.release(ctx, tx, staffID, &b, items); err != nil {
			return err
		}
		return s.recordBatch(ctx, tx, staffID, "batch.release", b)
	})
	if err != nil {
		return Batch{}, fmt.Errorf("release batch: %w", err)
	}
	return b, nil
}

// mayRelease refuses who had any of the refunds in their hands.
func (s *Service) mayRelease(ctx context.Context, tx *db.Tx, staffID string, items []batched) error {
	concerned, err := s.store.allConcerned(ctx, tx, staffID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(items, func(i batched) bool { return i.touchedBy(staffID) || concerned[i.CustomerID] }) {
		return ErrSamePerson
	}
	return nil
}

// release writes the batch, its refunds, and the attempts at paying them.
func (s *Service) release(ctx context.Context, tx *db.Tx, staffID string, b *Batch, items []batched) error {
	file, err := s.seal(b, items, tx.Now)
	if err != nil {
		return err
	}
	if err := s.store.rewriteFile(ctx, tx, *b, file); err != nil {
		return err
	}
	b.State, b.ReleasedBy, b.ReleasedAt = BatchReleased, staffID, &tx.Now
	if err := s.store.saveBatch(ctx, tx, *b); err != nil {
		return err
	}
	to, a := Released, act{kind: "released", actor: staffID, staff: true, text: b.Ref, tell: migration.RefundReleased, record: "refund.release"}
	if b.Method == Credit {
		to, a = Credited, act{kind: "credited", actor: staffID, staff: true, text: b.Ref, tell: migration.RefundCredited, mail: mail.RefundCredited, record: "refund.credit"}
	}
	if err := s.store.moveAll(ctx, tx, items, to, b.ID, staffID); err != nil {
		return err
	}
	if b.Method != Credit {
		planned, err := s.store.plan(ctx, tx, *b, items)
		if err != nil {
			return err
		}
		if len(planned) > 0 {
			if _, err := s.Jobs.InsertTx(ctx, tx, HandOutArgs{BatchID: b.ID}, nil); err != nil {
				return err
			}
		}
	}
	if err := s.comeBack(ctx, tx, items); err != nil {
		return err
	}
	return s.tellMany(ctx, tx, follow(items, to, a))
}

// comeBack enqueues what the provider told of earlier attempts while the refunds were decided upon once more.
func (s *Service) comeBack(ctx context.Context, tx *db.Tx, items []batched) error {
	refs := make([]string, len(items))
	for i, item := range items {
		refs[i] = item.Ref
	}
	events, err := s.store.waitingEvents(ctx, tx, refs)
	if err != nil {
		return err
	}
	return foldAll(ctx, tx, s.Jobs, events)
}

// DiscardBatch undoes a batch that is not released. ErrNotFound, ErrBatchMoved. For finance.
func (s *Service) DiscardBatch(ctx context.Context, staffID, id string) (b Batch, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if b, err = s.store.lockBatch(ctx, tx, id); err != nil {
			return err
		}
		if b.State != BatchCreated {
			return ErrBatchMoved
		}
		items, _, err := s.store.lockItems(ctx, tx, b)
		if err != nil {
			return err
		}
		if err := s.store.dropItems(ctx, tx, b.ID, "discarded"); err != nil {
			return err
		}
		b.State = BatchDiscarded
		if err := s.store.saveBatch(ctx, tx, b); err != nil {
			return err
		}
		if err := s.store.moveAll(ctx, tx, items, Approved, "", ""); err != nil {
			return err
		}
		if err := s.store.addEvents(ctx, tx, follow(items, Approved, act{kind: "unbatched", actor: staffID, staff: true, text: b.Ref})); err != nil {
			return err
		}
		return s.recordBatch(ctx, tx, staffID, "batch.discard", b)
	})
	if err != nil {
		return Batch{}, fmt.Errorf("discard batch: %w", err)
	}
	return b, nil
}

// Batches lists the latest batches, newest first, at most limit. For finance.
func (s *Service) Batches(ctx context.Context, staffID string, limit int) ([]Batch, error) {
	return s.store.batches(ctx, s.DB, db.StaffScope(staffID), limit)
}

// OpenBatch returns one batch with its refunds, at most limit, and records that it was looked at. ErrNotFound. For finance.
func (s *Service) OpenBatch(ctx context.Context, staffID, id string, limit int) (b Batch, items []Item, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if b, err = s.store.lockBatch(ctx, tx, id); err != nil {
			return err
		}
		if items, err = s.store.shownItems(ctx, tx, id, limit); err != nil {
			return err
		}
		return s.recordBatch(ctx, tx, staffID, "batch.view", b)
	})
	if err == nil && b.Method == Bank {
		err = s.maskItems(ctx, items)
	}
	return b, items, err
}

// maskItems fills in what people see of the accounts that a batch pays.
func (s *Service) maskItems(ctx context.Context, items []Item) error {
	list := make([]Refund, len(items))
	for i, item := range items {
		list[i] = Refund{Ref: item.Ref, CustomerID: item.CustomerID, Account: item.Account, sealed: item.sealed}
	}
	list, err := s.allMasked(ctx, list)
	for i := range list {
		items[i].Account = list[i].Account
	}
	return err
}

// Traces lists who made a batch, released it, discarded it and took its file out, newest first. For finance.
func (s *Service) Traces(ctx context.Context, staffID string, b Batch) (list []Trace, err error) {
	err = s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.traces(ctx, tx, b.Ref)
		return err
	})
	return list, err
}

// BatchFile writes the bank file of a released batch and records that it was taken out. It is checked against its SHA-256
// first. ErrNotFound, ErrBatchMoved before the release. For finance releasers.
func (s *Service) BatchFile(ctx context.Context, staffID, id string, w io.Writer) error {
	var file []byte
	err := s.DB.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		b, err := s.store.lockBatch(ctx, tx, id)
		if err != nil {
			return err
		}
		switch {
		case b.Method != Bank:
			return ErrNotFound
		case b.State != BatchReleased:
			return ErrBatchMoved
		}
		if file, err = s.store.fileOf(ctx, tx, id); err != nil {
			return err
		}
		if sum := sha256.Sum256(file); hex.EncodeToString(sum[:]) != b.SHA256 {
			return fmt.Errorf("the file of batch %s is not the one that was released", b.Ref)
		}
		return s.recordBatch(ctx, tx, staffID, "batch.download", b)
	})
	if err != nil {
		return fmt.Errorf("read bank file: %w", err)
	}
	_, err = io.Copy(w, bytes.NewReader(file))
	return err
}
