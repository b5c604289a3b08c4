package archive

import (
	"slices"
	"time"

	"offramp/internal/locale"
)

// What makes an export less than everything.
const (
	ByDatasets = "datasets" // only some were chosen
	ByFilter   = "filter"   // only chosen values of what the programme lets customers choose by
	ByPeriod   = "period"   // only certain days
	ByChanges  = "changes"  // only what was changed since an earlier export
	ByRepair   = "repair"   // only what failed in an earlier export
)

// Narrowing is one way in which an export holds less than everything, and the datasets that came whole all the same. A receipt
// is about what was asked for, so it says what that was.
type Narrowing struct {
	By     string   `json:"by"`
	Filter string   `json:"filter,omitempty"` // key
	Name   string   `json:"name,omitempty"`   // of the filter, in the customer's language
	Values []string `json:"values,omitempty"` // that were chosen of the filter
	From   string   `json:"from,omitempty"`   // the first day, of a period; empty: from the beginning
	Until  string   `json:"until,omitempty"`  // the last day
	Since  string   `json:"since,omitempty"`  // reference of the earlier export, of changes and a repair
	// Datasets are those that it narrows; of ByDatasets, those that were chosen.
	Datasets []string `json:"datasets"`
	// Whole are those that it does not narrow, since they lack what it goes by.
	Whole []string `json:"whole,omitempty"`
}

// cloneNarrowings copies what is kept, so that no caller changes it later.
func cloneNarrowings(list []Narrowing) []Narrowing {
	list = slices.Clone(list)
	for i := range list {
		n := &list[i]
		n.Values, n.Datasets, n.Whole = slices.Clone(n.Values), slices.Clone(n.Datasets), slices.Clone(n.Whole)
	}
	return list
}

// NarrowedWords says in the reader's language what makes an export less than everything, a sentence or two for each way. name
// turns a dataset's key into what the reader knows it by.
func NarrowedWords(l *locale.Locale, list []Narrowing, name func(key string) string) (lines []string) {
	names := func(keys []string) (text string) {
		for i, key := range keys {
			if i == 0 {
				text = name(key)
				continue
			}
			text = l.T("export.list.and", "First", text, "Then", name(key))
		}
		return text
	}
	for _, n := range list {
		line := l.T("export.narrowed."+n.By, "Name", visible(n.Name), "Days", days(l, n), "Earlier", n.Since, "Datasets", names(n.Datasets))
		if n.By == ByChanges || n.By == ByRepair {
			line = l.T("export.narrowed.sentences", "First", line, "Then", l.T("export.narrowed.keep", "Earlier", n.Since))
		}
		if len(n.Whole) > 0 {
			line = l.T("export.narrowed.sentences", "First", line, "Then", l.T("export.narrowed.whole", "Datasets", names(n.Whole)))
		}
		lines = append(lines, line)
	}
	return lines
}

// days words a period.
func days(l *locale.Locale, n Narrowing) string {
	day := func(s string) string {
		t, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return s
		}
		return l.Date(t, time.UTC)
	}
	switch {
	case n.From == "" && n.Until == "":
		return ""
	case n.Until == "":
		return l.T("export.period.from", "From", day(n.From))
	case n.From == "":
		return l.T("export.period.until", "Until", day(n.Until))
	}
	return l.T("export.period.both", "From", day(n.From), "Until", day(n.Until))
}
