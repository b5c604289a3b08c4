package notice

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/migration"
)

// correctionPrefix begins the key of a correction; the version that moved the dates follows. No key of the file has a colon.
const correctionPrefix = "moved:"

// IsCorrection reports whether a notice's key is that of a correction.
func IsCorrection(key string) bool { return strings.HasPrefix(key, correctionPrefix) }

// correction is what a version that moved dates left to say.
type correction struct {
	Version   int
	Moved     []migration.MovedDate
	Customers int // who had been told an old date when it was drafted
	DraftedAt time.Time
	PlannedAt *time.Time // when its messages were planned last
}

func (c correction) key() string { return fmt.Sprintf("%s%d", correctionPrefix, c.Version) }

// notice is a correction as the planner and the sender know notices. Its words are the portal's own, in the programme's languages.
func (c correction) notice(p *migration.Programme) migration.Notice {
	words := migration.Words{Title: migration.Text{}, Opening: migration.Text{}, Next: migration.Text{}, Script: migration.Text{}}
	for _, tag := range p.Locales {
		l := locale.For(tag)
		words.Title[tag], words.Opening[tag] = l.T("notice.moved.subject"), l.T("notice.moved.opening")
		words.Next[tag], words.Script[tag] = l.T("notice.moved.next"), l.T("notice.moved.script")
	}
	if slices.Contains(p.Notices.Channels, migration.ChannelSMS) { // what is approved stays as it was where there is no such channel
		words.SMS = migration.Text{}
		for _, tag := range p.Locales {
			words.SMS[tag] = locale.For(tag).T("notice.moved.sms")
		}
	}
	return migration.Notice{
		Key: c.key(), Kind: migration.NoticeCorrection, On: migration.Trigger{Day: migration.DayOf(c.DraftedAt.In(p.Zone))},
		Channels: p.Notices.Channels, Words: []migration.Words{words}, Moved: c.Moved,
	}
}

// programme is the one in effect, with the corrections of moved dates among its notices.
func (s *Service) programme(ctx context.Context) (*migration.Programme, error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return nil, err
	}
	list, err := s.store.corrections(ctx, s.db.Pool)
	if err != nil || len(list) == 0 {
		return p, err
	}
	with := *p
	with.Notices.List = slices.Clone(p.Notices.List)
	for _, c := range list {
		with.Notices.List = append(with.Notices.List, c.notice(p))
	}
	return &with, nil
}

// Correct drafts the correction for a version that moves dates, in place of one that was not sent to the end, and counts the
// customers who were told an old date. It implements migration.Corrector.
func (s *Service) Correct(ctx context.Context, tx *db.Tx, p *migration.Programme, moved []migration.MovedDate) (int, error) {
	moved, err := s.left(ctx, tx, p, moved)
	if err != nil {
		return 0, err
	}
	customers, err := s.store.misled(ctx, tx, p, moved)
	if err != nil {
		return 0, err
	}
	return customers, s.store.draft(ctx, tx, correction{Version: p.Version, Moved: moved, Customers: customers})
}

