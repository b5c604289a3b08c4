package governance

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"
	"time"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/governance/approval"
)

const maxReason = 500 // characters

// OpenGate opens a phase's gate: each must-item is done or waived, each fact holds or is waived, and the gates before it are open.
// It notes the actual end of the phase and the beginning of the next. ErrGateShut, ErrTurn, ErrNotPossible where it is open. For
// programme managers.
func (s *Service) OpenGate(ctx context.Context, by By, template, phase string) error {
	return s.change(ctx, by, template, func(tx *db.Tx, p *migration.Programme, plan Plan) error {
		i := slices.IndexFunc(plan.Phases, func(f Phase) bool { return f.Key == phase })
		if i < 0 {
			return ErrUnknown
		}
		f := plan.Phases[i]
		switch {
		case f.State == PhaseDone:
			return ErrNotPossible
		case f.State == PhaseWaiting:
			return ErrTurn
		case len(f.Gate.Missing) > 0:
			return ErrGateShut
		}
		if err := s.store.openGate(ctx, tx, plan, f, by.ID); err != nil {
			return err
		}
		today := migration.DayOf(tx.Now.In(p.Zone))
		if err := s.store.addDay(ctx, tx, plan.ID, phase, "to", "actual", today, "", by.ID); err != nil {
			return err
		}
		if i+1 < len(plan.Phases) {
			if err := s.store.addDay(ctx, tx, plan.ID, plan.Phases[i+1].Key, "from", "actual", today, "", by.ID); err != nil {
				return err
			}
		}
		return record(ctx, tx, by, "workspace.open_gate", "gate "+phase, map[string]any{"facts": plan.Facts.values()})
	})
}

// Reopen shuts the gate of a phase and of every one behind it, with a reason; what was approved since then is stale. ErrNotPossible where it is shut. For programme
// managers.
func (s *Service) Reopen(ctx context.Context, by By, template, phase, reason string) error {
	if reason = clean(reason, maxReason); reason == "" {
		return ErrInput.Field("reason", "workspace.no_reason", nil)
	}
	return s.change(ctx, by, template, func(tx *db.Tx, _ *migration.Programme, plan Plan) error {
		i := slices.IndexFunc(plan.Phases, func(f Phase) bool { return f.Key == phase })
		if i < 0 {
			return ErrUnknown
		}
		var shut []string
		var since time.Time
		for _, f := range plan.Phases[i:] {
			shut = append(shut, f.Key)
			if at := f.Gate.OpenedAt; !at.IsZero() && (since.IsZero() || at.Before(since)) {
				since = at
			}
		}
		n, err := s.store.shutGates(ctx, tx, plan.ID, shut, by.ID, reason)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotPossible
		}
		stale, err := approval.MarkStale(ctx, tx, by.ID, since, reason) // what was approved behind that gate rested upon it
		if err != nil {
			return err
		}
		return record(ctx, tx, by, "workspace.reopen", "gate "+phase, map[string]any{"reason": reason, "shut": n, "stale": stale})
	})
}

// Replan moves the planned end or beginning of a phase. What was planned stays on record. For programme managers.
func (s *Service) Replan(ctx context.Context, by By, template, phase, edge, day, reason string) error {
	to, err := migration.ParseDay(day)
	fault := ErrInput
	if err != nil {
		fault = fault.Field("day", "workspace.no_day", nil)
	}
	if reason = clean(reason, maxReason); reason == "" {
		fault = fault.Field("reason", "workspace.no_reason", nil)
	}
	if edge != "from" && edge != "to" {
		fault = fault.Field("edge", "workspace.no_edge", nil)
	}
	if len(fault.Fields) > 0 {
		return fault
	}
	return s.change(ctx, by, template, func(tx *db.Tx, _ *migration.Programme, plan Plan) error {
		f, ok := plan.Phase(phase)
		if !ok {
			return ErrUnknown
		}
		if err := f.mayMove(edge, to); err != nil {
			return err
		}
		if err := s.store.addDay(ctx, tx, plan.ID, phase, edge, "replanned", to, reason, by.ID); err != nil {
			return err
		}
		return record(ctx, tx, by, "workspace.replan", "phase "+phase, map[string]any{"edge": edge, "day": to, "reason": reason})
	})
}

// mayMove refuses a day that turns a phase round, or an edge that has come true.
func (f Phase) mayMove(edge string, to migration.Day) error {
	switch {
	case edge == "to" && to.Before(f.From.Current()), edge == "from" && f.To.Current().Before(to):
		return ErrInput.Field("day", "workspace.day_order", nil)
	case edge == "to" && !f.To.Actual.IsZero() && f.Gate.Open, edge == "from" && !f.From.Actual.IsZero():
		return ErrNotPossible
	}
	return nil
}

