package auth

import (
	"context"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// List returns the person's live sessions, the last used first.
func (s *Service) List(ctx context.Context, session Session) ([]Live, error) {
	now := s.db.Clock.Now()
	return s.store.live(ctx, session, now, now.Add(-s.config.Idle))
}

// End ends one of the person's own sessions. ErrNoSession when there is no such live one.
func (s *Service) End(ctx context.Context, session Session, id string) error {
	return s.db.InTx(ctx, session.Scope(), func(tx *db.Tx) error {
		ended, err := s.store.end(ctx, tx, session.IdentityID, id)
		if err != nil {
			return err
		}
		if !ended {
			return ErrNoSession
		}
		return audit.Record(ctx, tx, ending(session, "session.end", id, nil))
	})
}

// EndOthers ends the person's sessions but for this one, and says how many those were.
func (s *Service) EndOthers(ctx context.Context, session Session) (count int, err error) {
	err = s.db.InTx(ctx, session.Scope(), func(tx *db.Tx) error {
		if count, err = s.store.endOthers(ctx, tx, session.IdentityID, session.ID); err != nil || count == 0 {
			return err
		}
		return audit.Record(ctx, tx, ending(session, "session.end_others", session.ID, map[string]any{"ended": count}))
	})
	return count, err
}

// SignOut ends the session. For some minutes after it, Farewell knows where to sign out of the provider, too.
func (s *Service) SignOut(ctx context.Context, session Session) error {
	return s.db.InTx(ctx, session.Scope(), func(tx *db.Tx) error {
		ended, err := s.store.signOut(ctx, tx, session.ID)
		if err != nil || !ended {
			return err
		}
		return audit.Record(ctx, tx, ending(session, "session.sign_out", session.ID, nil))
	})
}

func ending(session Session, act, id string, detail map[string]any) audit.Entry {
	return audit.Entry{
		Actor: session.Actor(), ActorKind: session.ActorKind(), Act: act, Object: "session " + id, CustomerID: session.CustomerID, Detail: detail,
	}
}

// Farewell returns, once, the provider's address for signing out there, for the cookie of a session that was signed out
// just now. Empty when there is nowhere to go.
func (s *Service) Farewell(ctx context.Context, oldCookie string) (address string, err error) {
	if oldCookie == "" {
		return "", nil
	}
	realm, idToken, err := s.store.farewell(ctx, hash(oldCookie), s.db.Clock.Now().Add(-farewellFor))
	if err != nil || idToken == "" {
		return "", err
	}
	c := s.realm(realm)
	return c.Provider.LogoutURL(ctx, idToken, c.SignedOutURL)
}

// BackChannelLogout ends the sessions that a provider's logout token names. ErrLogoutToken when the token is not in order
// or was taken before.
func (s *Service) BackChannelLogout(ctx context.Context, realm Realm, token string) error {
	logout, err := s.realm(realm).Provider.VerifyLogout(ctx, token)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, db.SystemScope("back-channel logout"), func(tx *db.Tx) error {
		fresh, err := s.store.takeLogoutToken(ctx, tx, logout)
		if err != nil {
			return err
		}
		if !fresh {
			return ErrLogoutToken
		}
		ended, err := s.store.endByProvider(ctx, tx, realm, logout)
		if err != nil {
			return err
		}
		for _, e := range ended {
			entry := audit.Entry{
				Actor: "provider", ActorKind: audit.System, Act: "session.end", Object: "session " + e.SessionID, CustomerID: e.CustomerID,
				Detail: map[string]any{"identity": e.IdentityID, "issuer": logout.Issuer},
			}
			if err := audit.Record(ctx, tx, entry); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sweep removes what is past: unfinished sign-ins, logout tokens, tokens of ended sessions, and the rows of sessions that
// ended long ago.
func (s *Service) Sweep(ctx context.Context) error {
	return s.db.InTx(ctx, db.SystemScope("session sweep"), func(tx *db.Tx) error {
		return s.store.sweep(ctx, tx)
	})
}
