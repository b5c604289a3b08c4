package notice

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/mail"
)

const (
	trialsDaily  = 50 // of one person
	trialsAtOnce = 10
)

// Trial is a notice that a colleague has sent to themselves.
type Trial struct {
	ID, Notice, CustomerID string
	AskedBy                string
	AskedAt                time.Time
	Address, Name, Locale  string
	Subject, HTML, Plain   string // HTML and Plain are empty once it was handed over
	BodyHash               string
	State, Detail          string
	EndedAt                *time.Time
}

// Try sends a notice to whoever asks, at address, as a customer would get it: the same bytes as the preview under a subject that
// says that it is a test. hash is that of the preview; ErrChanged where the letter is another by now. ErrUnknown, ErrNoAddress,
// ErrTrials. For staff.
func (s *Service) Try(ctx context.Context, staffID, name, address, key, customerID, tag, hash string) error {
	if address == "" {
		return ErrNoAddress
	}
	letter, _, err := s.Preview(ctx, staffID, key, customerID, tag)
	if err != nil {
		return err
	}
	if letter.Sum != hash {
		return ErrChanged
	}
	l := locale.For(letter.Bulletin.Tag)
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		n, err := s.store.trialsSince(ctx, tx, staffID, tx.Now.AddDate(0, 0, -1))
		if err != nil {
			return err
		}
		if n >= trialsDaily {
			return ErrTrials
		}
		t := Trial{
			ID: rand.Text(), Notice: key, CustomerID: customerID, AskedBy: staffID, Address: address, Name: name, Locale: letter.Bulletin.Tag,
			Subject: l.T("notice.trial.subject", "Subject", letter.Bulletin.Subject), HTML: letter.HTML, Plain: letter.Plain, BodyHash: letter.Sum,
		}
		if err := s.store.try(ctx, tx, t); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.trial", Object: "notice " + key, CustomerID: customerID, Detail: map[string]any{"hash": letter.Sum},
		})
	})
}

// Tried returns what became of the notice that a person had sent to themselves last; nil: they never did. For staff.
func (s *Service) Tried(ctx context.Context, staffID, key string) (last *Trial, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		last, err = s.store.tried(ctx, tx, staffID, key)
		return err
	})
	return last, err
}

// trials sends what colleagues want to see in their own mailbox.
func (s *Sender) trials(ctx context.Context) error {
	var list []Trial
	err := s.db.InTx(ctx, system, func(tx *db.Tx) (err error) {
		list, err = s.store.trials(ctx, tx, trialsAtOnce, tx.Now.Add(-lease))
		return err
	})
	if err != nil {
		return err
	}
	after := context.WithoutCancel(ctx)
	for _, t := range list {
		r := s.Post.Hand(after, mail.Envelope{
			Name: t.Name, Address: t.Address, Tag: t.Locale, Subject: t.Subject, HTML: t.HTML, Plain: t.Plain, ID: t.ID, At: s.db.Clock.Now(),
		})
		if r.State != mail.Accepted {
			s.Logger.WarnContext(after, "a test of a notice was not accepted", slog.String("notice", t.Notice), slog.String("state", r.State))
		}
		err := s.db.InTx(after, system, func(tx *db.Tx) error { return s.store.endTrial(after, tx, t.ID, r.State, r.Detail) })
		if err != nil {
			return err
		}
	}
	return nil
}
