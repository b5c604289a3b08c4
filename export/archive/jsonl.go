package archive

import (
	"bytes"
	"encoding/json"
)

// jsonFormat writes JSON Lines: one object a row, members in the columns' order.
type jsonFormat struct {
	columns []Column
	classes []class
	names   [][]byte // `{"id":`, `,"name":`, ...
	compact bytes.Buffer
}

func newJSON(columns []Column) *jsonFormat {
	f := &jsonFormat{columns: columns, classes: make([]class, len(columns)), names: make([][]byte, len(columns))}
	for i, c := range columns {
		f.classes[i] = classes[c.Type]
		name := []byte{'{'}
		if i > 0 {
			name[0] = ','
		}
		f.names[i] = append(appendString(name, []byte(c.Name)), ':')
	}
	return f
}

func (f *jsonFormat) open(dst []byte) []byte { return dst }

func (f *jsonFormat) row(dst []byte, values [][]byte) ([]byte, error) {
	for i, v := range values {
		dst = append(dst, f.names[i]...)
		if v == nil {
			dst = append(dst, "null"...)
			continue
		}
		var err error
		if dst, err = f.value(dst, i, v); err != nil {
			return dst, err
		}
	}
	return append(dst, '}', '\n'), nil
}

func (f *jsonFormat) value(dst []byte, i int, v []byte) ([]byte, error) {
	switch f.classes[i] {
	case asNumber:
		if startsNumber(v) {
			return append(dst, v...), nil
		}
		return quote(dst, v), nil
	case asPlain:
		return quote(dst, v), nil
	case asBoolean:
		return appendBoolean(dst, v), nil
	case asMoment:
		return append(appendMoment(append(dst, '"'), v), '"'), nil
	case asBinary:
		out, ok := appendBinary(append(dst, '"'), v)
		if !ok {
			return dst, &rowError{column: f.columns[i].Name, reason: "not_binary"}
		}
		return append(out, '"'), nil
	}
	if err := f.columns[i].sound(f.classes[i], v); err != nil {
		return dst, err
	}
	if f.classes[i] == asJSON {
		return f.document(dst, i, v)
	}
	return appendString(dst, v), nil
}

// document embeds a JSON document, which must not break the line. Its numbers and its order of members stay as they are.
func (f *jsonFormat) document(dst []byte, i int, v []byte) ([]byte, error) {
	if oneLine(v) {
		return append(dst, v...), nil
	}
	f.compact.Reset()
	if err := json.Compact(&f.compact, v); err != nil {
		return dst, &rowError{column: f.columns[i].Name, reason: "not_json"}
	}
	return append(dst, f.compact.Bytes()...), nil
}

// startsNumber tells a number from NaN and the infinities.
func startsNumber(v []byte) bool {
	if len(v) > 1 && v[0] == '-' {
		v = v[1:]
	}
	return len(v) > 0 && v[0] >= '0' && v[0] <= '9'
}

func quote(dst, v []byte) []byte { return append(append(append(dst, '"'), v...), '"') }

// escaped marks the bytes that cannot stand in a JSON string as they are.
var escaped = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'], t[0x7f] = true, true, true
	return t
}()

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string of valid UTF-8.
// Source: RFC 8259, section 7.
func appendString(dst, v []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i, c := range v {
		if !escaped[c] {
			continue
		}
		dst = append(dst, v[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, v[from:]...), '"')
}
