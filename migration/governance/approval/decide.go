package approval

import (
	"context"
	"slices"
	"time"

	"offramp/internal/db"
	"offramp/migration"
	"offramp/migration/governance/post"
)

// Submit puts a paper to those who decide on a path; chosen are the people of the nodes that name none. Whoever asks for it or wrote it
// is left out of roles. ErrState where it is open or approved, ErrChanged for another version; ErrInput names the nodes without anybody.
// For programme managers.
func (s *Service) Submit(ctx context.Context, by, id string, version int, path string, chosen map[string][]string) error {
	return s.act(ctx, by, id, func(tx *db.Tx, d Desk, p *migration.Programme) error {
		switch {
		case d.Paper.Version != version:
			return ErrChanged
		case d.Paper.State == Open || d.Paper.State == Approved:
			return ErrState
		}
		source, way, err := s.store.path(ctx, tx, path)
		if err != nil {
			return err
		}
		f, err := s.store.facts(ctx, tx, d.Paper)
		if err != nil {
			return err
		}
		r := Round{Number: d.Paper.Round + 1, Path: way, SubmittedBy: by, SubmittedAt: tx.Now, DecideFrom: tx.Now, State: Open}
		if !slices.ContainsFunc(d.Rounds, func(r Round) bool { return r.State != Withdrawn }) {
			r.DecideFrom = decideFrom(tx.Now, way.Papers, p.Zone) // readers of a later round have had the papers
		}
		if r.Stops, err = s.seat(ctx, tx, by, d.Paper, way, f, chosen); err != nil {
			return err
		}
		if err := s.store.submit(ctx, tx, id, source, r); err != nil {
			return err
		}
		if err := s.advance(ctx, tx, by, id, p); err != nil {
			return err
		}
		return record(ctx, tx, by, "approval.submit", id, map[string]any{"round": r.Number, "path": way.Key, "hash": d.Paper.Hash})
	})
}

// seat finds who is asked at each node. ErrInput names the nodes without anybody, or with the one who asks.
func (s *Service) seat(ctx context.Context, tx *db.Tx, by string, p Paper, way Path, f facts, chosen map[string][]string) (stops []Stop, err error) {
	concerned := []string{by, p.Author, p.ChangedBy}
	wrong := ErrInput
	for step, nodes := range way.Steps {
		for _, n := range nodes {
			stop := Stop{Node: n, Step: step, State: Skipped}
			if n.asked(f) {
				stop.State = Waiting
				people, err := s.store.people(ctx, tx, n, chosen[n.Key], concerned)
				if err != nil {
					return nil, err
				}
				if key := n.lacks(people, chosen[n.Key], concerned); key != "" {
					wrong = wrong.Field("node-"+n.Key, key, nil)
				}
				for _, who := range people {
					stop.Seats = append(stop.Seats, Seat{Who: who, State: Asked})
				}
			}
			stops = append(stops, stop)
		}
	}
	if len(wrong.Fields) > 0 {
		return nil, wrong
	}
	return stops, nil
}

// lacks says what is wrong with the people found for a node; empty: nothing.
func (n Node) lacks(people, chosen, concerned []string) string {
	switch {
	case n.Chosen && slices.ContainsFunc(chosen, func(id string) bool { return slices.Contains(concerned, id) }):
		return "approval.requester"
	case len(people) == 0, len(people) < n.Need, n.Chosen && len(people) < len(chosen):
		return "approval.nobody"
	}
	return ""
}

// Decision is one of a person at a node.
type Decision struct {
	Node, Seat string // Seat: for whom; themselves, or whom they stand in for
	Hash       string // of the words that they have read
	Approve    bool
	Words      string
}

