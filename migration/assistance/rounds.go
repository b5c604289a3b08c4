package assistance

import (
	"context"
	"time"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/assistance/hours"
)

// answerRound notes the first answer of a round.
func (s *Service) answerRound(ctx context.Context, tx *db.Tx, p *migration.Programme, r Request) error {
	round, err := s.store.lastRound(ctx, tx, r)
	if err != nil || round.AnsweredAt != nil {
		return err
	}
	return s.store.answerRound(ctx, tx, r, round.N, hours.Of(p).Between(round.OpenedAt, tx.Now))
}

// endRound notes how long a round took: to the last answer where the customer said nothing after it.
func (s *Service) endRound(ctx context.Context, tx *db.Tx, p *migration.Programme, r Request) error {
	round, err := s.store.lastRound(ctx, tx, r)
	if err != nil || round.EndedAt != nil {
		return err
	}
	end := tx.Now
	if r.State == Answered && r.AnsweredAt != nil {
		end = *r.AnsweredAt
	}
	return s.store.endRound(ctx, tx, r, round.N, max(0, hours.Of(p).Between(round.OpenedAt, end)))
}

// seconds are whole ones, so that what is shown and what is stored are the same.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }
