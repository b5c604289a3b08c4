package click

import (
	"context"
	"time"

	"offramp/internal/db"
)

// Path is where the links of mails lead; behind it stand a token and the place to go on to.
const Path = "/go/"

// mostKept bounds what is kept of one mail: a scanner may come back for years.
const mostKept = 100

// Kinds.
const (
	Followed = "followed"
	Opened   = "opened"
)

// Service keeps clicks. Safe for concurrent use.
type Service struct {
	db    *db.DB
	store store
}

// New works on d.
func New(d *db.DB) *Service { return &Service{db: d} }

var system = db.SystemScope("notice links")

// Follow records that the link of a mail was followed. token is the one in the link; one that no mail has changes nothing.
func (s *Service) Follow(ctx context.Context, token, place string, sign Sign) error {
	return s.db.InTx(ctx, system, func(tx *db.Tx) error {
		m, known, err := s.store.find(ctx, tx, token)
		if err != nil || !known {
			return err
		}
		c := clicked{mailID: m.MailID, customerID: m.CustomerID, contactID: m.ContactID, kind: Followed, place: place}
		if c.why = judge(sign, m.SentAt, tx.Now); c.why == "" {
			many, err := s.store.many(ctx, tx, m.MailID, place, tx.Now.Add(-oneHand))
			if err != nil {
				return err
			}
			if many {
				c.why = WhyMany
			}
		}
		return s.store.add(ctx, tx, c)
	})
}

// Report records, within a transaction, what a mail gateway says that a mail's reader did: Opened or Followed. A gateway that does
// not say that it was a person is taken to mean a program.
func (s *Service) Report(ctx context.Context, tx *db.Tx, mailID, kind string, person bool) (known bool, err error) {
	m, known, err := s.store.mail(ctx, tx, mailID)
	if err != nil || !known {
		return known, err
	}
	c := clicked{mailID: mailID, customerID: m.CustomerID, contactID: m.ContactID, kind: kind, why: WhyGateway}
	if person {
		c.why = ""
	}
	return true, s.store.add(ctx, tx, c)
}

// mailed is the mail that a link stands in.
type mailed struct {
	MailID, CustomerID, ContactID string
	SentAt                        time.Time
}
