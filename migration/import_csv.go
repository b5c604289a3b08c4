package migration

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// maxLine bounds one line of a file, in bytes.
const maxLine = 64 << 10

// csvRows reads comma-separated lines (RFC 4180, with one exception: a quoted field does not reach over a line's end). So
// one broken quote spoils its own line only, and the line number that is reported is the one that an editor shows.
type csvRows struct {
	in      *bufio.Reader
	line    int
	columns []string
	values  []string
	fault   string
	err     error
}

// CSVRows reads a file of customers: UTF-8, comma-separated, the first line names the columns.
func CSVRows(r io.Reader) Rows {
	c := &csvRows{in: bufio.NewReaderSize(r, maxLine)}
	if !c.Next() {
		if c.err == nil {
			c.err = errors.New("the file is empty; its first line names the columns")
		}
		return c
	}
	if c.fault == "" && len(c.values) == 1 && strings.ContainsAny(c.values[0], ";\t") {
		c.fault = "the columns must be separated by commas"
	}
	if c.fault != "" {
		c.err = fmt.Errorf("line %d: %s", c.line, c.fault)
		return c
	}
	c.columns = c.values
	return c
}

func (c *csvRows) Columns() []string { return c.columns }
func (c *csvRows) Values() []string  { return c.values }
func (c *csvRows) Line() int         { return c.line }
func (c *csvRows) Err() error        { return c.err }
func (c *csvRows) Fault() string     { return c.fault }

// Next reads one line; blank ones are passed over.
func (c *csvRows) Next() bool {
	for c.err == nil {
		raw, long, err := c.read()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				c.err = fmt.Errorf("after line %d: %w", c.line, err)
			}
			return false
		}
		c.line++
		if c.line == 1 {
			if bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
				c.err = errors.New("the file is UTF-16; save it as UTF-8")
				return false
			}
			raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
		}
		if !long && len(bytes.TrimSpace(raw)) == 0 {
			continue
		}
		c.values, c.fault = nil, ""
		switch {
		case long:
			c.fault = fmt.Sprintf("the line has more than %d bytes", maxLine)
		case !utf8.Valid(raw):
			c.fault = "the line holds bytes that are not UTF-8; save the file as UTF-8"
		default:
			c.values, c.fault = splitLine(string(raw))
		}
		return true
	}
	return false
}

// read returns one line without its end. Of a line that is too long the rest is passed over.
func (c *csvRows) read() (line []byte, long bool, err error) {
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
func splitLine(line string) (fields []string, fault string) {
	for {
		field, rest, more, fault := nextField(line)
		if fault != "" {
			return nil, fmt.Sprintf("field %d: %s", len(fields)+1, fault)
		}
		fields = append(fields, field)
		if !more {
			return fields, ""
		}
		line = rest
	}
}

func nextField(line string) (field, rest string, more bool, fault string) {
	if !strings.HasPrefix(line, `"`) {
		field, rest, more = strings.Cut(line, ",")
		if strings.Contains(field, `"`) {
			fault = `a quote stands inside a field without quotes; write "..." around the field and each quote in it twice`
		}
		return field, rest, more, fault
	}
	var b strings.Builder
	for line = line[1:]; ; {
		part, after, found := strings.Cut(line, `"`)
		if !found {
			return "", "", false, "the quoted field does not end on this line; a field cannot hold a line break"
		}
		b.WriteString(part)
		switch {
		case strings.HasPrefix(after, `"`):
			b.WriteByte('"')
			line = after[1:]
		case after == "":
			return b.String(), "", false, ""
		case after[0] == ',':
			return b.String(), after[1:], true, ""
		default:
			return "", "", false, "text follows the closing quote"
		}
	}
}
