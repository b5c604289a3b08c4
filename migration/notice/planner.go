package notice

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"offramp/internal/db"
	"offramp/internal/mail/report"
	"offramp/migration"
	"offramp/migration/audience"
	"offramp/migration/notice/briefing"
	readers "offramp/migration/notice/reader"
	"offramp/migration/notice/truth"
)

// Service is what may be done with notices. Safe for concurrent use, on any number of replicas.
type Service struct {
	db         *db.DB
	store      store
	programmes Programmes
	truth      *truth.Service
	readers    *readers.Service
	briefing   *briefing.Service
	link       string // of the portal
	seals      report.Seals

	caught atomic.Int64 // the version whose correction was looked for
	passes passes
}

// Programmes is what notices need of the programme.
type Programmes interface {
	Active(ctx context.Context) (*migration.Programme, error)
}

// NewService works on d. link is the portal's address, which letters lead to.
// seals make the tokens of its links; the zero value makes none, and links lead straight to the portal.
func NewService(d *db.DB, programmes Programmes, link string, seals report.Seals) *Service {
	return &Service{db: d, programmes: programmes, link: link, seals: seals, truth: truth.New(d, report.Seals{}), readers: readers.New(d), briefing: briefing.New(d, programmes)}
}

// system is the scope of the planner and the sender.
var system = db.SystemScope("notices")

// Why a notice is not planned.
const (
	HeldUnapproved = "unapproved" // nobody has approved its content
	HeldTalks      = "talks"      // customers of core tiers were not spoken to yet
	HeldBriefing   = "briefing"   // colleagues have not read yet what they are to say
	HeldGate       = "gate"       // the company's workplan has a gate before it, which is shut
)

// Planned is what one pass of the planner did with one notice.
type Planned struct {
	Notice string
	Due    int64  // messages that were not planned before
	Held   string // why nothing was planned; empty: it was
	Open   int    // with HeldTalks: how many customers; with HeldBriefing: how many colleagues, 0: it is not approved
}

// Plan writes down everything that is due now. Any number of processes may call it at once: one of them plans, the others
// return nothing. Without a programme there is nothing to plan.
func (s *Service) Plan(ctx context.Context) (list []Planned, err error) {
	p, err := s.programme(ctx)
	if errors.Is(err, migration.ErrNoProgramme) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s.passes.mu.Lock()
	defer s.passes.mu.Unlock()
	var sc scope
	var at time.Time // zero: another process plans
	done := map[string]string{}
	err = s.db.InTx(ctx, system, func(tx *db.Tx) error {
		mine, err := s.store.lead(ctx, tx)
		if err != nil || !mine {
			return err
		}
		if err := s.catchUp(ctx, tx, p); err != nil {
			return err
		}
		if sc, err = s.scope(ctx, tx); err != nil {
			return err
		}
		if sc.whole || s.passes.version != p.Version {
			if err := s.store.leave(ctx, tx, keysOf(p)); err != nil {
				return err
			}
		}
		at = tx.Now
		list, err = s.planAll(ctx, tx, p, sc, done)
		return err
	})
	if err == nil && !at.IsZero() {
		s.passes.passed(at, p.Version, sc, done)
	}
	return list, err
}

