package replacement

import (
	"time"

	"offramp/migration"
)

// Fit is how a replacement covers what one customer uses. Lists are in the programme's order of features and hold what the
// customer uses, Unknown what is not known to be used or not; what the customer does not use is in Unused.
type Fit struct {
	Replacement string // key
	Covered     []Line
	Work        []Line
	Lost        []Line
	NotSaid     []Line // used, and the programme does not say whether the replacement has it
	Unknown     []Line // whether the customer uses it is not known
	Unused      []Line // known not to be used
	AsOf        time.Time
}

// Used counts the features that the customer is known to use.
func (f Fit) Used() int { return len(f.Covered) + len(f.Work) + len(f.Lost) + len(f.NotSaid) }

// Known reports whether anything is known of what the customer uses.
func (f Fit) Known() bool { return f.Used()+len(f.Unused) > 0 }

// Of computes how r covers what a customer uses.
func Of(p *migration.Programme, r migration.Replacement, u Usage) Fit {
	f := Fit{Replacement: r.Key, AsOf: u.AsOf()}
	for _, feature := range p.Features {
		l := Line{Feature: feature, Coverage: NotSaid, Count: u[feature.Key]}
		for _, m := range r.Features {
			if m.Feature == feature.Key {
				l.Coverage, l.Text = coverages[m.Has], m.Text
			}
		}
		f.add(l)
	}
	return f
}

var coverages = map[string]Coverage{migration.MovesAll: Covered, migration.MovesPart: Work, migration.MovesNone: Lost}

func (f *Fit) add(l Line) {
	list := &f.NotSaid
	switch {
	case !l.Count.Known:
		list = &f.Unknown
	case l.Count.Uses == 0:
		list = &f.Unused
	case l.Coverage == Covered:
		list = &f.Covered
	case l.Coverage == Work:
		list = &f.Work
	case l.Coverage == Lost:
		list = &f.Lost
	}
	*list = append(*list, l)
}

// Recommendation is the replacement that fits best, and why.
type Recommendation struct {
	Replacement string // key
	Covered     int    // features that the customer uses and it has
	Used        int    // features that the customer uses
	Reason      string // message key; Args: Product, Covered, Used
}

// Reasons of a recommendation.
const (
	reasonAll  = "fit.reason.all"  // it has everything that the customer uses
	reasonMost = "fit.reason.most" // it has most of what the customer uses
)

// Recommend names the replacement on offer that covers most of what the customer uses. Where two cover as many, the one with
// fewer losses, then the first in the programme's order. None where the programme switches recommendations off, where
// nothing is known to be used, or where no replacement covers anything.
func Recommend(p *migration.Programme, u Usage) (Recommendation, bool) {
	if !p.Choice.Recommends() {
		return Recommendation{}, false
	}
	var best Fit
	for _, r := range p.Offered() {
		if f := Of(p, r, u); len(f.Covered) > len(best.Covered) || len(f.Covered) == len(best.Covered) && len(f.Covered) > 0 && len(f.Lost) < len(best.Lost) {
			best = f
		}
	}
	if len(best.Covered) == 0 {
		return Recommendation{}, false
	}
	reason := reasonMost
	if len(best.Covered) == best.Used() {
		reason = reasonAll
	}
	return Recommendation{Replacement: best.Replacement, Covered: len(best.Covered), Used: best.Used(), Reason: reason}, true
}
