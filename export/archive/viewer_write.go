package archive

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// What the viewer loads is cut small: a browser reads a chunk in some ten milliseconds and forgets it again.
const (
	viewerChunk = 384 << 10 // bytes after which a chunk ends, between two rows
	viewerValue = 1 << 20   // bytes of a value; beyond, the viewer shows its beginning and says so
	viewerRow   = 8 << 20   // bytes of a row, for all its values
)

// viewerFolder is where the rows of a dataset lie for the viewer. All volumes of an export unpack into one folder, so
// each has its own place. No dataset can be called like another part of these paths: names of datasets begin with a
// letter and have no dot.
func viewerFolder(h Header, name string) string {
	if h.Volumes > 1 {
		return fmt.Sprintf("viewer/volume-%02d/%s", h.Volume, name)
	}
	return "viewer/" + name
}

// browse makes one more pass over a dataset and writes its rows for the viewer, as chunks and an index of them. The
// reading that it returns must agree with that of the data files.
func (a *Writer) browse(ctx context.Context, d Dataset, rows Rows) (*reading, error) {
	folder := viewerFolder(a.manifest.Header, partPath(d.Name, "", d.Part, d.Parts))
	w := a.newChunks(folder, d.Name)
	kinds := make([]class, len(d.Columns))
	for i, c := range d.Columns {
		kinds[i] = classes[c.Type]
	}
	r := &reading{count: Count{Dataset: d.Name, Part: d.Part, Parts: d.Parts, Source: d.Source}}
	done, seed := int64(0), digestSeed
	_, err := rows(ctx, func(values [][]byte) error {
		if len(values) != len(d.Columns) {
			return fmt.Errorf("a row has %d values for %d columns", len(values), len(d.Columns))
		}
		done++
		r.digest += digest(seed, values)
		if err := unconverted(d.Columns, values); err != nil {
			return r.failed(done, err)
		}
		if err := checkRow(d.Columns, kinds, values); err != nil {
			return r.failed(done, err)
		}
		r.count.Exported++
		return w.add(func(dst []byte) []byte { return appendViewerRow(dst, done, kinds, values) })
	})
	a.rows.Add(done)
	if err := w.end(err); err != nil {
		return nil, err
	}
	columns := make([]viewerColumn, len(d.Columns))
	for i, c := range d.Columns {
		columns[i] = viewerColumn{c.Name, c.Type}
	}
	return r, w.writeIndex(columns)
}

// checkRow refuses a row that the data files refuse, so that all copies have the same ones.
func checkRow(columns []Column, kinds []class, values [][]byte) error {
	for i, v := range values {
		if v == nil {
			continue
		}
		switch kinds[i] {
		case asText, asJSON:
			if err := columns[i].sound(kinds[i], v); err != nil {
				return err
			}
		case asBinary:
			if !isHex(v) {
				return &rowError{column: columns[i].Name, reason: "not_binary"}
			}
		}
	}
	return nil
}

// isHex reports whether v is \x and whole bytes in hexadecimal digits.
func isHex(v []byte) bool {
	digits, ok := bytes.CutPrefix(v, []byte(`\x`))
	if !ok || len(digits)%2 != 0 {
		return false
	}
	var raw [512]byte
	for len(digits) > 0 {
		n := min(len(digits), 2*len(raw))
		if _, err := hex.Decode(raw[:], digits[:n]); err != nil {
			return false
		}
		digits = digits[n:]
	}
	return true
}

// appendViewerRow writes a row as [number,value,...]. A value is its text, null, or [beginning,size] where it is too
// long to be shown whole. The size counts the bytes of the source's own text.
func appendViewerRow(dst []byte, number int64, kinds []class, values [][]byte) []byte {
	dst = strconv.AppendInt(append(dst, '['), number, 10)
	room := viewerRow
	for i, v := range values {
		dst = append(dst, ',')
		if v == nil {
			dst = append(dst, "null"...)
			continue
		}
		shown := cutValue(v, kinds[i], max(0, min(viewerValue, room)))
		room -= len(shown)
		if len(shown) < len(v) {
			dst = append(dst, '[')
		}
		dst = appendViewerValue(dst, kinds[i], shown)
		if len(shown) < len(v) {
			dst = append(strconv.AppendInt(append(dst, ','), int64(len(v)), 10), ']')
		}
	}
	return append(dst, ']')
}

// cutValue returns at most room bytes from the beginning of v, cut between characters.
func cutValue(v []byte, c class, room int) []byte {
	if len(v) <= room {
		return v
	}
	if c == asBinary { // six digits are four characters of base64
		return v[:min(len(v), len(`\x`)+room/6*6)]
	}
	for room > 0 && !utf8.RuneStart(v[room]) {
		room--
	}
	return v[:room]
}

func appendViewerValue(dst []byte, c class, v []byte) []byte {
	var scratch [64]byte
	switch c {
	case asBoolean:
		v = appendBoolean(scratch[:0], v)
	case asMoment:
		v = appendMoment(scratch[:0], v)
	case asBinary:
		dst, _ = appendBinary(append(dst, '"'), v)
		return append(dst, '"')
	}
	return appendScriptString(dst, v)
}

// appendScriptString appends a JSON string for the place where the viewer's scripts have their data: inside a script's
// own string in apostrophes, which holds a JSON text. So there are two layers. What JSON escapes has its backslash
// doubled; what could end the string, the line or the script is escaped in the script's layer, where JSON never sees it.
// Nothing that the data holds can be anything but data there. Invalid UTF-8 becomes U+FFFD.
// Source: ECMA-262, 12.9.4 (string literals); RFC 8259, section 7.
func appendScriptString(dst, v []byte) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(v); {
		size := 1
		escape := scriptEscapes[v[i]]
		if v[i] >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRune(v[i:])
			escape = scriptRune(r, size)
		}
		if escape != "" {
			dst = append(append(dst, v[from:i]...), escape...)
			from = i + size
		}
		i += size
	}
	return append(append(dst, v[from:]...), '"')
}

func scriptRune(r rune, size int) string {
	switch {
	case r == utf8.RuneError && size == 1:
		return "\ufffd"
	case r == '\u2028':
		return `\u2028`
	case r == '\u2029':
		return `\u2029`
	}
	return ""
}

// scriptEscapes are the ASCII characters that do not stand for themselves.
var scriptEscapes = func() (t [256]string) {
	for c := range 0x20 {
		t[c] = fmt.Sprintf(`\\u%04x`, c)
	}
	t['\n'], t['\r'], t['\t'], t[0x7f] = `\\n`, `\\r`, `\\t`, `\\u007f`
	t['"'], t['\\'] = `\\"`, `\\\\`
	for _, c := range "'<>&" {
		t[c] = fmt.Sprintf(`\u%04x`, c)
	}
	return t
}()
