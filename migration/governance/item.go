package governance

import (
	"context"
	"time"

	"offramp/internal/db"
	"offramp/migration"
)

const (
	maxNote    = 2000 // characters
	maxLink    = 500
	maxComment = 2000
)

// Entry is something that happened to an item, or was said about it.
type Entry struct {
	Act, Text, By string // By: identity id; empty: the fact
	At            time.Time
}

// OpenItem returns an item with its history, newest first. ErrUnknown. For staff.
func (s *Service) OpenItem(ctx context.Context, staffID, template, key string) (plan Plan, item Item, history []Entry, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return Plan{}, Item{}, nil, err
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if plan, err = s.read(ctx, tx, p, template, false); err != nil {
			return err
		}
		var ok bool
		if item, ok = plan.Item(key); !ok {
			return ErrUnknown
		}
		history, err = s.store.entries(ctx, tx, item.ID)
		return err
	})
	return plan, item, history, err
}

// FinishItem does an item, with the evidence that it asks for: a note, a link. version is that of the page. For its owner and for
// programme managers. ErrWaits, ErrByFact, ErrChanged, ErrNotPossible; ErrInput names faulty fields.
func (s *Service) FinishItem(ctx context.Context, by By, template, key string, version int, note, address string) error {
	note, address = clean(note, maxNote), clean(address, maxLink)
	return s.changeItem(ctx, by, template, key, version, func(tx *db.Tx, item Item) error {
		fault := ErrInput
		if address != "" && !link(address) {
			fault = fault.Field("link", "workspace.no_link", nil)
		}
		if item.Evidence == EvidenceLink && address == "" {
			fault = fault.Field("link", "workspace.link_needed", nil)
		}
		if item.Evidence == EvidenceNote && note == "" {
			fault = fault.Field("note", "workspace.note_needed", nil)
		}
		switch {
		case item.Fact != "":
			return ErrByFact
		case item.State == Done:
			return ErrNotPossible
		case len(item.Waits) > 0:
			return ErrWaits
		case len(fault.Fields) > 0:
			return fault
		}
		if err := s.store.finish(ctx, tx, item.ID, by.ID, note, address); err != nil {
			return err
		}
		if err := s.store.entry(ctx, tx, item.ID, "done", note, by.ID); err != nil {
			return err
		}
		return record(ctx, tx, by, "workspace.done", "item "+key, map[string]any{"link": address})
	})
}

// ReopenItem opens a done item again. Gates that were opened stay as they are; reopening a phase is an act of its own.
func (s *Service) ReopenItem(ctx context.Context, by By, template, key string, version int) error {
	return s.changeItem(ctx, by, template, key, version, func(tx *db.Tx, item Item) error {
		if item.State != Done || item.Fact != "" {
			return ErrNotPossible
		}
		if err := s.store.reopen(ctx, tx, item.ID); err != nil {
			return err
		}
		if err := s.store.entry(ctx, tx, item.ID, "reopened", "", by.ID); err != nil {
			return err
		}
		return record(ctx, tx, by, "workspace.reopen_item", "item "+key, nil)
	})
}

// Assign gives an item to a colleague, or to nobody with an empty id, and may give it a due day of its own; an empty day counts from
// the milestone again. ErrOwner for somebody who is not staff, is disabled or has no role. For programme managers and its owner.
func (s *Service) Assign(ctx context.Context, by By, template, key string, version int, owner, day string) error {
	var due migration.Day
	if day != "" {
		var err error
		if due, err = migration.ParseDay(day); err != nil {
			return ErrInput.Field("day", "workspace.no_day", nil)
		}
	}
	return s.changeItem(ctx, by, template, key, version, func(tx *db.Tx, item Item) error {
		if item.State == Done {
			return ErrNotPossible
		}
		if err := s.store.assign(ctx, tx, item.ID, owner, due); err != nil {
			return err
		}
		if owner != item.Owner {
			if err := s.store.entry(ctx, tx, item.ID, "assigned", owner, by.ID); err != nil {
				return err
			}
		}
		if was := item.ownDay(); due != was {
			if err := s.store.entry(ctx, tx, item.ID, "due", day, by.ID); err != nil {
				return err
			}
		}
		return record(ctx, tx, by, "workspace.assign", "item "+key, map[string]any{"owner": owner, "day": day})
	})
}

func (i Item) ownDay() migration.Day {
	if i.Own {
		return i.Day
	}
	return migration.Day{}
}

// HandOver gives every open item of one person to another, or to nobody, and returns how many there were. For programme managers.
func (s *Service) HandOver(ctx context.Context, by By, from, to string) (n int, err error) {
	if from == to {
		return 0, ErrOwner.Field("to", "workspace.same_owner", nil)
	}
	err = s.db.InTx(ctx, db.StaffScope(by.ID), func(tx *db.Tx) error {
		if n, err = s.store.handOver(ctx, tx, from, to, by.ID); err != nil {
			return err
		}
		return record(ctx, tx, by, "workspace.hand_over", "items", map[string]any{"from": from, "to": to, "items": n})
	})
	return n, err
}

// Comment says something about an item. For all staff.
func (s *Service) Comment(ctx context.Context, by By, template, key, text string) error {
	if text = clean(text, maxComment); text == "" {
		return ErrInput.Field("text", "workspace.no_text", nil)
	}
	return s.change(ctx, by, template, func(tx *db.Tx, _ *migration.Programme, plan Plan) error {
		item, ok := plan.Item(key)
		if !ok {
			return ErrUnknown
		}
		if err := s.store.entry(ctx, tx, item.ID, "comment", text, by.ID); err != nil {
			return err
		}
		return record(ctx, tx, by, "workspace.comment", "item "+key, nil)
	})
}

// changeItem runs an act upon an item that the reader has seen in this version. For its owner and for programme managers.
func (s *Service) changeItem(ctx context.Context, by By, template, key string, version int, act func(*db.Tx, Item) error) error {
	return s.change(ctx, by, template, func(tx *db.Tx, _ *migration.Programme, plan Plan) error {
		item, ok := plan.Item(key)
		switch {
		case !ok:
			return ErrUnknown
		case !by.Manager && item.Owner != by.ID:
			return ErrNotYours
		case item.Version != version:
			return ErrChanged
		}
		return act(tx, item)
	})
}

// Colleague is somebody who may own an item.
type Colleague struct{ ID, Name string }

// Colleagues lists the staff who have a role, by name. For staff.
func (s *Service) Colleagues(ctx context.Context, staffID string) (list []Colleague, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.colleagues(ctx, tx)
		return err
	})
	return list, err
}
