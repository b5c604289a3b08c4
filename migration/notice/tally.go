package notice

import (
	"context"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// Group is what a message is counted under; one message is in several.
type Group string

// The groups. Accepted to Deferred are by email, by the best of a customer's contacts.
const (
	All        Group = "planned"
	Waiting    Group = "waiting" // not sent yet
	Sent       Group = "sent"
	Accepted   Group = "accepted"   // a server took it, and it is not known to have come back
	Refused    Group = "refused"    // for good, by the first server
	Bounced    Group = "bounced"    // it came back
	Bad        Group = "bad"        // Refused or Bounced
	Complained Group = "complained" // it arrived, and the reader called it unwanted
	Unknown    Group = "unknown"    // nobody knows whether it arrived
	Deferred   Group = "deferred"   // not taken yet, and tried again
	Calls      Group = "calls_opened"
	Dropped    Group = "dropped"
	Failed     Group = "failed"
	NoResult   Group = "no_result" // of Failed: the rule had no result at the moment of sending
	Reached    Group = "reached"   // of Sent: somebody signed in or spoke with us since
	Silent     Group = "silent"    // of Sent: the others
	Followed   Group = "followed"  // a person followed a link of the mail; programs' clicks are apart
	Scanned    Group = "scanned"   // only programs followed links
	Opened     Group = "opened"    // a mail gateway says that a person opened it
	Loaded     Group = "loaded"    // only programs are known to have opened it
)

// Counts are the messages of a notice by group.
type Counts map[Group]int

// Finished reports whether nothing is left to send: every message that was planned has ended.
func (c Counts) Finished() bool { return c[All] > 0 && c[Waiting] == 0 }

// Part counts those messages of a notice that have one value of channel, tier or locale.
type Part struct {
	By     string // channel, tier or locale
	Value  string // of channel also empty: none was tried yet
	Counts Counts
}

// Parts counts a notice's messages by channel, tier and language. For staff.
func (s *Service) Parts(ctx context.Context, staffID, key string) (list []Part, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err = s.store.parts(ctx, tx, key)
		return err
	})
	return list, err
}

// MessageQuery narrows the messages of a notice; empty fields do not. Limit is needed.
type MessageQuery struct {
	Notice                string
	Group                 Group
	Channel, Tier, Locale string
	Offset, Limit         int
}

// Message is one message to one customer with what became of it.
type Message struct {
	CustomerID, Ref, Name, Tier, Locale string
	Stage                               int
	DueDay                              time.Time // midnight UTC
	State, Reason, Channel              string
	Best                                string // state of the best delivery; empty: there is none
	Followed                            string // person or program; empty: no link was followed
	SentAt                              *time.Time
	Call, Reached                       bool
}

// Messages lists messages of one notice by customer number, and counts all that the query means. ErrUnknown: there is no such notice or
// group. The look is recorded. For staff.
func (s *Service) Messages(ctx context.Context, staffID string, q MessageQuery) (list []Message, found int, err error) {
	if q.Group == "" {
		q.Group = All
	}
	p, err := s.programme(ctx)
	if err != nil {
		return nil, 0, err
	}
	if _, ok := p.Notice(q.Notice); !ok || groups[q.Group] == "" {
		return nil, 0, ErrUnknown
	}
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		if list, found, err = s.store.messages(ctx, tx, q); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "notice.messages", Object: "notice " + q.Notice,
			Detail: map[string]any{"group": string(q.Group), "found": found},
		})
	})
	return list, found, err
}
