package auth

import (
	"context"
	"time"

	"offramp/migration"
)

// Resolve returns the session behind a cookie in one round trip. ErrSignedOut when there is none or it is over;
// ErrDisabled and ErrNoRole when the person has lost what they signed in with, and then the Session says who it was.
// touch keeps the session from idling out; requests that a page makes by itself do not touch.
func (s *Service) Resolve(ctx context.Context, cookie string, touch bool) (Session, error) {
	if cookie == "" {
		return Session{}, ErrSignedOut
	}
	now := s.db.Clock.Now()
	token := hash(cookie)
	session, active, err := s.store.session(ctx, token, now, now.Add(-s.config.Idle))
	switch {
	case err != nil:
		return Session{}, err
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
