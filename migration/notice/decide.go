package notice

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/audience"
)

// Why a message was dropped or failed.
const (
	ReasonGone      = "gone"       // the programme has no such notice any more
	ReasonDisabled  = "disabled"   // the customer is not active
	ReasonDone      = "done"       // the step is completed or not needed
	ReasonAudience  = "audience"   // the rule does not mean the customer any more
	ReasonExpired   = "expired"    // the day that is reminded of is over
	ReasonRule      = "rule"       // the rule has no result for the customer
	ReasonNoChannel = "no_channel" // no channel of the notice is left
	ReasonDeclined  = "declined"   // nobody of the customer takes optional notices
	ReasonCurrent   = "current"    // another message has told the moved dates already
)

func customersOf(list []message) (ids []string) {
	for _, m := range list {
		ids = append(ids, m.CustomerID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// byCustomer groups messages, each group in the order in which they are due.
func byCustomer(list []message) (groups [][]message) {
	slices.SortFunc(list, func(a, b message) int {
		return cmp.Or(cmp.Compare(a.CustomerID, b.CustomerID), a.DueDay.Compare(b.DueDay), cmp.Compare(a.Notice, b.Notice))
	})
	for i, m := range list {
		if i == 0 || m.CustomerID != list[i-1].CustomerID {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], m)
	}
	return groups
}

// sheet is one mail, or one short message, to one contact: the reminders of a day share it, every other notice has one alone.
type sheet struct{ channel, contact, alone string }

// decide checks everything anew for one customer: who is still meant, by which channel, and what goes into one mail.
func (s *Sender) decide(ctx context.Context, tx *db.Tx, b *batch, r recipient, list []message) error {
	mails := map[sheet][]message{}
	for _, m := range list {
		n, known := b.programme.Notice(m.Notice)
		next := step{id: m.ID, state: "planned", channel: m.Channel, hash: b.hashes[m.Notice], nextAt: tx.Now}
		if state, reason := verdict(b.programme, n, known, r, tx.Now); state != "" {
			next.state, next.reason = state, reason
			b.steps = append(b.steps, next)
			continue
		}
		if n.Kind == migration.NoticeCorrection && len(b.told[r.ID].wrong(b.programme, n, r.Extensions, "")) == 0 {
			next.state, next.reason = "dropped", ReasonCurrent
			b.steps = append(b.steps, next)
			continue
		}
		zone := migration.Location(r.Zone, b.programme.Zone)
		if until := quietUntil(b.programme.Notices, zone, tx.Now); until.After(tx.Now) {
			next.nextAt = until
			b.steps = append(b.steps, next)
			continue
		}
		settled, err := s.channel(ctx, tx, b, r, m, n, mails)
		if err != nil {
			return err
		}
		if settled != nil {
			settled.hash = next.hash
			b.steps = append(b.steps, *settled)
		}
	}
	return s.pack(b, r, mails, tx.Now)
}

// verdict tells whether a message is not to be sent, and why. An empty state: it is.
func verdict(p *migration.Programme, n migration.Notice, known bool, r recipient, now time.Time) (state, reason string) {
	base := migration.Day{}
	if m, ok := p.Milestone(n.On.Milestone); ok {
		base = m.Day
		if later := r.Extensions[m.Key]; later.After(base) {
			base = later
		}
	}
	end, expires := expires(p, n, base)
	switch status := r.Steps[n.Step]; {
	case !known:
		return "dropped", ReasonGone
	case !r.Active:
		return "dropped", ReasonDisabled
	case n.Kind == migration.NoticeReminder && (status == string(migration.Completed) || status == string(migration.NotNeeded)):
		return "dropped", ReasonDone
	case expires && now.After(end):
		return "dropped", ReasonExpired
	case n.Audience == "":
		return "", ""
	}
	rule, err := audience.Compile(n.Audience, featuresOf(p))
	if err != nil {
		return "failed", ReasonRule
	}
	meant, err := rule.Holds(audience.Customer{
		Ref: r.Ref, Name: r.Name, Tier: r.Tier, Locale: r.Locale, Zone: r.Zone, Attributes: r.Attributes, Steps: r.Steps, Uses: r.Uses,
	})
	switch {
	case err != nil:
		return "failed", ReasonRule
	case !meant:
		return "dropped", ReasonAudience
	}
	return "", ""
}

func featuresOf(p *migration.Programme) (keys []string) {
	for _, f := range p.Features {
		keys = append(keys, f.Key)
	}
	return keys
}

// channel takes the first channel, from the one that was tried last, on which the customer can be told now. A mail is added to
// mails or to the batch; whatever else settles the message is returned.
func (s *Sender) channel(ctx context.Context, tx *db.Tx, b *batch, r recipient, m message, n migration.Notice, mails map[sheet][]message) (*step, error) {
	first := max(0, slices.Index(n.Channels, m.Channel))
	for _, channel := range n.Channels[first:] {
		m.Channel = channel
		switch channel {
		case migration.ChannelEmail:
			to := addressees(r.Contacts, n)
			if len(to) == 0 && !n.Mandatory() {
				return &step{id: m.ID, state: "dropped", channel: channel, reason: ReasonDeclined, nextAt: tx.Now}, nil
			}
			if len(to) == 0 {
				continue
			}
			b.share(m, n, to, mails)
			return nil, nil
		case migration.ChannelSMS: // without a gateway, a number with consent, or words, it is passed over
			to := texted(r.Contacts)
			if words := n.WordsFor(r.Tier); s.Texts == nil || len(to) == 0 || len(words.SMS) == 0 {
				continue
			}
			b.share(m, n, to, mails)
			return nil, nil
		case migration.ChannelCall:
			due := migration.DayOf(tx.Now.In(migration.Location(r.Zone, b.programme.Zone))).AddDays(b.programme.Notices.WaitDays)
			if n.Kind == migration.NoticePersonal {
				due = migration.DayOf(m.DueDay)
			}
			if err := s.store.call(ctx, tx, m, rand.Text(), due); err != nil {
				return nil, err
			}
			return &step{id: m.ID, state: "sent", channel: channel, nextAt: tx.Now}, nil
		}
	}
	return &step{id: m.ID, state: "failed", channel: m.Channel, reason: ReasonNoChannel, nextAt: tx.Now}, nil
}

// share puts a message on the sheet of each addressee.
func (b *batch) share(m message, n migration.Notice, to []addressee, mails map[sheet][]message) {
	b.waiting[m.ID] = m
	for _, contact := range to {
		one := sheet{channel: m.Channel, contact: contact.ID}
		if n.Kind != migration.NoticeReminder {
			one.alone = m.ID
		}
		mails[one] = append(mails[one], m)
	}
}

// texted are the contacts to whose numbers a short message may go: those who are to be told, or everybody where none of them has one.
func texted(all []addressee) (to []addressee) {
	for _, meant := range []bool{true, false} {
		for _, c := range all {
			if c.Phone != "" && c.Dates == meant {
				to = append(to, c)
			}
		}
		if len(to) > 0 {
			return to
		}
	}
	return nil
}

// addressees are the contacts whom a notice is mailed to: those who are to be told (the owners, unless people have decided otherwise), or
// everybody where none of them can be reached.
func addressees(all []addressee, n migration.Notice) (to []addressee) {
	for _, meant := range []bool{true, false} {
		for _, c := range all {
			if c.mailed() && (c.Dates || !meant) && (n.Mandatory() || c.Optional) {
				to = append(to, c)
			}
		}
		if len(to) > 0 || slices.ContainsFunc(all, func(c addressee) bool { return c.Dates && c.mailed() }) {
			return to
		}
	}
	return to
}

// mailed reports whether an email may go to a contact.
func (c addressee) mailed() bool { return c.Email != "" && !c.Suppressed }

// pack composes the mails and the short messages of one customer.
func (s *Sender) pack(b *batch, r recipient, mails map[sheet][]message, now time.Time) error {
	for _, c := range r.Contacts {
		for one, list := range mails {
			if one.contact != c.ID {
				continue
			}
			var notices []migration.Notice
			digest := sha256.New()
			for _, m := range list {
				n, _ := b.programme.Notice(m.Notice)
				notices = append(notices, n)
				fmt.Fprintf(digest, "%s\x00", m.ID)
			}
			fmt.Fprint(digest, c.ID)
			to := readerOf(r, c)
			to.Told = b.told[r.ID].wrong(b.programme, notices[0], r.Extensions, c.ID)
			write := Compose
			to.Visit = s.seals.LinkToken(c.ID, notices[0].Key)
			if one.channel == migration.ChannelSMS {
				write, to.Visit = ComposeText, "" // a short message has no room for it
				fmt.Fprint(digest, "\x00sms")
			}
			letter, err := write(b.programme, notices, to, now, s.link)
			if err != nil {
				return err
			}
			b.parcels = append(b.parcels, parcel{
				channel: one.channel, messages: list, to: c, mailID: hex.EncodeToString(digest.Sum(nil)[:16]), visit: to.Visit, letter: letter,
			})
		}
	}
	return nil
}

func readerOf(r recipient, c addressee) Reader {
	return Reader{
		CustomerID: r.ID, ContactID: c.ID, Ref: r.Ref, Customer: r.Name, Tier: r.Tier, Contact: c.Name, Email: c.Email,
		Locale: c.Locale, Zone: r.Zone, Extensions: r.Extensions, Optional: c.Optional,
	}
}

// after tells what becomes of a message from the states of its deliveries.
func (b *batch) after(n migration.Notice, m message, states []string, now time.Time) step {
	next := step{id: m.ID, state: "planned", channel: m.Channel, hash: b.hashes[m.Notice], nextAt: now}
	handed := slices.ContainsFunc(states, func(s string) bool { return s != "deferred" && s != "refused" && s != "bounced" })
	deferred := slices.Contains(states, "deferred")
	switch last := slices.Index(n.Channels, m.Channel) + 1; {
	case handed && !deferred, handed && m.Attempts+1 >= mostTries:
		next.state = "sent"
	case deferred && m.Attempts+1 < mostTries:
		next.nextAt = now.Add(backOff(m.Attempts))
	case last < len(n.Channels):
		next.channel = n.Channels[last]
	default:
		next.state, next.reason = "failed", ReasonNoChannel
	}
	return next
}

// backOff grows from five minutes to some five hours.
func backOff(attempts int) time.Duration { return 5 * time.Minute << min(attempts, 6) }
