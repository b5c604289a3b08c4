package page

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/labstack/echo/v4"
)

// Marks stand for a reader's own words while a page that many share is rendered. They are letters and digits that no
// text contains, so that escaping leaves them as they are.
type Marks []string

// NewMarks makes n marks.
func NewMarks(n int) Marks {
	m := make(Marks, n)
	for i := range m {
		m[i] = "mark" + rand.Text() + strconv.Itoa(i)
	}
	return m
}

// Skeleton is a page that many readers share but for a few words. It was rendered and packed once; what is sent is its
// pieces with the reader's words between them. It is immutable.
type Skeleton struct {
	pieces []piece
	slots  []int // which value follows each piece but the last
}

// piece is a part of the page, plain and as a run of deflate blocks that ends at a byte's edge (RFC 1951): such runs can
// be put one behind another.
type piece struct{ raw, packed []byte }

// Carve makes a skeleton of a rendered page. A mark may stand in it more than once, or not at all.
func Carve(html []byte, marks Marks) (*Skeleton, error) {
	s := &Skeleton{}
	for {
		at, which := len(html), -1
		for i, mark := range marks {
			if found := bytes.Index(html, []byte(mark)); found >= 0 && found < at {
				at, which = found, i
			}
		}
		p := piece{raw: bytes.Clone(html[:at])}
		var err error
		if p.packed, err = deflateRun(p.raw); err != nil {
			return nil, err
		}
		s.pieces = append(s.pieces, p)
		if which < 0 {
			return s, nil
		}
		s.slots = append(s.slots, which)
		html = html[at+len(marks[which]):]
	}
}

// deflateRun packs well: it is done once.
func deflateRun(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

var (
	gzipHead = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff} // RFC 1952: deflate, no name, no time
	lastRun  = []byte{1, 0, 0, 0xff, 0xff}                   // an empty stored block, the last one
	runners  = sync.Pool{New: func() any {
		w, err := flate.NewWriter(nil, flate.BestSpeed)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
)

// stored is the length up to which a value is not worth packing.
const stored = 200

// Send writes the page with the values, which are HTML already, in place of the marks of the same number.
func (s *Skeleton) Send(c echo.Context, status int, values ...[]byte) error {
	out := buffers.Get().(*bytes.Buffer)
	out.Reset()
	defer buffers.Put(out)
	h := c.Response().Header()
	if takesGzip(c.Request().Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		if err := s.pack(out, values); err != nil {
			return err
		}
	} else {
		s.join(out, values)
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Add("Vary", "Accept-Encoding")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	c.Response().WriteHeader(status)
	if c.Request().Method != http.MethodHead {
		_, _ = c.Response().Write(out.Bytes()) // the reader has gone away; there is nobody to tell
	}
	return nil
}

func (s *Skeleton) join(out *bytes.Buffer, values [][]byte) {
	for i, p := range s.pieces {
		out.Write(p.raw)
		if i < len(s.slots) {
			out.Write(values[s.slots[i]])
		}
	}
}

func (s *Skeleton) pack(out *bytes.Buffer, values [][]byte) error {
	out.Write(gzipHead)
	sum, size := uint32(0), 0
	for i, p := range s.pieces {
		out.Write(p.packed)
		sum, size = crc32.Update(sum, crc32.IEEETable, p.raw), size+len(p.raw)
		if i < len(s.slots) {
			value := values[s.slots[i]]
			if err := appendRun(out, value); err != nil {
				return err
			}
			sum, size = crc32.Update(sum, crc32.IEEETable, value), size+len(value)
		}
	}
	out.Write(lastRun)
	var tail [8]byte
	binary.LittleEndian.PutUint32(tail[:4], sum)
	binary.LittleEndian.PutUint32(tail[4:], uint32(size)) // modulo 2^32, as RFC 1952 says
	out.Write(tail[:])
	return nil
}

// appendRun adds a value as deflate blocks: short ones as they are, others packed quickly.
func appendRun(out *bytes.Buffer, value []byte) error {
	if len(value) <= stored {
		var head [5]byte // a stored block, not the last: its length, and that inverted
		binary.LittleEndian.PutUint16(head[1:], uint16(len(value)))
		binary.LittleEndian.PutUint16(head[3:], ^uint16(len(value)))
		out.Write(head[:])
		out.Write(value)
		return nil
	}
	w := runners.Get().(*flate.Writer)
	defer runners.Put(w)
	w.Reset(out)
	if _, err := w.Write(value); err != nil {
		return fmt.Errorf("pack page: %w", err)
	}
	return w.Flush()
}