// Decide approves or sends back. The next in the path are told in the same transaction. ErrChanged where the words are others by now,
// ErrDecided, ErrRequester, ErrNotAsked, ErrEarly, ErrState; ErrInput without words. For those who are asked, and their delegates.
func (s *Service) Decide(ctx context.Context, by, id string, decision Decision) error {
	words := cut(decision.Words, maxWords)
	if words == "" {
		return ErrInput.Field("words", "approval.no_words", nil)
	}
	return s.act(ctx, by, id, func(tx *db.Tx, d Desk, p *migration.Programme) error {
		r, ok := d.Now()
		if !ok {
			return ErrState
		}
		i := slices.IndexFunc(r.Stops, func(x Stop) bool { return x.Key == decision.Node })
		if i < 0 {
			return ErrUnknown
		}
		k := slices.IndexFunc(r.Stops[i].Seats, func(x Seat) bool { return x.Who == decision.Seat })
		switch {
		case k < 0:
			return ErrNotAsked
		case r.Stops[i].Seats[k].State != Asked:
			return ErrDecided
		case r.Hash != decision.Hash:
			return ErrChanged
		case r.State != Open || r.Stops[i].State != Open:
			return ErrState
		}
		state, act := Approved, "approval.approve"
		if !decision.Approve {
			state, act = SentBack, "approval.send_back"
		}
		if err := s.store.decide(ctx, tx, id, r.Number, decision, state, by, words); err != nil {
			return err
		}
		if err := record(ctx, tx, by, act, id, map[string]any{"round": r.Number, "node": decision.Node, "for": decision.Seat, "hash": decision.Hash}); err != nil {
			return err
		}
		if decision.Approve {
			return s.advance(ctx, tx, by, id, p)
		}
		if err := s.store.stop(ctx, tx, id, r.Number, decision.Node, SentBack); err != nil {
			return err
		}
		if err := s.store.end(ctx, tx, d, SentBack, ""); err != nil {
			return err
		}
		return s.tellRound(ctx, tx, d, "approval_sent_back", "Words", words)
	})
}

// advance settles nodes that have what they need, opens the next step, and ends the round behind the last one.
func (s *Service) advance(ctx context.Context, tx *db.Tx, by, id string, p *migration.Programme) error {
	d, err := s.desk(ctx, tx, by, id, false)
	if err != nil {
		return err
	}
	r := d.Rounds[0]
	for i, stop := range r.Stops {
		if stop.State == Open && stop.enough() {
			if err := s.store.stop(ctx, tx, id, r.Number, stop.Key, Approved); err != nil {
				return err
			}
			r.Stops[i].State = Approved
		}
	}
	for step := range r.Path.Steps {
		open := false
		for _, stop := range r.Stops {
			if stop.Step != step {
				continue
			}
			if stop.State == Waiting {
				if err := s.open(ctx, tx, d, stop, p.Zone); err != nil {
					return err
				}
				stop.State = Open
			}
			open = open || stop.State == Open
		}
		if open {
			return nil
		}
	}
	if err := s.store.end(ctx, tx, d, Approved, ""); err != nil {
		return err
	}
	if err := record(ctx, tx, by, "approval.complete", id, map[string]any{"round": r.Number, "hash": r.Hash}); err != nil {
		return err
	}
	return s.announce(ctx, tx, d)
}

// enough reports whether a node has the approvals that it needs.
func (s Stop) enough() bool {
	approved, all := 0, 0
	for _, seat := range s.Seats {
		if seat.State == Approved {
			approved++
		}
		if seat.State != Replaced {
			all++
		}
	}
	need := s.Need
	if need == 0 {
		need = max(all, 1)
	}
	return approved >= need
}

// open asks the people of a node.
func (s *Service) open(ctx context.Context, tx *db.Tx, d Desk, stop Stop, zone *time.Location) error {
	r := d.Rounds[0]
	from := tx.Now
	if r.DecideFrom.After(from) {
		from = r.DecideFrom
	}
	due := dueAt(from, stop.Days, zone)
	if err := s.store.open(ctx, tx, d.Paper.ID, r.Number, stop.Key, due); err != nil {
		return err
	}
	for _, seat := range stop.Seats {
		if err := s.ask(ctx, tx, d, stop, seat, due); err != nil {
			return err
		}
	}
	return nil
}

