package truth

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// Suppression is an address that nothing is sent to any more.
type Suppression struct {
	ContactID, CustomerID        string
	Ref, Customer, Contact, Mail string // Mail is the address, masked by whoever shows it
	Cause, Evidence              string
	Current                      bool // the contact still has this address
	At                           time.Time
	LiftedBy                     string
	LiftedAt                     *time.Time
	Facts                        []Said
	Probe                        *Probe // the latest test mail
}

// Said is one fact as it is shown.
type Said struct {
	Source string    `json:"source"`
	Kind   string    `json:"kind"`
	Blame  string    `json:"blame"`
	Status string    `json:"status"`
	Detail string    `json:"detail"`
	At     time.Time `json:"at"`
}

// Probe is a test mail.
type Probe struct {
	State   string     `json:"state"` // asked, sending, accepted, refused, deferred, unknown or bounced
	Detail  string     `json:"detail"`
	AskedBy string     `json:"asked_by"`
	AskedAt time.Time  `json:"asked_at"`
	EndedAt *time.Time `json:"ended_at"`
}

// Suppressions lists addresses that nothing is sent to, newest first, at most limit, and those that a test mail was asked for lately.
// search finds customers by number or name, and contacts by name or address. For staff; the look is recorded.
func (s *Service) Suppressions(ctx context.Context, staffID, search string, limit int) (list []Suppression, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.suppressions(ctx, tx, strings.TrimSpace(search), limit, tx.Now.Add(-Window)); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.suppressions", Object: "suppressions", Detail: map[string]any{"found": len(list)},
		})
	})
	return list, err
}

// Lift asks for a test mail to a suppressed address. When the customer's server takes it, the address is written to again, in the
// name of whoever asked. ErrNone; ErrAsked while one is under way. For staff.
func (s *Service) Lift(ctx context.Context, staffID, contactID string) error {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		customerID, err := s.store.ask(ctx, tx, rand.Text(), contactID, hex.EncodeToString(id[:]), staffID)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.lift", Object: "contact " + contactID, CustomerID: customerID,
		})
	})
}

// Test is a test mail to send.
type Test struct {
	ID, CustomerID, ContactID, MailID  string
	Ref, Customer, Tier, Contact, Mail string
	Locale, Zone                       string
	AskedBy                            string
}

// Tests takes up to limit test mails that wait, as being sent. What a process that died was sending is unknown.
func (s *Service) Tests(ctx context.Context, tx *db.Tx, limit int, abandoned time.Time) ([]Test, error) {
	return s.store.tests(ctx, tx, limit, abandoned)
}

// Tested records what a test mail came to. Once the server has taken it, the address is written to again.
func (s *Service) Tested(ctx context.Context, tx *db.Tx, t Test, state, detail string) error {
	moved, err := s.store.tested(ctx, tx, t, state, detail)
	if err != nil || !moved || state != "accepted" {
		return err
	}
	if err := s.store.lift(ctx, tx, t); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: "notices", ActorKind: audit.System, Act: "notice.lifted", Object: "contact " + t.ContactID, CustomerID: t.CustomerID,
		Detail: map[string]any{"asked_by": t.AskedBy, "mail": t.MailID},
	})
}

// Again has a mail sent once more of which nobody knows whether it arrived. It may come twice, which whoever asks has confirmed.
// ErrNone; ErrSettled where it is known by now. For staff.
func (s *Service) Again(ctx context.Context, staffID, messageID, contactID string) error {
	return s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		customerID, notice, err := s.store.again(ctx, tx, messageID, contactID, staffID)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.send_again", Object: "notice " + notice, CustomerID: customerID,
			Detail: map[string]any{"message": messageID, "contact": contactID},
		})
	})
}

// Tally is how many mails came in, by way and what they were.
type Tally struct {
	Source, Outcome string
	Count           int64
}

// Inflow is what came in since an instant, and how the mailbox is.
type Inflow struct {
	Tallies  []Tally
	LookedAt *time.Time // of the mailbox; nil: there is none
	Problem  string     // of its last look; empty: none
}

// Inflow tells what came in lately. It names nobody. For staff.
func (s *Service) Inflow(ctx context.Context, staffID string, since time.Time) (in Inflow, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		in, err = s.store.inflow(ctx, tx, since)
		return err
	})
	return in, err
}

// Doubt is a mail of which nobody knows yet whether it arrived.
type Doubt struct {
	MessageID, ContactID         string
	Ref, Customer, Contact, Mail string
	Channel, Phone               string // email or sms; the number is masked by whoever shows it
	Subject, State, Detail       string // State is unknown, lapsed or delayed
	StartedAt                    time.Time
	Until                        *time.Time // of a delay, as the server said
	AgainBy                      string     // who has it sent again; empty: nobody
}

// Unknowns lists mails of which nobody knows whether they arrived, newest first, at most limit. For staff; the look is recorded.
func (s *Service) Unknowns(ctx context.Context, staffID, search string, limit int) (list []Doubt, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.unknowns(ctx, tx, strings.TrimSpace(search), limit); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.unknowns", Object: "deliveries", Detail: map[string]any{"found": len(list)},
		})
	})
	return list, err
}

// Blocked is a number that nothing is sent to any more, since the gateway says that there is none.
type Blocked struct {
	ContactID, CustomerID         string
	Ref, Customer, Contact, Phone string // Phone is masked by whoever shows it
	Evidence                      string
	At                            time.Time
}

// BlockedNumbers lists numbers that nothing is sent to, newest first, at most limit. search is that of Suppressions. For staff; the look
// is recorded.
func (s *Service) BlockedNumbers(ctx context.Context, staffID, search string, limit int) (list []Blocked, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, err = s.store.blocked(ctx, tx, strings.TrimSpace(search), limit); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "sms.blocked", Object: "numbers", Detail: map[string]any{"found": len(list)},
		})
	})
	return list, err
}
