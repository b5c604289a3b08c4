package notice

import (
	"context"
	"fmt"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Approve approves the content of a notice as the person has seen it: hash is that of the page. It counts until anything of the
// content changes. ErrUnknown; ErrChanged where the content is another by now; ErrSamePerson for whoever proposed the version
// that brought it; ErrApproved.
func (s *Service) Approve(ctx context.Context, staffID, key, hash string) error {
	p, err := s.programme(ctx)
	if err != nil {
		return err
	}
	n, ok := p.Notice(key)
	if !ok {
		return ErrUnknown
	}
	raw, current := ContentOf(p, n)
	if current != hash {
		return ErrChanged
	}
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if err := s.store.approve(ctx, tx, p.Version, key, hash, raw, staffID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.approve", Object: "notice " + key, Detail: map[string]any{"hash": hash},
		})
	})
}

// Pause stops a notice, or all of them with an empty key; what is under way ends. Resume lets it go on. A rate is in mails a
// minute; 0 is the plan's.
func (s *Service) Pause(ctx context.Context, staffID, key, reason string) error {
	return s.control(ctx, staffID, key, "notice.pause", func(c *control) error {
		if reason = strings.TrimSpace(reason); reason == "" {
			return ErrNoReason.Field("reason", "notice.no_reason", nil)
		}
		c.Paused, c.Reason = true, reason
		return nil
	})
}

// Resume lets a notice that stands still go on.
func (s *Service) Resume(ctx context.Context, staffID, key string) error {
	return s.control(ctx, staffID, key, "notice.resume", func(c *control) error {
		c.Paused, c.Reason = false, ""
		return nil
	})
}

// maxRate is that of the programme file.
const maxRate = 1_000_000

// SetRate bounds how many mails begin in a minute, of all notices together; 0 is the plan's. ErrBadRate, on the field rate.
func (s *Service) SetRate(ctx context.Context, staffID string, rate int) error {
	return s.control(ctx, staffID, "", "notice.rate", func(c *control) error {
		if rate < 0 || rate > maxRate {
			return ErrBadRate.Field("rate", "notice.bad_rate", map[string]any{"Limit": maxRate})
		}
		c.Rate = rate
		return nil
	})
}

// Rate returns how many mails may begin in a minute, and whether staff have set it rather than the plan.
func (s *Service) Rate(ctx context.Context, staffID string) (rate int, own bool, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return 0, false, err
	}
	rate = p.Notices.Rate
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		controls, err := s.store.controls(ctx, tx)
		if set := controls[""].Rate; set > 0 {
			rate, own = set, true
		}
		return err
	})
	return rate, own, err
}

func (s *Service) control(ctx context.Context, staffID, key, act string, change func(*control) error) error {
	p, err := s.programme(ctx)
	if err != nil {
		return err
	}
	if _, ok := p.Notice(key); !ok && key != "" {
		return ErrUnknown
	}
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		all, err := s.store.controls(ctx, tx)
		if err != nil {
			return err
		}
		c := all[key]
		c.Notice, c.ChangedBy = key, staffID
		if err := change(&c); err != nil {
			return err
		}
		if err := s.store.setControl(ctx, tx, c); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: act, Object: "notice " + key, Detail: map[string]any{"reason": c.Reason, "rate": c.Rate},
		})
	})
}

// Overview is how one notice stands.
type Overview struct {
	Notice   migration.Notice
	Hash     string
	Approved bool
	By       string    // who approved the content
	At       time.Time // when
	Changes  []Change  // what differs from the content that was approved last; empty: nothing was, or nothing does
	Held     string    // why it waits, as of Planned; empty: it goes
	Open     int       // as of Planned
	Paused   bool
	Reason   string
	Counts   Counts
	Meant    int // active customers whom the rule means
	Failed   int // active customers for whom the rule has no result

	content string
}

