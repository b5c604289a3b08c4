package spreadsheet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// maxLine bounds one line of a file, in bytes.
const maxLine = 64 << 10

// Reader reads the lines of a table as spreadsheet programs save it (RFC 4180, with one exception: a quoted field does not
// reach over a line's end). So one broken quote spoils its own line only, and the line number that is reported is the one that
// an editor shows.
//
// It takes UTF-8 and UTF-16, with a byte order mark or without, and lines that end in LF, CR LF or CR. The separator is a comma,
// a semicolon or a tab, whichever the first line has most of, or what a line "sep=;" before it says. Columns without a name and
// lines without a value are passed over; a value in a column without a name is the line's fault. ="007", which keeps zeros in
// Excel, is 007.
type Reader struct {
	in      *bufio.Reader
	comma   string
	line    int
	columns []string
	named   []int // places of the columns that have a name
	bare    bool  // the first line names no columns
	width   int   // of the first line, with the columns that have none
	values  []string
	fault   string
	kind    Kind   // of fault or err
	value   string // what it is about
	err     error

	loose bool
	begun int               // where the current line begins
	blank bool              // the current line has separators alone
	coded encoding.Encoding // of a loose table that is not UTF-8
}

// Kind tells faults apart for those who word them in another language.
type Kind string

// The kinds. Value is the field's text, or what is named here.
const (
	Workbook Kind = "workbook" // of Err: the file is no table
	Empty    Kind = "empty"    // of Err: it names no columns
	Long     Kind = "long"
	Coding   Kind = "encoding"
	Quotes   Kind = "quotes"
	Fields   Kind = "fields"  // more or fewer than the columns; Value is how many
	Unnamed  Kind = "unnamed" // Value is the number of the column
)

// Loose reads a table as banks' systems write it: in GB 18030 or windows-1252, too; with blanks before a field, fields missing at a line's
// end, and line ends within quotes. Lines that hold nothing but separators come as Blank, so that they can be counted.
func Loose(r io.Reader) *Reader {
	c := &Reader{comma: ",", loose: true}
	c.open(r)
	return c
}

// NewReader reads the first line, which names the columns. Where it cannot, Columns is empty and Err says why.
func NewReader(r io.Reader) *Reader {
	c := &Reader{comma: ","}
	c.open(r)
	return c
}

func (c *Reader) open(r io.Reader) {
	if c.in, c.err = decoded(r); c.err != nil {
		c.kind = Workbook
		return
	}
	if c.loose {
		c.judge()
	}
	if !c.header() {
		if c.err == nil {
			c.err, c.kind = errors.New("the file is empty; its first line names the columns"), Empty
		}
		return
	}
	if c.fault != "" {
		c.err = fmt.Errorf("line %d: %s", c.line, c.fault)
		return
	}
	c.width = len(c.values)
	for i, name := range c.values {
		if strings.TrimSpace(name) != "" {
			c.columns, c.named = append(c.columns, name), append(c.named, i)
		}
	}
	if len(c.columns) == 0 {
		c.err, c.kind = fmt.Errorf("line %d names no column; the first line names the columns", c.line), Empty
	}
}

// judge looks at a table's beginning as a whole: single words of another encoding may pass for UTF-8.
func (c *Reader) judge() {
	head, _ := c.in.Peek(4096)
	if whole := head[:1+bytes.LastIndexByte(head, '\n')]; !utf8.Valid(whole) {
		c.coded = coding(whole)
	}
}

// coding guesses the encoding of what is not UTF-8: Chinese characters of GB 18030 have two bytes, mostly both above ASCII, while
// the letters that windows-1252 has beyond ASCII stand alone between others.
func coding(text []byte) encoding.Encoding {
	pairs, single := 0, 0
	for i := 0; i < len(text); {
		run := 0
		for i+run < len(text) && text[i+run] >= 0x80 {
			run++
		}
		if run > 1 {
			pairs += run / 2
		}
		single += run % 2
		i += run + 1
	}
	if single > 0 && single >= pairs {
		return charmap.Windows1252
	}
	return simplifiedchinese.GB18030
}

// decode brings one line into UTF-8 and reports whether it can.
func (c *Reader) decode(raw []byte) ([]byte, bool) {
	if c.coded == nil && utf8.Valid(raw) {
		return raw, true
	}
	if !c.loose {
		return raw, false
	}
	if c.coded == nil {
		c.coded = coding(raw)
	}
	text, err := c.coded.NewDecoder().Bytes(raw)
	return text, err == nil && !bytes.ContainsRune(text, utf8.RuneError)
}

