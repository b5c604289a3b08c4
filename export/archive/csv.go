package archive

import (
	"bytes"

	"offramp/internal/spreadsheet"
)

// csvFormat writes RFC 4180: CRLF after each record, quotes where needed. NULL is nothing, empty text is "".
type csvFormat struct {
	columns []Column
	classes []class
}

func newCSV(columns []Column) *csvFormat {
	f := &csvFormat{columns: columns, classes: make([]class, len(columns))}
	for i, c := range columns {
		f.classes[i] = classes[c.Type]
	}
	return f
}

func (f *csvFormat) open(dst []byte) []byte {
	for i, c := range f.columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, []byte(c.Name))
	}
	return append(dst, '\r', '\n')
}

func (f *csvFormat) row(dst []byte, values [][]byte) ([]byte, error) {
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		if v == nil {
			continue
		}
		var err error
		if dst, err = f.field(dst, i, v); err != nil {
			return dst, err
		}
	}
	return append(dst, '\r', '\n'), nil
}

func (f *csvFormat) field(dst []byte, i int, v []byte) ([]byte, error) {
	switch f.classes[i] {
	case asPlain, asNumber:
		return append(dst, v...), nil
	case asBoolean:
		return appendBoolean(dst, v), nil
	case asMoment:
		return appendMoment(dst, v), nil
	case asBinary:
		out, ok := appendCSVBinary(dst, v)
		if !ok {
			return dst, &rowError{column: f.columns[i].Name, reason: "not_binary"}
		}
		return out, nil
	}
	if err := f.columns[i].sound(f.classes[i], v); err != nil {
		return dst, err
	}
	return appendQuoted(dst, v), nil
}

func appendCSVBinary(dst, v []byte) ([]byte, bool) {
	if len(v) == len(`\x`) {
		return append(dst, '"', '"'), true
	}
	return appendBinary(dst, v)
}

func appendBoolean(dst, v []byte) []byte {
	if len(v) == 1 && v[0] == 't' {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

// special marks the bytes for which a CSV field needs quotes.
var special = [256]bool{'"': true, ',': true, '\n': true, '\r': true}

// appendQuoted appends a field, in quotes if it is empty or holds anything special. A lone space at either end is also
// quoted, since some readers trim.
func appendQuoted(dst, v []byte) []byte {
	if len(v) > 0 && v[0] != ' ' && v[len(v)-1] != ' ' && !needsQuotes(v) {
		return append(dst, v...)
	}
	dst = append(dst, '"')
	for {
		i := bytes.IndexByte(v, '"')
		if i < 0 {
			break
		}
		dst = append(append(dst, v[:i+1]...), '"')
		v = v[i+1:]
	}
	return append(append(dst, v...), '"')
}

func needsQuotes(v []byte) bool {
	// For long values four searches by vector instructions are faster than a walk.
	if len(v) >= 64 {
		return bytes.IndexByte(v, ',') >= 0 || bytes.IndexByte(v, '"') >= 0 || bytes.IndexByte(v, '\n') >= 0 || bytes.IndexByte(v, '\r') >= 0
	}
	for _, c := range v {
		if special[c] {
			return true
		}
	}
	return false
}

// spreadsheetFormat is CSV for people: with a BOM, so that Excel reads UTF-8, and with an apostrophe before any text
// that a spreadsheet would take for a formula. Numbers are left alone: -12 is no formula.
// Source: OWASP, "CSV Injection".
type spreadsheetFormat struct{ csvFormat }

func newSpreadsheet(columns []Column) *spreadsheetFormat { return &spreadsheetFormat{*newCSV(columns)} }

func (f *spreadsheetFormat) open(dst []byte) []byte {
	dst = append(dst, "\ufeff"...)
	for i, c := range f.columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuoted(dst, defused([]byte(c.Name)))
	}
	return append(dst, '\r', '\n')
}

func (f *spreadsheetFormat) row(dst []byte, values [][]byte) ([]byte, error) {
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		if v == nil {
			continue
		}
		if c := f.classes[i]; c == asText || c == asJSON {
			if err := f.columns[i].sound(c, v); err != nil {
				return dst, err
			}
			dst = appendQuoted(dst, defused(v))
			continue
		}
		mark := len(dst)
		var err error
		if dst, err = f.field(dst, i, v); err != nil {
			return dst, err
		}
		// Others than text begin with a sign too: -infinity, or base64's +. Only a number means no harm.
		if !(f.classes[i] == asNumber && startsNumber(v)) {
			dst = append(dst[:mark], defused(dst[mark:])...)
		}
	}
	return append(dst, '\r', '\n'), nil
}

// defused puts an apostrophe before a value that a spreadsheet could run.
func defused(v []byte) []byte {
	if spreadsheet.Runs(v) {
		return append([]byte{'\''}, v...)
	}
	return v
}
