package customer

import (
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/page"
)

// FitText is how a replacement fits a customer in the words that the customer reads, for staff.
type FitText struct {
	Name    string
	Verdict string
	Lost    []string
	Work    []string
}

// Fits words how each replacement on offer fits what a customer uses, and the one that was chosen.
func Fits(v *page.Visit, o replacement.Overview) (list []FitText) {
	w := newReplacementWords(v)
	for _, r := range v.Programme.Replacements {
		if mine := o.Choice != nil && o.Choice.Replacement == r.Key; r.Withdrawn && !mine {
			continue
		}
		lines := w.fitLines(r, o.Usage)
		list = append(list, FitText{Name: w.name(r), Verdict: lines.verdict, Lost: lines.lost, Work: lines.work})
	}
	return list
}

// GuideProgress says how much of a replacement's guide is ticked off; empty where there is no guide.
func GuideProgress(l *locale.Locale, r migration.Replacement, ticks map[string]replacement.Tick) string {
	done, all := progressOf(r, ticks)
	if all == 0 {
		return ""
	}
	return l.T("guide.progress", "Done", done, "All", all)
}

// HandOverState says how a hand-over stands; empty for none.
func HandOverState(v *page.Visit, h *replacement.HandOver) string {
	if h == nil {
		return ""
	}
	key := "choice.hand_over.sent"
	switch {
	case h.RedeemedAt != nil:
		key = "choice.hand_over.redeemed"
	case v.Now.After(h.Until):
		key = "choice.hand_over.lapsed"
	}
	return v.Locale.T(key, "When", v.When(h.At))
}

// ReplacementName is the programme's name for a product to move to; its key where the programme no longer has it.
func ReplacementName(v *page.Visit, key string) string {
	if r, ok := v.Programme.Replacement(key); ok {
		return replacementName(v.Locale, r)
	}
	return key
}
