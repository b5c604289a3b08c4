package migration

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// Programmes keeps the versions of the programme file: one is active, at most one waits for a second person. Safe for
// concurrent use.
type Programmes struct {
	db       *db.DB
	store    programmeStore
	journeys *Service
	cache    programmeCache
	correct  Corrector // nil: nobody drafts corrections
}

// Corrector drafts what customers have to be told when a version moves dates that they were told. It runs within the transaction
// that puts the version into effect, and counts the customers.
type Corrector interface {
	Correct(ctx context.Context, tx *db.Tx, p *Programme, moved []MovedDate) (customers int, err error)
}

// Corrects makes c draft the corrections. To be called before versions are approved.
func (s *Programmes) Corrects(c Corrector) { s.correct = c }

// NewProgrammes works on d.
func NewProgrammes(d *db.DB) *Programmes {
	return &Programmes{db: d, store: programmeStore{db: d}, journeys: NewService(d)}
}

// Propose checks a programme file and stores it as a new version, which takes effect when another person approves it. A
// file that says what the active version says already stores nothing, and one that waits already is returned as it is.
// ErrBadProgramme with Findings; ErrProgrammeOpen while another proposal waits.
func (s *Programmes) Propose(ctx context.Context, by Actor, src []byte) (Proposal, error) {
	return s.propose(ctx, by, src, true)
}

// Preview is Propose without storing anything.
func (s *Programmes) Preview(ctx context.Context, src []byte) (Proposal, error) {
	return s.propose(ctx, Actor{}, src, false)
}

func (s *Programmes) propose(ctx context.Context, by Actor, src []byte, keep bool) (proposal Proposal, err error) {
	p, err := ReadProgramme(src)
	if err != nil {
		return Proposal{}, err
	}
	digest := sha256.Sum256(src)
	err = s.db.InTx(ctx, db.SystemScope("propose programme"), func(tx *db.Tx) error {
		v := Version{State: VersionProposed, Source: string(src), Digest: hex.EncodeToString(digest[:]), ProposedBy: by.ID, ProposedAt: tx.Now}
		active, err := s.store.one(ctx, tx.Pgx, `state = 'active'`)
		if err != nil && !errors.Is(err, ErrUnknownProgramme) {
			return err
		}
		if proposal, err = s.compare(ctx, tx, v, p, active); err != nil || proposal.Unchanged || !keep {
			return err
		}
		waiting, err := s.store.one(ctx, tx.Pgx, `state = 'proposed'`)
		if err == nil && waiting.Digest == v.Digest {
			proposal.Version = waiting
			return nil
		}
		if v.Number, err = s.store.insert(ctx, tx, v); err != nil {
			return err
		}
		if err := s.store.putSinks(ctx, tx, v.Number, p.sinkNames()); err != nil {
			return err
		}
		proposal.Version, p.Version = v, v.Number
		return s.record(ctx, tx, by, "programme.propose", v, map[string]any{"changes": len(proposal.Changes)})
	})
	return proposal, err
}

// compare tells what v, read as p, changes of the version before it, and whom that concerns.
func (s *Programmes) compare(ctx context.Context, tx *db.Tx, v Version, p *Programme, before Version) (Proposal, error) {
	p.Version = v.Number
	proposal := Proposal{Version: v, Base: before.Number, Warnings: p.Warnings, Programme: p}
	if before.Number == 0 {
		proposal.Changes = p.Differences(nil)
		return proposal, nil
	}
	old, err := ReadProgramme([]byte(before.Source))
	if err != nil {
		return Proposal{}, fmt.Errorf("read programme version %d: %w", before.Number, err)
	}
	proposal.Changes = p.Differences(old)
	proposal.Unchanged = len(proposal.Changes) == 0
	proposal.Moved = p.Moved(old)
	if v.State != VersionProposed {
		return proposal, nil
	}
	if proposal.Told, err = s.store.movedFor(ctx, tx, postponed(proposal.Moved)); err != nil {
		return Proposal{}, err
	}
	return proposal, s.tiersInUse(ctx, tx, p)
}

