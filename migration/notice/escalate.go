package notice

import (
	"context"
	"errors"
	"slices"

	"offramp/internal/db"
	"offramp/migration"
)

// escalate hands customers to a person who were mailed the public notice and of whom nothing was heard since: being taken by a
// mail server is no proof that anybody has read it.
func (s *Sender) escalate(ctx context.Context, tx *db.Tx) error {
	p, err := s.programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil
	}
	if err != nil {
		return err
	}
	days := p.Notices.WaitDays
	for _, n := range p.Notices.List {
		if n.Kind != migration.NoticePublic || !slices.Contains(n.Channels, migration.ChannelCall) {
			continue
		}
		due := migration.DayOf(tx.Now.In(p.Zone)).AddDays(days)
		if _, err := s.store.silent(ctx, tx, n.Key, tx.Now.AddDate(0, 0, -days), due); err != nil {
			return err
		}
	}
	return nil
}

// fallBack goes on with messages whose every mail came back, and with those that a person has sent again. What has no channel left
// is for a person.
func (s *Sender) fallBack(ctx context.Context, tx *db.Tx) error {
	p, err := s.programmes.Active(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := s.store.again(ctx, tx); err != nil {
		return err
	}
	var mandatory []string
	for _, n := range p.Notices.List {
		for i, channel := range n.Channels {
			if channel == migration.ChannelCall {
				break
			}
			next := ""
			if i+1 < len(n.Channels) {
				next = n.Channels[i+1]
			}
			if err := s.store.fall(ctx, tx, n.Key, channel, next); err != nil {
				return err
			}
		}
		if n.Mandatory() && n.Kind != migration.NoticePersonal {
			mandatory = append(mandatory, n.Key)
		}
	}
	return s.store.rescue(ctx, tx, mandatory, migration.DayOf(tx.Now.In(p.Zone)).AddDays(p.Notices.WaitDays))
}