// AskWaiver asks to let an item or a fact of a gate pass until the end of a day, for a reason; another programme manager has to agree.
// phase is empty for an item. For programme managers.
func (s *Service) AskWaiver(ctx context.Context, by By, template, phase, key, reason, day string) error {
	until, err := migration.ParseDay(day)
	fault := ErrInput
	if err != nil {
		fault = fault.Field("until", "workspace.no_day", nil)
	}
	if reason = clean(reason, maxReason); reason == "" {
		fault = fault.Field("reason", "workspace.no_reason", nil)
	}
	if len(fault.Fields) > 0 {
		return fault
	}
	return s.change(ctx, by, template, func(tx *db.Tx, p *migration.Programme, plan Plan) error {
		subject, itemID := "", ""
		if phase == "" {
			item, ok := plan.Item(key)
			if !ok {
				return ErrUnknown
			}
			subject, itemID = itemSubject(key), item.ID
		} else {
			f, _ := plan.Phase(phase)
			if !slices.ContainsFunc(f.Gate.Facts, func(r Fact) bool { return r.Key == key }) {
				return ErrUnknown
			}
			subject = factSubject(phase, key)
		}
		end := endOf(p, until)
		if !end.After(tx.Now) {
			return ErrInput.Field("until", "workspace.day_past", nil)
		}
		w := Waiver{ID: rand.Text(), Subject: subject, Reason: reason, Until: end, AskedBy: by.ID}
		if err := s.store.askWaiver(ctx, tx, plan.ID, w); err != nil {
			return err
		}
		if itemID != "" {
			if err := s.store.entry(ctx, tx, itemID, "waived", reason, by.ID); err != nil {
				return err
			}
		}
		return record(ctx, tx, by, "workspace.ask_waiver", subject, map[string]any{"reason": reason, "until": until})
	})
}

// AgreeWaiver agrees to a waiver as the second person. ErrSamePerson, ErrUnknown. For programme managers.
func (s *Service) AgreeWaiver(ctx context.Context, by By, template, id string) error {
	return s.change(ctx, by, template, func(tx *db.Tx, _ *migration.Programme, plan Plan) error {
		w, err := s.store.agreeWaiver(ctx, tx, plan.ID, id, by.ID)
		if err != nil {
			return err
		}
		if err := s.noteWaiver(ctx, tx, plan, w, "agreed", by); err != nil {
			return err
		}
		return record(ctx, tx, by, "workspace.agree_waiver", w.Subject, map[string]any{"asked_by": w.AskedBy})
	})
}

// EndWaiver refuses a waiver, withdraws it, or takes it back; a gate that stands on it is shut from then on. For programme managers.
func (s *Service) EndWaiver(ctx context.Context, by By, template, id string) error {
	return s.change(ctx, by, template, func(tx *db.Tx, _ *migration.Programme, plan Plan) error {
		w, err := s.store.endWaiver(ctx, tx, plan.ID, id, by.ID)
		if err != nil {
			return err
		}
		if err := s.noteWaiver(ctx, tx, plan, w, "taken_back", by); err != nil {
			return err
		}
		if w.AgreedBy != "" {
			if err := s.store.shutStanding(ctx, tx, plan, w.Subject, by.ID); err != nil {
				return err
			}
		}
		return record(ctx, tx, by, "workspace.end_waiver", w.Subject, map[string]any{"asked_by": w.AskedBy})
	})
}

// noteWaiver writes into an item's history what became of its waiver. Those of facts stand in the audit log alone.
func (s *Service) noteWaiver(ctx context.Context, tx *db.Tx, plan Plan, w waiverRow, act string, by By) error {
	for _, i := range plan.Items {
		if itemSubject(i.Key) == w.Subject {
			return s.store.entry(ctx, tx, i.ID, act, w.Reason, by.ID)
		}
	}
	return nil
}

// change runs an act upon a running plan that nobody else changes meanwhile.
func (s *Service) change(ctx context.Context, by By, template string, act func(*db.Tx, *migration.Programme, Plan) error) error {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.StaffScope(by.ID), func(tx *db.Tx) error {
		plan, err := s.read(ctx, tx, p, template, true)
		if err != nil {
			return err
		}
		return act(tx, p, plan)
	})
}

// link reports whether a text is a web address.
func link(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil
}
