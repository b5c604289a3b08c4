package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"unicode/utf8"
)

// Column is a column of a dataset. Type is one of text, integer, number, boolean, date, time, timestamp, instant,
// duration, binary, json, uuid; the values' text forms are those of package source.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// class is what an encoder must do with a column's values.
type class uint8

const (
	asText    class = iota // may hold anything
	asPlain                // never needs quotes in CSV nor escapes in JSON, but is no JSON number
	asNumber               // a JSON number, or a word such as NaN
	asBoolean              // t or f
	asMoment               // a date and a time with a space between them
	asBinary               // \x and hexadecimal digits
	asJSON                 // a JSON document
)

var classes = map[string]class{
	"integer": asNumber, "number": asNumber, "boolean": asBoolean, "date": asPlain, "time": asPlain,
	"timestamp": asMoment, "instant": asMoment, "duration": asPlain, "binary": asBinary, "json": asJSON, "uuid": asPlain,
}

// rowError is a row that cannot be written without loss. The receipt names it.
type rowError struct {
	column string
	reason string
}

// Error names the column and the reason.
func (e *rowError) Error() string { return fmt.Sprintf("column %q: %s", e.column, e.reason) }

// A format writes rows.
type format interface {
	// open appends what stands before the first row.
	open(dst []byte) []byte
	// row appends one row. It fails with *rowError.
	row(dst []byte, values [][]byte) ([]byte, error)
}

// appendMoment turns 2026-03-01 14:05:00.5+00 into 2026-03-01T14:05:00.5Z. Words such as infinity stay.
// Source: ISO 8601-1:2019, 5.4.2.
func appendMoment(dst, v []byte) []byte {
	i := bytes.IndexByte(v, ' ')
	if i < 0 || i+1 == len(v) {
		return append(dst, v...)
	}
	dst = append(dst, v[:i]...)
	rest := v[i+1:]
	if rest[0] < '0' || rest[0] > '9' {
		return append(append(dst, ' '), rest...)
	}
	dst = append(dst, 'T')
	clock, era := rest, []byte(nil)
	if j := bytes.IndexByte(rest, ' '); j >= 0 { // as in 0044-03-15 10:00:00+00 BC
		clock, era = rest[:j], rest[j:]
	}
	if zone, ok := bytes.CutSuffix(clock, []byte("+00")); ok {
		dst = append(append(dst, zone...), 'Z')
	} else {
		dst = append(dst, clock...)
	}
	return append(dst, era...)
}

// appendBinary turns \x6869 into base64.
func appendBinary(dst, v []byte) ([]byte, bool) {
	digits, ok := bytes.CutPrefix(v, []byte(`\x`))
	if !ok || len(digits)%2 != 0 {
		return dst, false
	}
	// Three bytes at a time, so that nothing has to be held twice.
	var raw [3]byte
	for len(digits) > 0 {
		n := min(len(digits), 6)
		if _, err := hex.Decode(raw[:], digits[:n]); err != nil {
			return dst, false
		}
		dst, digits = base64.StdEncoding.AppendEncode(dst, raw[:n/2]), digits[n:]
	}
	return dst, true
}

func (c Column) notUTF8(v []byte) error {
	if utf8.Valid(v) {
		return nil
	}
	return &rowError{column: c.Name, reason: "not_utf8"}
}
