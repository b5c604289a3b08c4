package spreadsheet

import (
	"bufio"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mark is the byte order mark by which Excel knows that a file is UTF-8.
const Mark = "\ufeff"

// Defused puts an apostrophe before a value that a spreadsheet could run, also where the dangerous sign comes after blanks or
// invisible characters, which some programs skip, or is a full-width one, which some read as the plain one. Source: OWASP, CSV
// injection.
func Defused(v string) string {
	if Runs(v) {
		return "'" + v
	}
	return v
}

// Runs reports whether a spreadsheet could run a value.
func Runs[T string | []byte](v T) bool {
	for i := 0; i < len(v); {
		r, size := decode(v[i:])
		switch r {
		case '=', '+', '-', '@', '|', '%', '\t', '\r', '\n', '＝', '＋', '－', '＠', '｜', '％':
			return true
		}
		if !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) {
			return false
		}
		i += size
	}
	return false
}

func decode[T string | []byte](v T) (rune, int) {
	if v[0] < utf8.RuneSelf {
		return rune(v[0]), 1
	}
	return utf8.DecodeRuneInString(string(v[:min(len(v), utf8.UTFMax)]))
}

// Cell is one value of a file that is written.
type Cell struct {
	Text   string
	Number bool // Text is a decimal number of ours, whose sign means no harm
}

// Writer writes a table for people: UTF-8 with a byte order mark, separated by commas, each line ended by CR LF, each text
// defused and, where something in it separates, in quotes.
type Writer struct {
	w       *bufio.Writer
	started bool
}

// NewWriter writes to w. Flush ends the file.
func NewWriter(w io.Writer) *Writer { return &Writer{w: bufio.NewWriter(w)} }

// Write adds one line.
func (w *Writer) Write(cells []Cell) error {
	var b strings.Builder
	if !w.started {
		w.started = true
		b.WriteString(Mark)
	}
	for i, c := range cells {
		if i > 0 {
			b.WriteByte(',')
		}
		if c.Number {
			b.WriteString(c.Text)
			continue
		}
		text := Defused(c.Text)
		if strings.ContainsAny(text, ",;\"\t\r\n") || strings.TrimSpace(text) != text {
			text = `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
		}
		b.WriteString(text)
	}
	b.WriteString("\r\n")
	_, err := w.w.WriteString(b.String())
	return err
}

// Flush writes what is held.
func (w *Writer) Flush() error { return w.w.Flush() }
