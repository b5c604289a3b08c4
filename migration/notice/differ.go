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

// differences lists what differs between two contents as JSON, in order of the places. A content that cannot be read, since
// another release wrote it, is compared as text.
func differences(before, after string) (list []Change) {
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

// flatten notes each value of a content under its place. An entry of a list goes by its tier or milestone where it has one, so that
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
			}
			flatten(path+"."+name, one, into)
		}
	case nil:
	default:
		into[path] = fmt.Sprint(v)
	}
}
