package auth

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/migration"
)

// Also is a question of the caller's that is answered in the session's own round trip. Its statements run in the scope of
// the session's customer and find that customer's id as current_setting('offramp.customer'). Read is called only for a
// live session, with the results in the order they were queued; it is for the caller to use them only after Resolve has
// found nothing wrong.
type Also struct {
	Queue func(b *pgx.Batch)
	Read  func(r pgx.BatchResults) error
}

// Resolve returns the session behind a cookie in one round trip. ErrSignedOut when there is none or it is over;
// ErrDisabled, ErrStaffDisabled and ErrNoRole when the person has lost what they signed in with, and then the Session says who it was.
// touch keeps the session from idling out; requests that a page makes by itself do not touch.
func (s *Service) Resolve(ctx context.Context, cookie string, touch bool, also ...Also) (Session, error) {
	if cookie == "" {
		return Session{}, ErrSignedOut
	}
	now := s.db.Clock.Now()
	token := hash(cookie)
	session, active, err := s.store.session(ctx, token, now, now.Add(-s.config.Idle), also)
	switch {
	case err != nil:
		return Session{}, err
	case !active && session.Realm == Staff:
		return session, ErrStaffDisabled
	case !active:
		return session, ErrDisabled
	case session.Realm == Staff && len(session.Roles) == 0:
		return session, ErrNoRole
	case session.Realm == Customers && session.Role != migration.Owner && session.Role != migration.Member:
		return session, ErrDisabled
	}
	if touch && now.Sub(session.SeenAt) >= touchEvery {
		session.SeenAt = now
		return session, s.store.touch(ctx, token, now)
	}
	return session, nil
}

// IdleAt is when the session ends unless the person does something.
func (s *Service) IdleAt(session Session) time.Time {
	at := session.SeenAt.Add(s.config.Idle)
	if at.After(session.ExpiresAt) {
		return session.ExpiresAt
	}
	return at
}
