package notice

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"offramp/internal/textdiff"
)

// Change is one value that differs between two contents of a notice.
type Change struct {
	Path  string // such as Notice.Words.core.Title.en
	Parts []textdiff.Part
}

// Differences lists what differs between two contents as JSON, in order of the places. A content that cannot be read, since
// another release wrote it, is compared as text.
func Differences(before, after string) (list []Change) {
	var was, is any
	if json.Unmarshal([]byte(before), &was) != nil || json.Unmarshal([]byte(after), &is) != nil {
		return []Change{{Parts: textdiff.Words(before, after)}}
	}
	old, now := map[string]string{}, map[string]string{}
	flatten("", was, old)
	flatten("", is, now)
	places := maps.Clone(old)
	maps.Copy(places, now)
	for _, path := range slices.Sorted(maps.Keys(places)) {
		if old[path] != now[path] {
			list = append(list, Change{path, textdiff.Words(old[path], now[path])})
		}
	}
	return list
}

// asked is the question, or the situation's title, by which an entry of a briefing goes; empty: it is none.
func asked(entry map[string]any) string {
	text, ok := entry["Question"].(map[string]any)
	if _, scene := entry["Situation"]; scene {
		text, ok = entry["Title"].(map[string]any)
	}
	if !ok {
		return ""
	}
	for _, tag := range slices.Sorted(maps.Keys(text)) {
		if s, ok := text[tag].(string); ok && s != "" {
			return strings.ReplaceAll(s, ".", "") // a full stop would part the place
		}
	}
	return ""
}

// flatten notes each value of a content under its place. An entry of a list goes by its tier, milestone or question where it has one, so that
// one put in between does not make all others look changed.
func flatten(path string, value any, into map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, one := range v {
			flatten(strings.TrimPrefix(path+"."+key, "."), one, into)
		}
	case []any:
		for i, one := range v {
			name := fmt.Sprint(i + 1)
			if entry, ok := one.(map[string]any); ok {
				for _, key := range []string{"Tier", "Milestone"} {
					if text, ok := entry[key].(string); ok && text != "" {
						name = text
					}
				}
				if said := asked(entry); said != "" {
					name = said
				}
			}
			flatten(path+"."+name, one, into)
		}
	case nil:
	default:
		into[path] = fmt.Sprint(v)
	}
}
