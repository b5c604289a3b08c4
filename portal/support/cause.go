package support

import (
	"regexp"

	"offramp/internal/locale"
)

// place and kind of what a worker reported: source: dataset "tasks": schema: ..., or storage: put "key": denied: ...
var (
	sourceCause  = regexp.MustCompile(`source: (?:dataset "([^"]*)": )?(unavailable|locked|denied|schema|invalid|inconsistent):`)
	storageCause = regexp.MustCompile(`storage: [^:]*: (unavailable|denied|missing|invalid|[a-z_]+):`)
)

// causeWords says in words for an agent why an export does not come on. What the worker wrote stands among the details.
func causeWords(l *locale.Locale, cause string) string {
	if m := sourceCause.FindStringSubmatch(cause); m != nil {
		words := l.T("console.cause.source." + m[2])
		if m[1] != "" {
			words = l.T("console.cause.dataset", "Dataset", m[1], "Cause", words)
		}
		return words
	}
	if storageCause.MatchString(cause) {
		return l.T("console.cause.storage")
	}
	return l.T("console.cause.other")
}
