package locked

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"time"
)

// Options say what is locked.
type Options struct {
	Name     string // of the file within
	Password string
	Created  time.Time
	Estimate int64 // of the file's size, in bytes
}

// Result is what was written: the size of the outer archive, and the file within.
type Result struct {
	Size        int64
	InnerSize   int64
	InnerSHA256 string // hexadecimal
}

// wideFrom is the estimate from which eight-byte sizes are announced: four times less than what needs them.
const wideFrom = 1 << 30

// Writer locks what is written to it. For one goroutine.
type Writer struct {
	out   io.Writer
	entry entry
	keys  keys
	pad   stream
	mac   hash.Hash
	sum   hash.Hash
	buf   []byte // a block with its head, the latest: it may be the last one
	err   error
}

// NewWriter begins a locked archive on out.
func NewWriter(out io.Writer, o Options) (*Writer, error) {
	if o.Password == "" || o.Name == "" {
		return nil, errors.New("locked: a name and a password are needed")
	}
	salt := make([]byte, saltSize)
	if _, err := rand.Read(salt); err != nil {
		return nil, err
	}
	k, err := derive(o.Password, salt)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		out: out, entry: entry{name: o.Name, time: o.Created, wide: o.Estimate >= wideFrom}, keys: k, pad: stream{block: k.block},
		mac: k.authenticator(), sum: sha256.New(), buf: make([]byte, blockHead, blockHead+blockSize),
	}
	for _, part := range [][]byte{w.entry.header(), salt, k.check[:]} {
		if _, err := out.Write(part); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) && w.err == nil {
		if len(w.buf) == cap(w.buf) {
			w.flush(false)
		}
		m := min(len(p)-n, cap(w.buf)-len(w.buf))
		w.buf = append(w.buf, p[n:n+m]...)
		n += m
	}
	return n, w.err
}

// flush sends the block. The last one says so, which is why a full one waits for what follows.
func (w *Writer) flush(last bool) {
	body := w.buf[blockHead:]
	w.sum.Write(body)
	w.entry.size += int64(len(body))
	putHead(w.buf, len(body), last)
	w.pad.xor(w.buf)
	w.mac.Write(w.buf)
	if w.err == nil {
		_, w.err = w.out.Write(w.buf)
	}
	w.buf = w.buf[:blockHead]
}

// putHead writes the head of a stored block.
func putHead(b []byte, n int, last bool) {
	b[0] = 0
	if last {
		b[0] = 1
	}
	binary.LittleEndian.PutUint16(b[1:], uint16(n))
	binary.LittleEndian.PutUint16(b[3:], ^uint16(n))
}

// Close ends the archive. It does not close what it writes to.
func (w *Writer) Close() (Result, error) {
	w.flush(true)
	for _, part := range [][]byte{w.mac.Sum(nil)[:macSize], w.entry.ending()} {
		if w.err == nil {
			_, w.err = w.out.Write(part)
		}
	}
	r := Result{InnerSize: w.entry.size, InnerSHA256: hex.EncodeToString(w.sum.Sum(nil))}
	r.Size = int64(len(w.entry.header())) + w.entry.stored() + int64(len(w.entry.ending()))
	err := w.err
	if err == nil {
		w.err = errors.New("locked: the archive has ended")
	}
	return r, err
}
