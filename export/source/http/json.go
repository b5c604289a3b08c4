package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The functions here walk through JSON that soundJSON has passed, without turning it into Go values: a number stays as it
// is written and an object's text is never built anew.
// Source: RFC 8259, "The JavaScript Object Notation (JSON) Data Interchange Format".

// soundJSON reports what is wrong with a whole answer: damaged text, an end too early, something behind the end.
// encoding/json refuses what is nested deeper than 10,000 levels.
func soundJSON(page []byte) error {
	if !utf8.Valid(page) {
		return errors.New("the answer is not UTF-8")
	}
	if json.Valid(page) {
		return nil
	}
	var raw json.RawMessage
	err := json.Unmarshal(page, &raw)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax) && strings.HasPrefix(syntax.Error(), "unexpected end"):
		return fmt.Errorf("the answer is no JSON: it ends at byte %d in the middle of a value", len(page))
	case errors.As(err, &syntax): // its own text would repeat a character of the answer
		return fmt.Errorf("the answer is no JSON: it breaks at byte %d of %d", syntax.Offset, len(page))
	}
	return errors.New("the answer is no JSON: it cannot be read")
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the place behind the string that begins at i.
func skipString(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue returns the place behind the value that begins at i.
func skipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		for depth := 0; ; {
			switch b[i] {
			case '"':
				i = skipString(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			if i++; depth == 0 {
				return i
			}
		}
	}
	if n := bytes.IndexAny(b[i:], ",]} \t\r\n"); n >= 0 {
		return i + n
	}
	return len(b)
}

// members calls visit for each member of an object. key is without its quotes and escapes.
func members(object []byte, visit func(key, value []byte) error) error {
	var name []byte
	i := skipSpace(object, skipSpace(object, 0)+1)
	for object[i] != '}' {
		end := skipString(object, i)
		var ok bool
		if name, ok = appendText(name[:0], object[i:end]); !ok {
			return errors.New("a field has half a character in its name")
		}
		i = skipSpace(object, skipSpace(object, end)+1) // the colon
		end = skipValue(object, i)
		if err := visit(name, object[i:end]); err != nil {
			return err
		}
		if i = skipSpace(object, end); object[i] == ',' {
			i = skipSpace(object, i+1)
		}
	}
	return nil
}

// elements calls visit for each element of an array.
func elements(array []byte, visit func(value []byte) error) error {
	i := skipSpace(array, skipSpace(array, 0)+1)
	for array[i] != ']' {
		end := skipValue(array, i)
		if err := visit(array[i:end]); err != nil {
			return err
		}
		if i = skipSpace(array, end); array[i] == ',' {
			i = skipSpace(array, i+1)
		}
	}
	return nil
}

// lookUp returns the value under a dotted path, or nil when there is none or it is null. An empty path is the whole.
func lookUp(page []byte, path string) ([]byte, error) {
	at := bytes.TrimSpace(page)
	for path != "" {
		var step string
		step, path, _ = strings.Cut(path, ".")
		if at[0] != '{' {
			return nil, nil
		}
		var found []byte
		err := members(at, func(key, value []byte) error {
			if string(key) != step {
				return nil
			}
			if found != nil {
				return fmt.Errorf("the answer has the field %q twice", step)
			}
			found = value
			return nil
		})
		if err != nil || found == nil {
			return nil, err
		}
		at = found
	}
	if at[0] == 'n' {
		return nil, nil
	}
	return at, nil
}

// nameOf says what a value is, for errors: never the value, which is a customer's.
func nameOf(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// appendText appends a string's text without quotes and escapes. Half of a surrogate pair is no text: it fails.
func appendText(dst, quoted []byte) ([]byte, bool) {
	s := quoted[1 : len(quoted)-1]
	for len(s) > 0 {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...), true
		}
		dst = append(dst, s[:i]...)
		if s[i+1] != 'u' {
			dst, s = append(dst, unescaped(s[i+1])), s[i+2:]
			continue
		}
		r := hex4(s[i+2:])
		s = s[i+6:]
		if utf16.IsSurrogate(r) {
			if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
				return dst, false
			}
			if r = utf16.DecodeRune(r, hex4(s[2:])); r == utf8.RuneError {
				return dst, false
			}
			s = s[6:]
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, true
}

func unescaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c
}

func hex4(s []byte) rune {
	var r rune
	for _, c := range s[:4] {
		switch {
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		r = r<<4 | rune(c)
	}
	return r
}
