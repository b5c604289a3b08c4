package notice

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/locale"
	"offramp/internal/mail"
	"offramp/internal/mail/report"
	"offramp/internal/sms"
	"offramp/migration"
	"offramp/migration/notice/truth"
)

const (
	lookEvery = time.Second      // for messages that are due
	planEvery = time.Minute      // for what has become due
	claimSize = 64               // customers in one go: a kill leaves at most those of two goes unknown
	senders   = 16               // mails at a time
	lease     = 10 * time.Minute // longer than the slowest mail server is waited for
	measured  = time.Hour        // over which bounces are counted
	watched   = 5 * time.Second  // how often they are counted while nothing fails
	fewest    = 20               // deliveries, below which their share of bounces says nothing
	mostTries = 8                // of one address that is refused for the time being: some ten hours
)

// Poster hands a mail to a server once.
type Poster interface {
	Hand(ctx context.Context, e mail.Envelope) mail.Result
}

// Texter hands a short message to the gateway once.
type Texter interface {
	Send(ctx context.Context, m sms.Message) sms.Result
}

// Sender plans and sends. Any number of processes may run one.
type Sender struct {
	*Service
	Post   Poster
	Texts  Texter // nil: there is no gateway, and the channel is passed over
	Logger *slog.Logger

	mu       sync.Mutex
	attended time.Time            // when attend ran last
	counted  map[string]time.Time // notice -> when its failures are to be counted again
}

// Run plans and sends until ctx ends, then lets mails under way end and records what they came to.
func (s *Sender) Run(ctx context.Context) {
	var planned time.Time
	for ctx.Err() == nil {
		if now := s.db.Clock.Now(); now.Sub(planned) >= planEvery || now.Before(planned) {
			if err := s.prepare(ctx); err != nil {
				s.complain(ctx, "plan notices", err)
			} else {
				planned = now
			}
		}
		n, err := s.drain(ctx, planEvery)
		if err != nil {
			s.complain(ctx, "send notices", err)
		}
		if n == 0 {
			wait(ctx, lookEvery)
		}
	}
}

// Sweep plans and sends everything that is due now, and returns when nothing is left. For tests.
func (s *Sender) Sweep(ctx context.Context) error {
	if err := s.prepare(ctx); err != nil {
		return err
	}
	for {
		s.mu.Lock()
		s.attended = time.Time{}
		s.mu.Unlock()
		if n, err := s.drain(ctx, planEvery); n == 0 || err != nil {
			return err
		}
	}
}

// drain sends what is due until nothing is left or the time is over, and returns how many messages it claimed. While the mails of
// one go are handed over, those of the next are written.
func (s *Sender) drain(ctx context.Context, atMost time.Duration) (n int, err error) {
	group, claims := errgroup.WithContext(ctx)
	group.SetLimit(1)
	for end := time.Now().Add(atMost); time.Now().Before(end); {
		b, err := s.begin(claims)
		if err != nil || b.claimed == 0 {
			return n, errors.Join(group.Wait(), err)
		}
		n += b.claimed
		if len(b.parcels) > 0 {
			group.Go(func() error {
				after := context.WithoutCancel(ctx) // what became of a mail that was begun must be known here, too
				return s.finish(after, b, s.hand(after, b.parcels, b.begun))
			})
		}
	}
	return n, group.Wait()
}

// prepare plans what is due, gives up what dead processes were sending, and hands to people whom no mail reached.
func (s *Sender) prepare(ctx context.Context) error {
	planned, err := s.Plan(ctx)
	if err != nil {
		return err
	}
	for _, p := range planned {
		if p.Due > 0 {
			s.Logger.InfoContext(ctx, "notice planned", slog.String("notice", p.Notice), slog.Int64("customers", p.Due))
		}
	}
	return s.db.InTx(ctx, system, func(tx *db.Tx) error {
		n, err := s.store.abandon(ctx, tx, tx.Now.Add(-lease))
		if n > 0 {
			s.Logger.WarnContext(ctx, "deliveries of a process that ended are unknown", slog.Int64("deliveries", n))
		}
		return errors.Join(err, s.truth.Sweep(ctx, tx), s.fallBack(ctx, tx), s.escalate(ctx, tx))
	})
}

// batch is what one go has in hand.
type batch struct {
	programme *migration.Programme
	hashes    map[string]string
	claimed   int // messages
	parcels   []parcel
	begun     map[string]bool    // which messages of which contacts may go
	waiting   map[string]message // messages of parcels, by id
	steps     []step             // messages that are settled without a mail
	told      map[string]told    // by customer, where a correction is among the messages
}