// Overview returns how each notice of the programme stands, in the plan's order. For staff.
func (s *Service) Overview(ctx context.Context, staffID string) (list []Overview, err error) {
	p, err := s.programme(ctx)
	if err != nil {
		return nil, err
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		held, err := s.held(ctx, tx, p)
		if err != nil {
			return err
		}
		controls, err := s.store.controls(ctx, tx)
		if err != nil {
			return err
		}
		counts, err := s.store.counts(ctx, tx)
		if err != nil {
			return err
		}
		approvals, err := s.store.approvals(ctx, tx)
		if err != nil {
			return err
		}
		for _, n := range p.Notices.List {
			one := Overview{Notice: n, Counts: counts[n.Key], Held: held[n.Key].Held, Open: held[n.Key].Open}
			one.content, one.Hash = ContentOf(p, n)
			one.decided(approvals[n.Key])
			if c := controls[n.Key]; c.Paused || controls[""].Paused {
				one.Paused, one.Reason = true, firstOf(c.Reason, controls[""].Reason)
			}
			if n.Kind == migration.NoticeCorrection {
				c, err := s.store.correction(ctx, tx, n.Key)
				if err != nil {
					return err
				}
				one.Meant = c.Customers
				list = append(list, one)
				continue
			}
			waves, err := s.waves(ctx, tx, p, n)
			if err != nil {
				return err
			}
			if one.Meant, one.Failed, err = s.store.judge(ctx, tx, waves[0]); err != nil {
				return err
			}
			list = append(list, one)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("overview of notices: %w", err)
	}
	return list, nil
}

// decided fills in what is known of approvals, newest first.
func (o *Overview) decided(list []approval) {
	for _, a := range list {
		if a.Hash == o.Hash {
			o.Approved, o.By, o.At = true, a.ApprovedBy, a.ApprovedAt
			return
		}
	}
	if len(list) > 0 {
		o.Changes = Differences(list[0].Content, o.content)
	}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// Preview composes a notice as a customer's first addressee would get it now, by the same code that sends it. An empty tag is
// the contact's own language. ErrUnknown. For staff; the look is recorded.
func (s *Service) Preview(ctx context.Context, staffID, key, customerID, tag string) (letter Letter, to Reader, err error) {
	letter, to, _, err = s.preview(ctx, staffID, key, customerID, tag, migration.ChannelEmail)
	return letter, to, err
}

// PreviewText is Preview for a short message. texted is false where nobody of the customer has agreed to any: the letter is what their
// first addressee by email would get. ErrUnknown, also for a notice without words for short messages.
func (s *Service) PreviewText(ctx context.Context, staffID, key, customerID, tag string) (letter Letter, to Reader, texted bool, err error) {
	return s.preview(ctx, staffID, key, customerID, tag, migration.ChannelSMS)
}

func (s *Service) preview(ctx context.Context, staffID, key, customerID, tag, channel string) (letter Letter, to Reader, reached bool, err error) {
	p, err := s.programme(ctx)
	if err != nil {
		return Letter{}, Reader{}, false, err
	}
	n, ok := p.Notice(key)
	if !ok {
		return Letter{}, Reader{}, false, ErrUnknown
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		found, err := s.store.recipients(ctx, tx, []string{customerID})
		if err != nil {
			return err
		}
		r, ok := found[customerID]
		if !ok {
			return ErrUnknown
		}
		write, list := Compose, addressees(r.Contacts, n)
		if channel == migration.ChannelSMS {
			if len(n.WordsFor(r.Tier).SMS) == 0 {
				return ErrUnknown
			}
			write = ComposeText
			if some := texted(r.Contacts); len(some) > 0 {
				list, reached = some, true
			}
		}
		if len(list) == 0 {
			list = []addressee{{Name: r.Name, Locale: r.Locale}}
		}
		to = readerOf(r, list[0])
		to.Visit = s.seals.LinkToken(to.ContactID, key)
		if n.Kind == migration.NoticeCorrection {
			if to.Told, err = s.toldOf(ctx, tx, p, n, r, to.ContactID); err != nil {
				return err
			}
		}
		if tag != "" {
			to.Locale = tag
		}
		if letter, err = write(p, []migration.Notice{n}, to, tx.Now, s.link); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.preview", Object: "notice " + key, CustomerID: customerID,
		})
	})
	return letter, to, reached, err
}

// Inbox is everything that a customer's contact was ever sent, newest first.
func (s *Service) Inbox(ctx context.Context, who migration.Who) ([]Received, error) {
	return s.store.inbox(ctx, s.db, who)
}

// Received is one mail, or one short message, in the portal's inbox.
type Received struct {
	MailID  string
	Channel string // email or sms
	Subject string
	Body    string // plain text, as it was sent
	Tag     string // its language
	Notices []string
	State   string
	Days    map[string]migration.Day // milestone -> the day that was told
	At      time.Time
}

// Wants reports whether a contact takes optional notices.
func (s *Service) Wants(ctx context.Context, who migration.Who) (bool, error) {
	return s.store.wants(ctx, s.db, who)
}

// Want records whether a contact takes optional notices. Mandatory ones come all the same.
func (s *Service) Want(ctx context.Context, who migration.Who, optional bool) error {
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		if err := s.store.want(ctx, tx, who, optional); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: who.ContactID, ActorKind: audit.Customer, Act: "notice.prefer", Object: "optional notices", CustomerID: who.CustomerID,
			Detail: map[string]any{"optional": optional},
		})
	})
}

// LeavePath is where the reader of an optional mail declines others like it; behind it stands a token of the mail's.
const LeavePath = "/unsubscribe/"

// Leave records that the reader of a mail wants no optional notices any more. ErrUnknown: the mail is not known any more.
func (s *Service) Leave(ctx context.Context, mailID string) error {
	var who migration.Who
	err := s.db.InTx(ctx, system, func(tx *db.Tx) (err error) {
		who, err = s.store.reader(ctx, tx, mailID)
		return err
	})
	if err != nil {
		return err
	}
	return s.Want(ctx, who, false)
}

// Customer finds a customer by the number in the retired product, for a preview. ErrUnknown. For staff; Preview records the look.
func (s *Service) Customer(ctx context.Context, staffID, ref string) (id string, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		id, err = s.store.customer(ctx, tx, ref)
		return err
	})
	return id, err
}