// postponed leaves the dates that both versions have. A milestone that comes or goes moves nobody's date.
func postponed(moved []MovedDate) []MovedDate {
	var both []MovedDate
	for _, m := range moved {
		if !m.Was.IsZero() && !m.Day.IsZero() {
			both = append(both, m)
		}
	}
	return both
}

// tiersInUse refuses a programme without a tier that customers are in.
func (s *Programmes) tiersInUse(ctx context.Context, tx *db.Tx, p *Programme) error {
	counts, err := s.store.tiers(ctx, tx)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, t := range p.Tiers {
		known[t.Key] = true
	}
	var found Findings
	for _, c := range counts {
		if !known[c.Tier] {
			found = append(found, Finding{Line: p.lines["tiers"], Column: 1, Path: "tiers", Level: LevelError, Message: fmt.Sprintf(
				"%d customers are in the tier %s, which this version drops; keep it, import them with another tier, then drop it", c.Customers, c.Tier)})
		}
	}
	if len(found) > 0 {
		return ErrBadProgramme.Wrap(found)
	}
	return nil
}

// Approve puts a proposed version into effect, asks each customer whose own dates it moves to note them again, and drafts the
// correction for those who were told the old ones, in one transaction. One that comes from the command line needs two, and waits
// on after the first. ErrSamePerson when by proposed it or approved it already; ErrProgrammeMoved when it is not waiting any more.
func (s *Programmes) Approve(ctx context.Context, by Actor, version int) error {
	_, err := s.ApproveOne(ctx, by, version)
	return err
}

// ApproveOne is Approve, and reports whether the version is in effect now.
func (s *Programmes) ApproveOne(ctx context.Context, by Actor, version int) (whole bool, err error) {
	return s.ApproveFor(ctx, by, version, "")
}

// maxReason bounds why dates move forward, in characters.
const maxReason = 500

// ApproveFor is ApproveOne with the reason why dates move forward. ErrEarlier, on the field reason, when the version takes effect
// with earlier dates and none is given.
func (s *Programmes) ApproveFor(ctx context.Context, by Actor, version int, reason string) (whole bool, err error) {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > maxReason {
		return false, ErrEarlier.Field("reason", "programme.reason.long", map[string]any{"Limit": maxReason})
	}
	err = s.db.InTx(ctx, db.SystemScope("approve programme"), func(tx *db.Tx) error {
		v, err := s.store.one(ctx, tx.Pgx, `version = $1 FOR UPDATE`, version)
		if err != nil {
			return err
		}
		if v.State != VersionProposed {
			return ErrProgrammeMoved
		}
		demonstration, err := s.store.demonstration(ctx, tx)
		if err != nil {
			return err
		}
		if v.NeedsTwo() && !demonstration {
			if err := s.store.approveFirst(ctx, tx, version, by.ID); err != nil {
				return err
			}
			return s.record(ctx, tx, by, "programme.approve_first", v, nil)
		}
		whole = true
		return s.effect(ctx, tx, by, v, reason)
	})
	if err == nil && whole {
		s.cache.forget()
	}
	return whole && err == nil, err
}