// attend sees to what people wait for at their pages, and to the briefing, once in a while.
func (s *Sender) attend(ctx context.Context, p *migration.Programme) error {
	s.mu.Lock()
	early := time.Since(s.attended) < lookEvery
	if !early {
		s.attended = time.Now()
	}
	s.mu.Unlock()
	if early {
		return nil
	}
	return errors.Join(s.probe(ctx, p), s.trials(ctx), s.codes(ctx, p), s.briefing.Send(ctx, p, s.Post, s.Logger, s.link))
}

// begin claims what is due, decides on each message, writes the mails, and records that they are being sent.
func (s *Sender) begin(ctx context.Context) (*batch, error) {
	b := &batch{hashes: map[string]string{}, waiting: map[string]message{}}
	p, err := s.programme(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return b, nil
	}
	if err != nil {
		return b, err
	}
	if err := s.attend(ctx, p); err != nil {
		return b, err
	}
	b.programme = p
	return b, s.db.InTx(ctx, system, func(tx *db.Tx) error {
		messages, err := s.claim(ctx, tx, b)
		if err != nil || len(messages) == 0 {
			return err
		}
		recipients, err := s.store.recipients(ctx, tx, customersOf(messages))
		if err != nil {
			return err
		}
		if err := s.recall(ctx, tx, b, messages); err != nil {
			return err
		}
		for _, one := range byCustomer(messages) {
			if err := s.decide(ctx, tx, b, recipients[one[0].CustomerID], one); err != nil {
				return err
			}
		}
		if err := s.store.settle(ctx, tx, b.steps); err != nil {
			return err
		}
		b.begun, err = s.store.begin(ctx, tx, b.parcels)
		b.claimed = len(messages)
		return err
	})
}

// claim leases what is due of the notices that run, within the rate.
func (s *Sender) claim(ctx context.Context, tx *db.Tx, b *batch) ([]message, error) {
	controls, err := s.store.controls(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, n := range b.programme.Notices.List {
		_, b.hashes[n.Key] = ContentOf(b.programme, n)
	}
	approved, err := s.store.approved(ctx, tx, b.hashes)
	if err != nil {
		return nil, err
	}
	begun, err := s.store.begunSince(ctx, tx, tx.Now.Add(-time.Minute))
	if err != nil {
		return nil, err
	}
	gate, err := s.store.gateOpen(ctx, tx)
	if err != nil {
		return nil, err
	}
	var running []string
	rate := b.programme.Notices.Rate
	if own := controls[""].Rate; own > 0 {
		rate = own
	}
	for _, n := range b.programme.Notices.List {
		if (gate || n.Kind == migration.NoticePersonal) && approved[n.Key] && !controls[n.Key].Paused && !controls[""].Paused {
			running = append(running, n.Key)
		}
	}
	room := min(claimSize, rate-begun)
	if room <= 0 || len(running) == 0 {
		return nil, nil
	}
	return s.store.claim(ctx, tx, running, room, tx.Now.Add(lease))
}

// hand gives parcels to the mail server, side by side.
func (s *Sender) hand(ctx context.Context, parcels []parcel, begun map[string]bool) []ended {
	var mu sync.Mutex
	var list []ended
	var group sync.WaitGroup
	slots := make(chan struct{}, senders)
	for _, p := range parcels {
		var mine []message
		for _, m := range p.messages {
			if begun[m.ID+" "+p.to.ID] {
				mine = append(mine, m)
			}
		}
		if len(mine) == 0 {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			e := ended{contactID: p.to.ID, mailID: p.mailID, channel: p.channel}
			if p.channel == migration.ChannelSMS {
				r := s.Texts.Send(ctx, sms.Message{Number: p.to.Phone, Text: p.letter.Plain, Reference: p.mailID})
				e.result, e.gatewayID, e.badNumber = mail.Result{State: r.State, Detail: r.Detail}, r.ID, r.BadNumber
			} else {
				e.result = s.Post.Hand(ctx, s.envelope(p))
			}
			mu.Lock()
			defer mu.Unlock()
			for _, m := range mine {
				e.messageID = m.ID
				list = append(list, e)
			}
		})
	}
	group.Wait()
	return list
}

func (s *Sender) envelope(p parcel) mail.Envelope {
	e := mail.Envelope{
		Name: p.to.Name, Address: p.to.Email, Tag: p.letter.Bulletin.Tag, Subject: p.letter.Bulletin.Subject,
		HTML: p.letter.HTML, Plain: p.letter.Plain, ID: p.mailID, At: s.db.Clock.Now(),
	}
	if p.letter.Bulletin.Leave != "" {
		e.Unsubscribe = strings.TrimRight(s.link, "/") + LeavePath
	}
	return e
}

