package replacement

import (
	"time"

	"offramp/migration"
)

// Count is how often a customer uses a feature.
type Count struct {
	Uses  int64
	Known bool      // false: the source never answered, or the programme does not count it
	AsOf  time.Time // when it was counted; zero when not Known
	Stale bool      // the latest try failed: "not known as of AsOf" later than that
}

// Usage is what one customer uses, by feature key. A feature that is missing is not known.
type Usage map[string]Count

// AsOf is when the oldest of the known counts was made; zero when none is known.
func (u Usage) AsOf() (oldest time.Time) {
	for _, c := range u {
		if c.Known && (oldest.IsZero() || c.AsOf.Before(oldest)) {
			oldest = c.AsOf
		}
	}
	return oldest
}

// Used reports whether the customer uses a feature, as far as is known.
func (u Usage) Used(feature string) bool { return u[feature].Known && u[feature].Uses > 0 }

// FeatureReport is how a feature's count stands, for staff and operators.
type FeatureReport struct {
	Feature   string
	CountedAt time.Time     // the latest count that succeeded; zero: none yet
	TriedAt   time.Time     // the latest try
	Took      time.Duration // of the latest try
	Slow      bool          // it took longer than is good
	Problem   string        // what went wrong in the latest try, in English, without values; empty: nothing
	Customers int64         // who use it; 0 with CountedAt: nobody does
	Uses      int64         // of all of them
}

// Unused reports whether it is known that nobody uses the feature.
func (r FeatureReport) Unused() bool { return !r.CountedAt.IsZero() && r.Customers == 0 }

// sentence keys of a Line.
const (
	sentenceCovered = "fit.covered" // Args: Feature, Count, Product
	sentenceWork    = "fit.work"
	sentenceLost    = "fit.lost"
	sentenceNotSaid = "fit.not_said"
	sentenceUnknown = "fit.unknown"
)

// Coverage says what becomes of a feature at a replacement.
type Coverage string

// The coverages.
const (
	Covered Coverage = "covered"  // it is there
	Work    Coverage = "work"     // it is there and needs work
	Lost    Coverage = "lost"     // it is not there
	NotSaid Coverage = "not_said" // the programme does not say
)

// Line is one feature as a replacement has it, for a customer who uses it, or of whom that is not known.
type Line struct {
	Feature  migration.Feature
	Coverage Coverage
	Count    Count
	Text     migration.Text // the programme's words on it; may be empty
}

// Sentence is the message key that tells the line as a sentence. Its placeholders are Feature and Product, which are names
// in the reader's language, and Count.
func (l Line) Sentence() string {
	if !l.Count.Known {
		return sentenceUnknown
	}
	switch l.Coverage {
	case Covered:
		return sentenceCovered
	case Work:
		return sentenceWork
	case Lost:
		return sentenceLost
	}
	return sentenceNotSaid
}
