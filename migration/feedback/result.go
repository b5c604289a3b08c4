package feedback

import (
	"context"
	"math"
	"slices"

	"offramp/internal/db"
	"offramp/migration"
)

// What is shown at least of.
const (
	Fewest   = 5  // people in a cell: fewer could be known
	Headline = 30 // scores, below which the one number that people quote is left out
)

// z is the quantile of the normal distribution for 95 percent.
const z = 1.959963984540054

// Share is a part of n, with the interval in which the true one lies in 95 of 100 such surveys.
type Share struct {
	Count, N       int
	Rate, Low, Top float64 // 0 to 1
	Hidden         bool    // too few to be shown, or known by difference from what is
}

// Wilson returns a share with Wilson's score interval, which holds for small n and for shares near 0 and 1, too.
func Wilson(count, n int) Share {
	s := Share{Count: count, N: n}
	if n == 0 {
		return Share{Hidden: true}
	}
	rate, of := float64(count)/float64(n), float64(n)
	middle := (rate + z*z/(2*of)) / (1 + z*z/of)
	half := z / (1 + z*z/of) * math.Sqrt(rate*(1-rate)/of+z*z/(4*of*of))
	s.Rate, s.Low, s.Top = rate, max(0, middle-half), min(1, middle+half)
	return s
}

// Hide reports which cells of one whole, whose total is known, are not shown: those under Fewest, and as many others, the smallest first,
// as it takes for no hidden one to be known by difference.
func Hide(counts []int) []bool {
	hidden := make([]bool, len(counts))
	left, sum := 0, 0
	hide := func(i int) { hidden[i], left, sum = true, left+1, sum+counts[i] }
	for i, n := range counts {
		if n < Fewest {
			hide(i)
		}
	}
	for left > 0 && left < len(counts) && (left == 1 || sum < Fewest) {
		next := -1
		for i, n := range counts {
			if !hidden[i] && (next < 0 || n < counts[next]) {
				next = i
			}
		}
		hide(next)
	}
	return hidden
}

// Cells are the shares of one whole, with what must not be shown hidden.
func Cells(counts ...int) (list []Share) {
	n := 0
	for _, c := range counts {
		n += c
	}
	for i, hidden := range Hide(counts) {
		s := Wilson(counts[i], n)
		if s.Hidden = hidden; hidden {
			s = Share{N: n, Hidden: true}
		}
		list = append(list, s)
	}
	return list
}

// NPS is the share of promoters less that of detractors, times 100, with the interval of the difference of two shares of one sample.
type NPS struct {
	N                               int
	Detractors, Passives, Promoters Share
	Score, Low, Top                 float64 // -100 to 100
	Shown                           bool    // there are enough scores for a headline, and no part of it is hidden
}

// NPSOf counts scores: 0 to 6 detract, 7 and 8 are passive, 9 and 10 promote.
func NPSOf(scores []int) NPS {
	var groups [3]int
	for _, s := range scores {
		switch {
		case s <= 6:
			groups[0]++
		case s <= 8:
			groups[1]++
		default:
			groups[2]++
		}
	}
	cells := Cells(groups[:]...)
	r := NPS{N: len(scores), Detractors: cells[0], Passives: cells[1], Promoters: cells[2]}
	if r.N < Headline || slices.ContainsFunc(cells, func(s Share) bool { return s.Hidden }) {
		return r
	}
	bad, good := cells[0].Rate, cells[2].Rate
	half := z * math.Sqrt((good+bad-(good-bad)*(good-bad))/float64(r.N))
	r.Score, r.Low, r.Top, r.Shown = 100*(good-bad), 100*max(-1, good-bad-half), 100*min(1, good-bad+half), true
	return r
}

// Outcome is what was answered to one question.
type Outcome struct {
	Question Question
	N        int      // who answered it; 0 where these are too few to be told
	Few      bool     // too few to be shown
	NPS      NPS      // of AskNPS
	Texts    []string // of AskText, in no order that means anything
}

// Results are what the programme manager sees.
type Results struct {
	Anonymous bool // what the programme asks for now
	Response  Share
	Few       bool // too few were invited or have answered
	Held      bool // further anonymous answers wait until there are five of them
	Outcomes  []Outcome
}

// Results counts what was answered. ErrNone. For staff.
func (s *Service) Results(ctx context.Context, staffID string) (r Results, err error) {
	p, err := s.programmes.Active(ctx)
	if err != nil {
		return Results{}, err
	}
	if p.Feedback == nil {
		return Results{}, ErrNone
	}
	var list []map[string]string
	var invited, hidden int
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		invited, hidden, list, err = s.store.tally(ctx, tx)
		return err
	})
	if err != nil {
		return Results{}, err
	}
	r = Results{Anonymous: p.Feedback.Anonymous, Held: hidden > 0}
	r.Response = Cells(len(list), max(0, invited-len(list)))[0]
	r.Few = r.Response.Hidden
	for _, q := range QuestionsOf(p) {
		r.Outcomes = append(r.Outcomes, outcomeOf(q, list))
	}
	return r, nil
}

func outcomeOf(q Question, list []map[string]string) Outcome {
	o := Outcome{Question: q}
	var scores []int
	for _, answers := range list {
		if q.Kind == migration.AskNPS {
			if n := scoreOf(answers[q.Key]); n >= 0 {
				scores = append(scores, n)
			}
		} else if text := answers[q.Key]; text != "" {
			o.Texts = append(o.Texts, text)
		}
	}
	if o.N = len(scores) + len(o.Texts); o.N < Fewest {
		return Outcome{Question: q, Few: true}
	}
	if q.Kind == migration.AskNPS {
		o.NPS = NPSOf(scores)
	}
	slices.Sort(o.Texts) // also of two questions whose answers one person gave
	return o
}