// planAll plans each notice that is not held, and enters in done which waves of which.
func (s *Service) planAll(ctx context.Context, tx *db.Tx, p *migration.Programme, sc scope, done map[string]string) (list []Planned, err error) {
	held, err := s.held(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	for _, n := range p.Notices.List {
		one := Planned{Notice: n.Key}
		if h, is := held[n.Key]; is {
			one.Held, one.Open = h.Held, h.Open
		} else if one.Due, done[n.Key], err = s.planOne(ctx, tx, p, n, sc); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func keysOf(p *migration.Programme) []string {
	keys := make([]string, 0, len(p.Notices.List))
	for _, n := range p.Notices.List {
		keys = append(keys, n.Key)
	}
	return keys
}

// held tells which notices do not go, and why.
func (s *Service) held(ctx context.Context, tx *db.Tx, p *migration.Programme) (map[string]Planned, error) {
	hashes := make(map[string]string, len(p.Notices.List))
	for _, n := range p.Notices.List {
		_, hashes[n.Key] = ContentOf(p, n)
	}
	approved, err := s.store.approved(ctx, tx, hashes)
	if err != nil {
		return nil, err
	}
	open, err := s.untalked(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	gate, err := s.store.gateOpen(ctx, tx)
	if err != nil {
		return nil, err
	}
	brief, err := unbriefed(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	held := map[string]Planned{}
	for _, n := range p.Notices.List {
		switch {
		case !approved[n.Key]:
			held[n.Key] = Planned{Held: HeldUnapproved}
		case n.Kind != migration.NoticePersonal && !gate:
			held[n.Key] = Planned{Held: HeldGate}
		case brief.Held != "" && (n.Kind == migration.NoticePersonal || n.Kind == migration.NoticePublic):
			held[n.Key] = brief
		case n.Kind == migration.NoticePublic && open > 0:
			held[n.Key] = Planned{Held: HeldTalks, Open: open}
		}
	}
	return held, nil
}

// untalked counts the customers of core tiers who are still to be spoken with; none where the programme has no talk.
func (s *Service) untalked(ctx context.Context, tx *db.Tx, p *migration.Programme) (int, error) {
	var personal []string
	for _, n := range p.Notices.List {
		if n.Kind == migration.NoticePersonal {
			personal = append(personal, n.Key)
		}
	}
	if len(personal) == 0 {
		return 0, nil
	}
	return s.store.openTalks(ctx, tx, personal, coreTiers(p))
}

// unbriefed tells whether talks and the public notice wait for the briefing.
func unbriefed(ctx context.Context, tx *db.Tx, p *migration.Programme) (Planned, error) {
	b, err := briefing.StandingOf(ctx, tx, p)
	if err != nil || !b.Holds() {
		return Planned{}, err
	}
	if !b.Approved {
		return Planned{Held: HeldBriefing}, nil
	}
	return Planned{Held: HeldBriefing, Open: b.Unread}, nil
}

func coreTiers(p *migration.Programme) (keys []string) {
	for _, t := range p.Tiers {
		if t.Core {
			keys = append(keys, t.Key)
		}
	}
	return keys
}

// planOne plans one notice, wave by wave: for those to whom its milestone is on the programme's day, then for those who were
// given a later one. Where the same waves were planned for everybody before, it looks at those who have changed since. It
// returns how many are due by it, and the digest of the waves.
func (s *Service) planOne(ctx context.Context, tx *db.Tx, p *migration.Programme, n migration.Notice, sc scope) (due int64, sum string, err error) {
	if n.Kind == migration.NoticeCorrection {
		due, err = s.planCorrection(ctx, tx, p, n)
		return due, "", err
	}
	waves, err := s.waves(ctx, tx, p, n)
	if err != nil {
		return 0, "", err
	}
	for i := range waves {
		waves[i].stages = stagesNow(p, n, waves[i].day(), sc.zones, tx.Now)
	}
	sum = digest(p.Version, waves)
	again := !sc.whole && s.passes.done[n.Key] == sum
	if again && len(sc.changed) == 0 {
		return 0, sum, nil
	}
	for _, w := range waves {
		if again {
			w.only = sc.changed
		}
		planned, err := s.store.plan(ctx, tx, w)
		if err != nil {
			return due, "", err
		}
		due += planned
	}
	if due > 0 {
		err = s.store.supersede(ctx, tx, n.Key)
	}
	return due, sum, err
}

// day is the milestone's day of a wave.
func (w wave) day() migration.Day {
	if !w.moved.IsZero() {
		return w.moved
	}
	return w.base
}

// waves splits a notice's customers by the day on which its milestone is to them.
func (s *Service) waves(ctx context.Context, tx *db.Tx, p *migration.Programme, n migration.Notice) ([]wave, error) {
	w := wave{notice: n, core: coreTiers(p)}
	_, w.hash = ContentOf(p, n)
	if n.Audience != "" {
		var features []string
		for _, f := range p.Features {
			features = append(features, f.Key)
		}
		var err error
		if w.rule, err = audience.Compile(n.Audience, features); err != nil {
			return nil, err
		}
	}
	m, ok := p.Milestone(n.On.Milestone)
	if !ok {
		return []wave{w}, nil
	}
	w.base = m.Day
	list := []wave{w}
	days, err := s.store.extended(ctx, tx, m.Key, m.Day)
	for _, day := range days {
		later := w
		later.moved = day
		list = append(list, later)
	}
	return list, err
}

// stagesNow is the latest stage that is due in each zone at now. A reminder of a day that is over is none.
func stagesNow(p *migration.Programme, n migration.Notice, day migration.Day, zones []string, now time.Time) (list []zoneStage) {
	if end, expires := expires(p, n, day); expires && now.After(end) {
		return nil
	}
	all := stages(n, day, p.Notices.Holidays)
	for _, name := range zones {
		zone := migration.Location(name, p.Zone)
		if s, ok := dueIn(all, p.Notices.Hour, zone, now); ok {
			list = append(list, zoneStage{name, s, s.at(p.Notices.Hour, zone)})
		}
	}
	return list
}
