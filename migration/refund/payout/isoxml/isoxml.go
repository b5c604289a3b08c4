// Package isoxml reads ISO 20022 files that may be hostile: as a stream, with bounds on size, depth and length, and
// without entities, document types or processing instructions. Amounts are read without floating point.
package isoxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
)

// Fault is why a file cannot be used, with the place where it was seen.
type Fault struct {
	Line  int
	Cause error
}

// Wrong is a cause that people are told: a key of the messages with its values, and English words for the log.
type Wrong struct {
	Key  string
	Args map[string]any
	Text string
}

// Error is the words for the log.
func (w *Wrong) Error() string { return w.Text }

// Words is the message for people, which always has the value Line. What has no message of its own, such as the words of a
// decoder, is a file that is broken at this line.
func (f *Fault) Words() (key string, args map[string]any) {
	args = map[string]any{"Line": f.Line}
	var w *Wrong
	if errors.As(f.Cause, &w) {
		maps.Copy(args, w.Args)
		return w.Key, args
	}
	return "refund.import.fault.broken", args
}

// Error names the line.
func (f *Fault) Error() string { return fmt.Sprintf("line %d: %v", f.Line, f.Cause) }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// The causes that do not depend on the kind of file.
var (
	ErrLarge     error = wrong("large", "the file is too large")
	ErrDeep      error = wrong("deep", "elements are nested too deep")
	ErrLong      error = wrong("long", "a piece of text is too long")
	ErrForbidden error = wrong("forbidden", "document types, entities and processing instructions are not allowed")
	// ErrEncoding is the cause of a file in an encoding that is not read, or in another than it says.
	ErrEncoding error = wrong("encoding", "the encoding is none that is read, or another than the file says")
)

// The bounds of what is read.
const (
	MaxBytes = 256 << 20 // of a file
	maxDepth = 40
	maxPiece = 64 << 10 // bytes between two tags
)

// Reader hands out a file's elements and texts.
type Reader struct {
	decoder *xml.Decoder
	depth   int
}

func wrong(name, text string) *Wrong { return &Wrong{Key: "refund.import.fault." + name, Text: text} }

// NewReader reads at most limit bytes of r, in UTF-8 or one of the encodings that Charset knows.
func NewReader(r io.Reader, limit int64) *Reader {
	d := xml.NewDecoder(&guard{from: r, left: limit})
	d.Strict, d.Entity, d.CharsetReader = true, nil, Charset
	return &Reader{decoder: d}
}

// guard stops a file that is too large or has too long a piece before the decoder has kept it.
type guard struct {
	from  io.Reader
	left  int64
	piece int
}

// Read passes on what is within the bounds.
func (g *guard) Read(p []byte) (int, error) {
	if len(p) > maxPiece {
		p = p[:maxPiece]
	}
	n, err := g.from.Read(p)
	if g.left -= int64(n); g.left < 0 {
		return 0, ErrLarge
	}
	if at := bytes.LastIndexAny(p[:n], "<>"); at >= 0 {
		g.piece = n - at
	} else {
		g.piece += n
	}
	if g.piece > maxPiece {
		return 0, ErrLong
	}
	return n, err
}

// Line is where the reader stands.
func (r *Reader) Line() int {
	line, _ := r.decoder.InputPos()
	return line
}

// Fail is a fault at the place where the reader stands.
func (r *Reader) Fail(cause error) *Fault { return &Fault{Line: r.Line(), Cause: cause} }

// Next returns the next start, end or text; io.EOF after the last. Other errors are Fault.
func (r *Reader) Next() (xml.Token, error) {
	for {
		token, err := r.decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			if strings.Contains(err.Error(), "invalid UTF-8") || errors.Is(err, ErrEncoding) {
				err = fmt.Errorf("%w: %w", ErrEncoding, err)
			}
			return nil, r.Fail(err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if r.depth++; r.depth > maxDepth {
				return nil, r.Fail(ErrDeep)
			}
			return t, nil
		case xml.EndElement:
			r.depth--
			return t, nil
		case xml.CharData:
			return t, nil
		case xml.Directive:
			return nil, r.Fail(ErrForbidden)
		case xml.ProcInst:
			if t.Target != "xml" {
				return nil, r.Fail(ErrForbidden)
			}
		}
	}
}

// Text returns what stands in the element that was just begun, without the blanks around it, and reads its end.
func (r *Reader) Text() (string, error) {
	var text strings.Builder
	for {
		token, err := r.Next()
		if err != nil {
			return "", r.whole(err)
		}
		switch t := token.(type) {
		case xml.CharData:
			if text.Len()+len(t) > maxPiece {
				return "", r.Fail(ErrLong)
			}
			text.Write(t)
		case xml.StartElement:
			return "", r.Fail(fmt.Errorf("%s stands where text should", t.Name.Local))
		case xml.EndElement:
			return strings.TrimSpace(text.String()), nil
		}
	}
}

// Skip reads to the end of the element that was just begun.
func (r *Reader) Skip() error {
	for depth := 1; depth > 0; {
		token, err := r.Next()
		if err != nil {
			return r.whole(err)
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

// Each calls f with every child of the element that was just begun, and reads its end. f reads to the child's end.
func (r *Reader) Each(f func(xml.StartElement) error) error {
	for {
		token, err := r.Next()
		if err != nil {
			return r.whole(err)
		}
		switch t := token.(type) {
		case xml.CharData:
			if len(bytes.TrimSpace(t)) > 0 {
				return r.Fail(errors.New("text stands between elements"))
			}
		case xml.StartElement:
			if err := f(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// Root returns the file's first element.
func (r *Reader) Root() (xml.StartElement, error) {
	for {
		token, err := r.Next()
		if err != nil {
			return xml.StartElement{}, r.whole(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			return start, nil
		}
	}
}

// End makes sure that nothing but blanks follows.
func (r *Reader) End() error {
	for {
		token, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if text, ok := token.(xml.CharData); !ok || len(bytes.TrimSpace(text)) > 0 {
			return r.Fail(errors.New("something follows the document"))
		}
	}
}

func (r *Reader) whole(err error) error {
	if errors.Is(err, io.EOF) {
		return r.Fail(io.ErrUnexpectedEOF)
	}
	return err
}
