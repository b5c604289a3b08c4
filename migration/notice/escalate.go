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
