package page

import (
	"strings"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/notice"
)

// MilestoneName is what the programme calls a milestone, or the catalogue's name for it.
func MilestoneName(l *locale.Locale, m migration.Milestone) string {
	return said(l, m.Name, "milestone."+m.Key, m.Key)
}

// MilestoneEffect says in one sentence what changes for the customer; empty where there is nothing to say.
func MilestoneEffect(l *locale.Locale, m migration.Milestone) string {
	return said(l, m.Effect, "milestone."+m.Key+".effect", "")
}

func said(l *locale.Locale, text migration.Text, id, otherwise string) string {
	switch own := l.Pick(text); {
	case own != "":
		return own
	case l.Has(id):
		return l.T(id)
	}
	return otherwise
}

// ExtensionReason words why a customer has more time than others: ours by its key, a colleague's as it was written.
func ExtensionReason(l *locale.Locale, reason string) string {
	if id := "dates.reason." + reason; reason != "" && l.Has(id) {
		return l.T(id)
	}
	return reason
}

// NoticeName is what staff call a notice: its title with the dates of the programme, or its kind and key where it
// has none.
func NoticeName(l *locale.Locale, p *migration.Programme, key string) string {
	if notice.IsCorrection(key) {
		return l.T("notice.correction.of", "Version", strings.TrimPrefix(key, "moved:"))
	}
	n, ok := p.Notice(key)
	if !ok {
		return key
	}
	if text := notice.TitleOf(l, p, n); text != "" {
		return text
	}
	return l.T("notice.kind."+n.Kind) + " · " + n.Key
}

// TierName is what the programme calls a tier; its key where the programme no longer has it.
func TierName(l *locale.Locale, p *migration.Programme, key string) string {
	for _, t := range p.Tiers {
		if name := l.Pick(t.Name); t.Key == key && name != "" {
			return name
		}
	}
	return key
}