// effect puts a locked version into effect.
func (s *Programmes) effect(ctx context.Context, tx *db.Tx, by Actor, v Version, reason string) error {
	p, err := ReadProgramme([]byte(v.Source))
	if err != nil {
		return err
	}
	before, err := s.store.one(ctx, tx.Pgx, `state = 'active' FOR UPDATE`)
	if err != nil && !errors.Is(err, ErrUnknownProgramme) {
		return err
	}
	if err := s.store.activate(ctx, tx, v.Number, by.ID); err != nil {
		return err
	}
	proposal, err := s.compare(ctx, tx, v, p, before)
	if err != nil {
		return err
	}
	if len(Earlier(proposal.Moved)) > 0 && reason == "" {
		return ErrEarlier.Field("reason", "programme.reason.missing", nil)
	}
	changed, err := s.tell(ctx, tx, by, proposal, before)
	if err != nil {
		return err
	}
	detail := map[string]any{"replaces": before.Number, "dates_changed": changed}
	if moved := postponed(proposal.Moved); s.correct != nil && len(moved) > 0 {
		if detail["correction"], err = s.correct.Correct(ctx, tx, p, moved); err != nil {
			return fmt.Errorf("draft a correction: %w", err)
		}
	}
	if reason != "" {
		detail["reason"] = reason
	}
	return s.record(ctx, tx, by, "programme.approve", v, detail)
}

// tell puts moved dates and changed steps into the journeys that they concern, and counts them.
func (s *Programmes) tell(ctx context.Context, tx *db.Tx, by Actor, proposal Proposal, before Version) (int, error) {
	if before.Number == 0 {
		return 0, nil
	}
	old, err := ReadProgramme([]byte(before.Source))
	if err != nil {
		return 0, fmt.Errorf("read programme version %d: %w", before.Number, err)
	}
	p, moved, count := proposal.Programme, postponed(proposal.Moved), 0
	if len(moved) == 0 && old.StepsInEffect() == p.StepsInEffect() {
		return 0, nil
	}
	for last := ""; ; {
		customers, err := s.store.after(ctx, tx, last)
		if err != nil || len(customers) == 0 {
			return count, err
		}
		last = customers[len(customers)-1].ID
		var dates, steps []told
		for _, c := range customers {
			if e, moves := datesEvent(moved, c.Extensions); moves {
				e.Actor = by.ID
				dates = append(dates, told{c.ID, c.Ref, e})
			}
			if old.StepsInEffect() != p.StepsInEffect() {
				steps = append(steps, told{c.ID, c.Ref, Event{Kind: StepsReconfigure, Actor: by.ID, Rules: p.StepsInEffect()}})
			}
		}
		count += len(dates)
		if err := errors.Join(s.journeys.tellAll(ctx, tx, dates), s.journeys.tellAll(ctx, tx, steps)); err != nil {
			return count, err
		}
	}
}

// datesEvent is what a customer with these extensions learns of moved dates, and whether there is anything to learn.
func datesEvent(moved []MovedDate, extensions map[string]Day) (Event, bool) {
	e := Event{Kind: DatesChanged, Was: map[string]Day{}, Days: map[string]Day{}}
	for _, m := range moved {
		was, is := later(m.Was, extensions[m.Milestone]), later(m.Day, extensions[m.Milestone])
		if was != is {
			e.Was[m.Milestone], e.Days[m.Milestone] = was, is
		}
	}
	return e, len(e.Days) > 0
}

func later(a, b Day) Day {
	if b.After(a) {
		return b
	}
	return a
}

// Withdraw takes a proposed version back. Anyone who may propose may do so.
func (s *Programmes) Withdraw(ctx context.Context, by Actor, version int) error {
	return s.db.InTx(ctx, db.SystemScope("withdraw programme"), func(tx *db.Tx) error {
		v, err := s.store.one(ctx, tx.Pgx, `version = $1 FOR UPDATE`, version)
		if err != nil {
			return err
		}
		if err := s.store.withdraw(ctx, tx, version); err != nil {
			return err
		}
		return s.record(ctx, tx, by, "programme.withdraw", v, nil)
	})
}

func (s *Programmes) record(ctx context.Context, tx *db.Tx, by Actor, act string, v Version, detail map[string]any) error {
	if detail == nil {
		detail = map[string]any{}
	}
	detail["digest"] = v.Digest
	return audit.Record(ctx, tx, audit.Entry{Actor: by.ID, ActorKind: by.Kind, Act: act, Object: fmt.Sprintf("programme version %d", v.Number), Detail: detail})
}
