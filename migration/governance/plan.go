package governance

import (
	"slices"
	"time"

	"offramp/migration"
)

// States of an item and of a plan.
const (
	Open    = "open"
	Done    = "done"
	Running = "running"
	Ended   = "ended"
)

// States of a phase.
const (
	PhaseWaiting = "waiting"
	PhaseOpen    = "open"
	PhaseDone    = "done"
)

// Plan is a plan with everything in it, as it stands at an instant.
type Plan struct {
	ID, Template string
	Name         migration.Text
	Leading      bool // its gates block acts
	StartedBy    string
	StartedAt    time.Time
	Phases       []Phase
	Items        []Item
	Facts        Facts
}

// Phase is one phase with its gate.
type Phase struct {
	Key      string
	Name     migration.Text
	State    string
	From, To Days
	Gate     Gate
}

// Days are the days of one edge of a phase. What was planned first is never overwritten.
type Days struct {
	Planned   migration.Day
	Replanned migration.Day // the latest; zero: as planned
	Actual    migration.Day // zero: not yet
	Reason    string        // of the latest re-planning
}

// Current is the day that counts now.
func (d Days) Current() migration.Day {
	switch {
	case !d.Actual.IsZero():
		return d.Actual
	case !d.Replanned.IsZero():
		return d.Replanned
	}
	return d.Planned
}

// Gate is what stands between a phase and the next.
type Gate struct {
	Name     migration.Text
	Blocks   []string
	Open     bool
	OpenedBy string
	OpenedAt time.Time
	Until    time.Time // a waiver under it ends then, and shuts it; zero: none does
	Facts    []Fact
	Missing  []Missing // what keeps it shut, as things stand now, whether it is open or not
}

// Fact is one rule of a gate, with what it gives now.
type Fact struct {
	FactRule
	Holds  bool
	Fault  string  // why it has no result
	Waiver *Waiver // the one that counts or waits
}

// Missing is one thing that keeps a gate shut.
type Missing struct {
	Kind string // item or fact
	Key  string
	Name migration.Text
}

// Item is one item of the checklist.
type Item struct {
	ID, Key, Phase string
	Name, Why      migration.Text
	Department     string
	High, Must     bool
	Day            migration.Day // on which it is due
	Own            bool          // the day is its own, not counted from a milestone
	Milestone      string
	Days           int
	After          []string
	Evidence       string
	Fact           string
	Owner          string // identity id; empty: nobody's
	State          string
	Note, Link     string
	EndedBy        string // identity id; empty with Done: the fact
	EndedAt        time.Time
	Version        int
	Waits          []string // keys of items that come first and are not done
	Waiver         *Waiver  // the one that counts or waits
}

// Late reports whether the item is open after its day.
func (i Item) Late(today migration.Day) bool {
	return i.State == Open && !i.Waived() && i.Day.Before(today)
}

// Waived reports whether a waiver lets the item pass.
func (i Item) Waived() bool { return i.Waiver != nil && i.Waiver.Counts }

// Waiver lets something pass that does not hold.
type Waiver struct {
	ID, Subject, Reason string
	Until               time.Time
	AskedBy, AgreedBy   string
	AskedAt             time.Time
	Counts              bool // agreed to, and not over
	Over                bool // agreed to, and past its end
}

// subject names what a waiver is about.
func itemSubject(key string) string        { return "item:" + key }
func factSubject(phase, key string) string { return "fact:" + phase + "/" + key }

// Phase returns a phase by its key.
func (p Plan) Phase(key string) (Phase, bool) {
	i := slices.IndexFunc(p.Phases, func(f Phase) bool { return f.Key == key })
	if i < 0 {
		return Phase{}, false
	}
	return p.Phases[i], true
}

// Item returns an item by its key.
func (p Plan) Item(key string) (Item, bool) {
	i := slices.IndexFunc(p.Items, func(f Item) bool { return f.Key == key })
	if i < 0 {
		return Item{}, false
	}
	return p.Items[i], true
}

// In returns the items of a phase, in the template's order.
func (p Plan) In(phase string) (list []Item) {
	for _, i := range p.Items {
		if i.Phase == phase {
			list = append(list, i)
		}
	}
	return list
}

// Now is the first phase whose gate is shut; false: all are done.
func (p Plan) Now() (Phase, bool) {
	i := slices.IndexFunc(p.Phases, func(f Phase) bool { return f.State == PhaseOpen })
	if i < 0 {
		return Phase{}, false
	}
	return p.Phases[i], true
}

// judge fills in what follows from what is stored: what items wait for, which facts hold, what each gate lacks, and the phases'
// states. Waivers that have ended count no more.
func (p *Plan) judge(waivers map[string]Waiver) {
	done := map[string]bool{}
	for i, item := range p.Items {
		if w, ok := waivers[itemSubject(item.Key)]; ok {
			p.Items[i].Waiver = &w
		}
		done[item.Key] = item.State == Done || p.Items[i].Waived()
	}
	for i, item := range p.Items {
		for _, needed := range item.After {
			if !done[needed] {
				p.Items[i].Waits = append(p.Items[i].Waits, needed)
			}
		}
	}
	earlier := true
	for i := range p.Phases {
		f := &p.Phases[i]
		p.lacks(f, done, waivers)
		switch {
		case f.Gate.Open && earlier:
			f.State = PhaseDone
		case earlier:
			f.State = PhaseOpen
		default:
			f.State = PhaseWaiting
		}
		earlier = earlier && f.Gate.Open
	}
}

// lacks fills in what keeps a phase's gate shut.
func (p *Plan) lacks(f *Phase, done map[string]bool, waivers map[string]Waiver) {
	for _, item := range p.Items {
		if item.Phase == f.Key && item.Must && !done[item.Key] {
			f.Gate.Missing = append(f.Gate.Missing, Missing{Kind: "item", Key: item.Key, Name: item.Name})
		}
	}
	for k := range f.Gate.Facts {
		fact := &f.Gate.Facts[k]
		if w, ok := waivers[factSubject(f.Key, fact.Key)]; ok {
			fact.Waiver = &w
		}
		holds, err := p.Facts.Holds(fact.Rule)
		fact.Holds = holds
		if err != nil {
			fact.Fault = err.Error()
		}
		if !holds && (fact.Waiver == nil || !fact.Waiver.Counts) {
			f.Gate.Missing = append(f.Gate.Missing, Missing{Kind: "fact", Key: fact.Key, Name: fact.Name})
		}
	}
}

// stands is the instant at which the first waiver that a phase's gate needs ends; zero: it needs none.
func (p Plan) stands(f Phase) (until time.Time) {
	sooner := func(w *Waiver) {
		if w != nil && w.Counts && (until.IsZero() || w.Until.Before(until)) {
			until = w.Until
		}
	}
	for _, item := range p.Items {
		if item.Phase == f.Key && item.Must && item.State != Done {
			sooner(item.Waiver)
		}
	}
	for _, fact := range f.Gate.Facts {
		if !fact.Holds {
			sooner(fact.Waiver)
		}
	}
	return until
}