// Values reads a table whose first line is one like the others. Empty fields at the end of a line are left out.
func Values(r io.Reader) *Reader {
	c := &Reader{comma: ",", bare: true}
	c.in, c.err = decoded(r)
	return c
}

// decoded turns a file into UTF-8 with lines that end in LF.
func decoded(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, maxLine)
	head, _ := in.Peek(4096)
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0")):
		return nil, errors.New("the file is a workbook; save its sheet as CSV UTF-8")
	case bytes.HasPrefix(head, []byte("\xff\xfe")), len(head) > 3 && head[0] != 0 && head[1] == 0:
		in = bufio.NewReaderSize(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(in), maxLine)
	case bytes.HasPrefix(head, []byte("\xfe\xff")), len(head) > 3 && head[0] == 0 && head[1] != 0:
		in = bufio.NewReaderSize(unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Reader(in), maxLine)
	}
	if mark, _ := in.Peek(len(Mark)); string(mark) == Mark {
		_, _ = in.Discard(len(Mark))
	}
	if head, _ = in.Peek(4096); bytes.ContainsRune(head, '\r') && !bytes.ContainsRune(head, '\n') {
		in = bufio.NewReaderSize(returns{in}, maxLine)
	}
	return in, nil
}

// returns makes line feeds of the carriage returns that end lines in Excel's "CSV (Macintosh)".
type returns struct{ from io.Reader }

// Read passes on what is read.
func (r returns) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	for i, b := range p[:n] {
		if b == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// Columns are the names in the first line, without those that are empty. Empty: Err says why.
func (c *Reader) Columns() []string { return c.columns }

// Values are those of the current line, one for each of Columns.
func (c *Reader) Values() []string { return c.values }

// Line numbers the current line from 1.
func (c *Reader) Line() int { return c.begun }

// Blank reports whether the current line of a loose table holds nothing but separators.
func (c *Reader) Blank() bool { return c.blank }

// Kind tells what kind of fault Fault or Err is, with what it is about.
func (c *Reader) Kind() (kind Kind, value string) { return c.kind, c.value }

// bad notes what is wrong with the current line.
func (c *Reader) bad(kind Kind, value, format string, args ...any) {
	c.kind, c.value, c.fault = kind, value, fmt.Sprintf(format, args...)
}

// Err is what ended the reading early; nil at the end.
func (c *Reader) Err() error { return c.err }

// Fault says what is wrong with the current line; empty: nothing.
func (c *Reader) Fault() string { return c.fault }

// header reads the line that names the columns and finds out what separates them.
func (c *Reader) header() bool {
	raw, ok := c.next()
	if sep, said := strings.CutPrefix(strings.ToLower(string(raw)), "sep="); ok && said && len(sep) == 1 {
		c.comma = sep
		raw, ok = c.next()
	} else if ok {
		for _, r := range []string{";", "\t"} {
			if bytes.Count(raw, []byte(r)) > bytes.Count(raw, []byte(c.comma)) {
				c.comma = r
			}
		}
	}
	if ok && c.fault == "" {
		c.values = c.split(raw)
	}
	return ok
}

// split cuts a line into its fields. Within quotes a loose table goes on in the next line.
func (c *Reader) split(raw []byte) []string {
	text := string(raw)
	fields, fault, open := splitLine(text, c.comma, c.loose)
	for open && c.loose && len(text) < maxLine {
		more, long, err := c.read()
		if err != nil {
			break
		}
		c.line++
		part, ok := c.decode(more)
		if !ok || long {
			break
		}
		text += "\n" + string(part)
		fields, fault, open = splitLine(text, c.comma, c.loose)
	}
	if open && c.loose {
		c.begun = c.line // nobody can tell where it should have ended
	}
	if fault != "" {
		c.bad(Quotes, "", "%s", fault)
	}
	return fields
}

// Next moves to the next line that holds a value and reports whether there is one.
func (c *Reader) Next() bool {
	for {
		raw, ok := c.next()
		if !ok || c.fault != "" {
			return ok
		}
		fields := c.split(raw)
		if c.fault != "" || c.take(fields) {
			return true
		}
	}
}

// take puts the fields into the columns that have a name. It reports false for a line that holds no value.
func (c *Reader) take(fields []string) bool {
	last := filled(fields)
	switch {
	case last == 0 && c.loose:
		c.blank, c.values = true, make([]string, len(c.named))
		return true
	case last == 0:
		return false
	case c.bare:
		c.values = fields[:last]
		return true
	case last > c.width:
		c.bad(Fields, strconv.Itoa(last), "has %d fields; the first line names %d columns. Put a field that holds a %s in quotes", last, len(c.columns), separators[c.comma])
		return true
	case !c.loose && len(fields) < c.width && len(fields) <= c.named[len(c.named)-1]:
		c.bad(Fields, strconv.Itoa(len(fields)), "has %d fields; the first line names %d columns", len(fields), len(c.columns))
		return true
	}
	at := 0
	for i, v := range fields[:last] {
		if at < len(c.named) && c.named[at] == i {
			c.values = append(c.values, v)
			at++
		} else if strings.TrimSpace(v) != "" {
			c.bad(Unnamed, strconv.Itoa(i+1), "column %d has no name and holds %q; name it in the first line, or empty it", i+1, clip(v))
			return true
		}
	}
	for len(c.values) < len(c.named) {
		c.values = append(c.values, "")
	}
	return true
}

// filled is how many fields there are up to the last that holds something.
func filled(fields []string) (last int) {
	for i, v := range fields {
		if strings.TrimSpace(v) != "" {
			last = i + 1
		}
	}
	return last
}

var separators = map[string]string{",": "comma", ";": "semicolon", "\t": "tab"}

// next reads the next line that is not blank. What is wrong with it as a whole is in fault.
func (c *Reader) next() ([]byte, bool) {
	for c.err == nil {
		raw, long, err := c.read()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				c.err = fmt.Errorf("after line %d: %w", c.line, err)
			}
			return nil, false
		}
		c.line++
		if !long && (len(raw) == 0 || len(bytes.TrimSpace(raw)) == 0 && (!c.loose || c.comma != "\t")) {
			continue
		}
		c.begun, c.values, c.fault, c.kind, c.value, c.blank = c.line, nil, "", "", "", false
		text, ok := c.decode(raw)
		switch {
		case long:
			c.bad(Long, "", "the line has more than %d bytes", maxLine)
		case !ok:
			c.bad(Coding, "", "the line holds bytes that are not UTF-8; save the file as CSV UTF-8")
		}
		return text, true
	}
	return nil, false
}