// ask writes to somebody who is to decide, and to who stands in for them.
func (s *Service) ask(ctx context.Context, tx *db.Tx, d Desk, stop Stop, seat Seat, due time.Time) error {
	for _, who := range append([]string{seat.Who}, seat.StandIns...) {
		m := d.mail(who, "approval_asked", stop.Key+"/"+seat.Who)
		m.Detail["Due"], m.Detail["From"], m.Detail["Node"] = due, d.Rounds[0].DecideFrom, stop.Name
		if err := post.Ask(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// mail is one about the paper's latest round.
func (d Desk) mail(to, kind, about string) post.Mail {
	id := d.Paper.ID
	if len(d.Rounds) > 0 {
		about = d.about() + "/" + about
	}
	return post.Mail{To: to, Kind: kind, About: about, Path: Pages + "/" + id, Detail: map[string]any{"Title": d.Paper.Title}}
}

func (d Desk) about() string { return d.Paper.ID + "/" + itoa(d.Rounds[0].Number) }

// tellRound writes to everybody who was asked so far and to who submitted it. more are further words.
func (s *Service) tellRound(ctx context.Context, tx *db.Tx, d Desk, kind string, more ...string) error {
	r, ok := d.Now()
	if !ok {
		return nil
	}
	people := []string{r.SubmittedBy}
	for _, stop := range r.Stops {
		if stop.State == Waiting || stop.State == Skipped {
			continue
		}
		for _, seat := range stop.Seats {
			people = append(people, seat.Who, seat.By)
		}
	}
	slices.Sort(people)
	for _, who := range slices.Compact(people) {
		if who == "" {
			continue
		}
		m := d.mail(who, kind, "")
		for i := 0; i+1 < len(more); i += 2 {
			m.Detail[more[i]] = more[i+1]
		}
		if err := post.Ask(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}

// announce tells everybody of the work that a paper is approved: who asked, who decided, programme managers and owners of open items.
func (s *Service) announce(ctx context.Context, tx *db.Tx, d Desk) error {
	people, err := s.store.concerned(ctx, tx, d.Paper.ID)
	if err != nil {
		return err
	}
	for _, who := range people {
		if err := post.Ask(ctx, tx, d.mail(who, "approval_done", "")); err != nil {
			return err
		}
	}
	return nil
}

// Replace puts a colleague in the place of one who was asked and has not decided, such as one who left. The one who does it is not who
// asks for the approval. ErrRequester, ErrDecided, ErrNotAsked; ErrInput for nobody of the staff. For programme managers.
func (s *Service) Replace(ctx context.Context, by, id, node, from, to string) error {
	return s.act(ctx, by, id, func(tx *db.Tx, d Desk, p *migration.Programme) error {
		r, ok := d.Now()
		if !ok || r.State != Open {
			return ErrState
		}
		if by == r.SubmittedBy || by == d.Paper.Author {
			return ErrRequester
		}
		i := slices.IndexFunc(r.Stops, func(x Stop) bool { return x.Key == node })
		if i < 0 || !slices.ContainsFunc(r.Stops[i].Seats, func(x Seat) bool { return x.Who == from && x.State == Asked }) {
			return ErrNotAsked
		}
		stop := r.Stops[i]
		people, err := s.store.people(ctx, tx, Node{Chosen: true}, []string{to}, []string{r.SubmittedBy, d.Paper.Author, d.Paper.ChangedBy})
		if err != nil {
			return err
		}
		if len(people) == 0 || slices.ContainsFunc(stop.Seats, func(x Seat) bool { return x.Who == to }) {
			return ErrInput.Field("to", "approval.nobody", nil)
		}
		if err := s.store.replace(ctx, tx, id, r.Number, node, from, to, by); err != nil {
			return err
		}
		if stop.State == Open && stop.DueAt != nil {
			if err := s.ask(ctx, tx, d, stop, Seat{Who: to}, *stop.DueAt); err != nil {
				return err
			}
		}
		return record(ctx, tx, by, "approval.replace", id, map[string]any{"node": node, "from": from, "to": to})
	})
}