// finish records what was sent and what becomes of the messages.
func (s *Sender) finish(ctx context.Context, b *batch, list []ended) error {
	return s.db.InTx(ctx, system, func(tx *db.Tx) error {
		if err := s.store.end(ctx, tx, list); err != nil {
			return err
		}
		if err := s.learn(ctx, tx, list); err != nil {
			return err
		}
		outcomes, err := s.store.outcomes(ctx, tx, b.waiting)
		if err != nil {
			return err
		}
		var steps []step
		bad, all := map[string]int{}, map[string]int{}
		for id, m := range b.waiting {
			n, _ := b.programme.Notice(m.Notice)
			steps = append(steps, b.after(n, m, outcomes[id], tx.Now))
			all[m.Notice]++
			if !slices.Contains(outcomes[id], mail.Accepted) {
				bad[m.Notice]++
			}
		}
		if err := s.store.settle(ctx, tx, steps); err != nil {
			return err
		}
		for key, n := range all {
			if bad[key]*100 <= b.programme.Notices.PauseAbove*n && time.Now().Before(s.countAgain(key)) {
				continue
			}
			if err := s.watch(ctx, tx, b.programme, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// learn keeps what servers said of addresses, once for each mail.
func (s *Sender) learn(ctx context.Context, tx *db.Tx, list []ended) error {
	told := map[string]bool{}
	for _, e := range list {
		f, is := truth.Dialogued(e.mailID, e.result)
		if e.channel == migration.ChannelSMS {
			f, is = truth.Fact{MailID: e.mailID, Channel: e.channel, Source: truth.Dialogue, Kind: "refused", Detail: e.result.Detail, Blame: report.Address}, e.badNumber
		}
		if !is || told[e.mailID] {
			continue
		}
		told[e.mailID] = true
		if _, err := s.truth.Record(ctx, tx, f); err != nil {
			return err
		}
	}
	return nil
}

// codes sends the codes by which people confirm their numbers, one by one.
func (s *Sender) codes(ctx context.Context, p *migration.Programme) error {
	if s.Texts == nil {
		return nil
	}
	list, err := s.readers.Codes(ctx)
	if err != nil {
		return err
	}
	after := context.WithoutCancel(ctx)
	for _, c := range list {
		l := locale.For(c.Locale)
		product, _ := p.Product.Name.In(l.Tag(), p.Fallback())
		text := l.T("phone.code.sms", "Code", c.Code, "Product", product)
		r := s.Texts.Send(after, sms.Message{Number: c.Number, Text: text, Reference: c.ID})
		if r.State != sms.Accepted {
			s.Logger.WarnContext(after, "a code for a number was not accepted", slog.String("state", r.State), slog.String("detail", r.Detail))
		}
		if err := s.readers.Sent(after, c.ID, r); err != nil {
			return err
		}
	}
	return nil
}

// countAgain is when the failures of a notice are to be counted again.
func (s *Sender) countAgain(notice string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counted[notice]
}

// watch pauses a notice of which too many mails fail.
func (s *Sender) watch(ctx context.Context, tx *db.Tx, p *migration.Programme, notice string) error {
	began := time.Now()
	all, bad, err := s.store.troubled(ctx, tx, notice, tx.Now.Add(-measured))
	s.mu.Lock()
	if s.counted == nil {
		s.counted = map[string]time.Time{}
	}
	s.counted[notice] = time.Now().Add(max(watched, 20*time.Since(began))) // however many were sent, it takes little of the time
	s.mu.Unlock()
	if err != nil || all < fewest || bad*100 <= p.Notices.PauseAbove*all {
		return err
	}
	controls, err := s.store.controls(ctx, tx)
	if err != nil || controls[notice].Paused {
		return err
	}
	if controls[notice].ChangedAt.After(tx.Now.Add(-measured)) && controls[notice].ChangedBy != "" {
		return nil // a person has let it go on within the hour
	}
	s.Logger.ErrorContext(ctx, "notice paused: too many mails fail", slog.String("notice", notice), slog.Int("failed", bad), slog.Int("of", all))
	c := control{Notice: notice, Paused: true, Reason: "bounces", Rate: controls[notice].Rate, ChangedBy: "notices"}
	if err := s.store.setControl(ctx, tx, c); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: "notices", ActorKind: audit.System, Act: "notice.pause", Object: "notice " + notice,
		Detail: map[string]any{"failed": bad, "of": all},
	})
}

func (s *Sender) complain(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.Logger.ErrorContext(ctx, what, slog.Any("error", err))
		wait(ctx, 5*lookEvery)
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