// read returns one line without its end. Of a line that is too long the rest is passed over.
func (c *Reader) read() (line []byte, long bool, err error) {
	line, err = c.in.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		_, err = c.in.ReadSlice('\n')
	}
	if errors.Is(err, io.EOF) && (len(line) > 0 || long) {
		err = nil
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), long, err
}

// splitLine cuts a line into its fields, or says what is wrong with its quotes.
// open: it ends within quotes.
func splitLine(line, comma string, loose bool) (fields []string, fault string, open bool) {
	for {
		if loose && comma != "\t" {
			line = strings.TrimLeft(line, " ")
		}
		field, rest, more, fault := nextField(line, comma)
		if fault != "" {
			return nil, fmt.Sprintf("field %d: %s", len(fields)+1, fault), fault == unended
		}
		if text, ok := strings.CutPrefix(field, `="`); ok && strings.HasSuffix(text, `"`) {
			field = strings.TrimSuffix(text, `"`)
		}
		fields = append(fields, field)
		if !more {
			return fields, "", false
		}
		line = rest
	}
}

const unended = "the quoted field does not end on this line; a field cannot hold a line break"

func nextField(line, comma string) (field, rest string, more bool, fault string) {
	if strings.HasPrefix(line, `="`) { // Excel's way to keep 007 a text
		line = line[1:]
	}
	if !strings.HasPrefix(line, `"`) {
		field, rest, more = strings.Cut(line, comma)
		if strings.Contains(field, `"`) {
			fault = `a quote stands inside a field without quotes; write "..." around the field and each quote in it twice`
		}
		return field, rest, more, fault
	}
	var b strings.Builder
	for line = line[1:]; ; {
		part, after, found := strings.Cut(line, `"`)
		if !found {
			return "", "", false, unended
		}
		b.WriteString(part)
		switch {
		case strings.HasPrefix(after, `"`):
			b.WriteByte('"')
			line = after[1:]
		case after == "":
			return b.String(), "", false, ""
		case strings.HasPrefix(after, comma):
			return b.String(), after[1:], true, ""
		default:
			return "", "", false, "text follows the closing quote"
		}
	}
}
