package locale

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// message is a text cut at its placeholders: words and names in turn, beginning with words.
type message []string

var slot = regexp.MustCompile(`\{\{\s*\.(\w+)\s*\}\}`)

// compile cuts a text. It is not simple when its template does more than name values.
func compile(text string) (m message, simple bool) {
	end := 0
	for _, at := range slot.FindAllStringSubmatchIndex(text, -1) {
		m = append(m, text[end:at[0]], text[at[2]:at[3]])
		end = at[1]
	}
	m = append(m, text[end:])
	for i := 0; i < len(m); i += 2 {
		if strings.Contains(m[i], "{{") {
			return nil, false
		}
	}
	return m, true
}

// fill puts values in the places of their names. A name without a value is
// written as text/template does, so that it is noticed alike everywhere.
func (m message) fill(kv []any) string {
	if len(m) == 1 {
		return m[0]
	}
	var out strings.Builder
	for i, part := range m {
		if i%2 == 0 {
			out.WriteString(part)
		} else {
			out.WriteString(value(part, kv))
		}
	}
	return out.String()
}

func value(name string, kv []any) string {
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i] != name {
			continue
		}
		switch v := kv[i+1].(type) {
		case string:
			return v
		case int:
			return strconv.Itoa(v)
		default:
			return fmt.Sprint(v)
		}
	}
	return "<no value>"
}
