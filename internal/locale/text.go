package locale

import (
	"maps"
	"slices"
	"strings"
)

// Pick returns the wording of a programme's text for this language, and the
// nearest other one when it has none. See PickLang for which.
func (l *Locale) Pick(text map[string]string) string {
	wording, _ := l.PickLang(text)
	return wording
}

// PickLang returns the wording for this language and the tag of the language it
// is written in, for a lang attribute. It tries the exact tag, then the same
// base language, then Default, then the first tag by name; an empty text gives "".
func (l *Locale) PickLang(text map[string]string) (wording, tag string) {
	if s := text[l.tag]; s != "" {
		return s, l.tag
	}
	keys := slices.Sorted(maps.Keys(text))
	base, _, _ := strings.Cut(l.tag, "-")
	for _, key := range keys {
		if b, _, _ := strings.Cut(key, "-"); b == base && text[key] != "" {
			return text[key], key
		}
	}
	if s := text[Default]; s != "" {
		return s, Default
	}
	for _, key := range keys {
		if text[key] != "" {
			return text[key], key
		}
	}
	return "", l.tag
}
