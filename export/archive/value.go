package archive

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// Column is a column of a dataset. Type is one of text, integer, number, boolean, date, time, timestamp, instant,
// duration, binary, json, uuid; the values' text forms are those of package source.
type Column struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Meaning string `json:"meaning,omitempty"` // one sentence, in the customer's language
	Unit    string `json:"unit,omitempty"`    // of its values, such as EUR or min
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
	format bool // only this format cannot hold the row
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

// direct is a format that gathers rows before it writes.
type direct interface {
	begin(w io.Writer) error
	// write takes one row. It fails with *rowError, and then has taken nothing.
	write(values [][]byte) error
	end() error
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

// sound refuses text that no format can hold. A JSON document is looked into only where it must be made one line.
func (c Column) sound(as class, v []byte) error {
	if err := c.notUTF8(v); err != nil {
		return err
	}
	if as == asJSON && !oneLine(v) && !json.Valid(v) {
		return &rowError{column: c.Name, reason: "not_json"}
	}
	return nil
}

func (c Column) notUTF8(v []byte) error {
	if utf8.Valid(v) {
		return nil
	}
	return &rowError{column: c.Name, reason: "not_utf8"}
}

func oneLine(v []byte) bool { return bytes.IndexByte(v, '\n') < 0 && bytes.IndexByte(v, '\r') < 0 }