// left adds to moved dates what corrections that were not sent to the end had to say.
func (s *Service) left(ctx context.Context, tx *db.Tx, p *migration.Programme, moved []migration.MovedDate) ([]migration.MovedDate, error) {
	unsent, err := s.store.unsent(ctx, tx)
	if err != nil {
		return nil, err
	}
	was := map[string]migration.Day{}
	for _, c := range slices.Backward(unsent) { // the oldest counts: it is what customers were told
		for _, m := range c.Moved {
			was[m.Milestone] = m.Was
		}
	}
	moved = slices.Clone(moved)
	for i, m := range moved {
		if day, ok := was[m.Milestone]; ok {
			moved[i].Was = day
			delete(was, m.Milestone)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if m, ok := p.Milestone(key); ok {
			moved = append(moved, migration.MovedDate{Milestone: key, Was: was[key], Day: m.Day})
		}
	}
	return moved, nil
}

// catchUp drafts the correction of the version in effect where its approval has not: another release approved it.
func (s *Service) catchUp(ctx context.Context, tx *db.Tx, p *migration.Programme) error {
	if s.caught.Load() == int64(p.Version) {
		return nil
	}
	source, err := s.store.predecessor(ctx, tx, p.Version)
	if err != nil {
		return err
	}
	if source != "" {
		old, err := migration.ReadProgramme([]byte(source))
		if err != nil {
			return fmt.Errorf("read the programme before version %d: %w", p.Version, err)
		}
		moved := slices.DeleteFunc(p.Moved(old), func(m migration.MovedDate) bool { return m.Was.IsZero() || m.Day.IsZero() })
		if len(moved) > 0 {
			if _, err := s.Correct(ctx, tx, p, moved); err != nil {
				return err
			}
		}
	}
	s.caught.Store(int64(p.Version))
	return nil
}

// settled is for how long after its approval a correction is planned again and again: a mail that was under way when the dates
// moved has named the old ones, too.
const settled = 15 * time.Minute

// planCorrection writes down who is to get a correction.
func (s *Service) planCorrection(ctx context.Context, tx *db.Tx, p *migration.Programme, n migration.Notice) (int64, error) {
	c, err := s.store.correction(ctx, tx, n.Key)
	if err != nil {
		return 0, err
	}
	_, hash := ContentOf(p, n)
	approved, err := s.store.approvedAt(ctx, tx, n.Key, hash)
	if err != nil || c.PlannedAt != nil && c.PlannedAt.After(approved.Add(settled)) {
		return 0, err
	}
	return s.store.planCorrection(ctx, tx, p, n, hash)
}

// told is which day of each milestone a customer was told last, by contact; what was said on the phone is under no contact.
type told map[string]map[string]migration.Day

// wrong are the dates that a customer was told and that are others by now.
func (t told) wrong(p *migration.Programme, n migration.Notice, extensions map[string]migration.Day, contact string) map[string]migration.Day {
	w := writer{p: p, r: Reader{Extensions: extensions}}
	of := func(days map[string]migration.Day) map[string]migration.Day {
		found := map[string]migration.Day{}
		for _, m := range n.Moved {
			if day, ok := days[m.Milestone]; ok && day != w.day(m.Milestone) {
				found[m.Milestone] = day
			}
		}
		return found
	}
	if own := of(t[contact]); len(own) > 0 {
		return own
	}
	all := map[string]migration.Day{}
	for _, who := range slices.Sorted(maps.Keys(t)) {
		maps.Copy(all, of(t[who]))
	}
	return all
}

// recall reads what the customers of corrections were told last.
func (s *Service) recall(ctx context.Context, tx *db.Tx, b *batch, messages []message) error {
	var moved []migration.MovedDate
	var who []string
	for _, m := range messages {
		if n, ok := b.programme.Notice(m.Notice); ok && n.Kind == migration.NoticeCorrection {
			moved, who = append(moved, n.Moved...), append(who, m.CustomerID)
		}
	}
	if len(who) == 0 {
		return nil
	}
	var err error
	b.told, err = s.store.told(ctx, tx, b.programme, once(moved), who)
	return err
}

// toldOf is what one reader is corrected about; for a preview of who was told nothing, what others were told.
func (s *Service) toldOf(
	ctx context.Context, tx *db.Tx, p *migration.Programme, n migration.Notice, r recipient, contact string,
) (map[string]migration.Day, error) {
	all, err := s.store.told(ctx, tx, p, n.Moved, []string{r.ID})
	if err != nil {
		return nil, err
	}
	days := all[r.ID].wrong(p, n, r.Extensions, contact)
	if len(days) == 0 {
		for _, m := range n.Moved {
			days[m.Milestone] = m.Was
		}
	}
	return days, nil
}

// once leaves each milestone once.
func once(moved []migration.MovedDate) (list []migration.MovedDate) {
	for _, m := range moved {
		if !slices.ContainsFunc(list, func(o migration.MovedDate) bool { return o.Milestone == m.Milestone }) {
			list = append(list, m)
		}
	}
	return list
}

// Misled are the customers who were told dates that a version moves.
type Misled struct {
	Customers int
	Notices   []CountOf
	List      []MisledCustomer // up to the limit that was asked for, in order of their numbers
}

// CountOf is how many customers had a date from a notice last.
type CountOf struct {
	Notice    string // key
	Customers int
}

// MisledCustomer is one customer with the dates that are others now.
type MisledCustomer struct {
	CustomerID, Ref, Name, Tier string
	Notice                      string // that told them last
	Dates                       []migration.MovedDate
}

// Misled tells who would be corrected if p took effect with these dates moved: who was told an old date, and by which notice
// last. The look is recorded. For staff.
func (s *Service) Misled(ctx context.Context, staffID string, p *migration.Programme, moved []migration.MovedDate, limit int) (m Misled, err error) {
	moved = slices.DeleteFunc(slices.Clone(moved), func(m migration.MovedDate) bool { return m.Was.IsZero() || m.Day.IsZero() })
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if moved, err = s.left(ctx, tx, p, moved); err != nil || len(moved) == 0 {
			return err
		}
		if m.Notices, err = s.store.misledBy(ctx, tx, p, moved); err != nil {
			return err
		}
		if m.Customers, err = s.store.misled(ctx, tx, p, moved); err != nil || m.Customers == 0 {
			return err
		}
		if m.List, err = s.store.misledList(ctx, tx, p, moved, limit); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.misled", Object: "notices", Detail: map[string]any{"customers": m.Customers},
		})
	})
	return m, err
}

// Outdated is a date in messages that were sent, which is another one by now.
type Outdated struct {
	Notice    string // key
	Milestone string
	Told      migration.Day
	Customers int // who were told it
	Open      int // of these, who were told no other since
}

// Outdated lists the dates that sent messages name and that have moved since, by notice. For staff.
func (s *Service) Outdated(ctx context.Context, staffID string) (list []Outdated, err error) {
	p, err := s.programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.outdated(ctx, tx, p)
		return err
	})
	return list, err
}
