package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"offramp/export/source"
)

// file is an attachment being read. A connection that breaks or stalls is taken up again where it ended: by a range when
// the server can prove that it is still the same file (RFC 9110, section 13.1.5), or else by reading anew what has been
// handed out already and holding it against that.
type file struct {
	client *client
	ctx    context.Context
	key    string
	target *url.URL

	size   int64  // -1: not known
	tag    string // a strong validator
	at     int64  // offset of the next byte
	begun  bool
	hash   maphash.Hash // of what was handed out
	short  int          // times in a row that the body ended here, too early
	tries  int          // failures in a row
	body   *answer
	peeked *bytes.Reader // what measure has read already; the whole

	measured bool // the server does not tell the size
}

// reconnect asks for the file, or for its rest.
func (h *file) reconnect() error {
	header := map[string]string{"Accept-Encoding": "identity"}
	if h.at > 0 && h.tag != "" {
		header["Range"], header["If-Range"] = fmt.Sprintf("bytes=%d-", h.at), h.tag
	}
	err := h.client.retrying(h.ctx, func() (err error) {
		h.body, err = h.client.sendFile(h.ctx, h.target, header)
		return err
	})
	if err != nil {
		h.body = nil
		return h.fileFailure(err)
	}
	if err := h.accept(); err != nil {
		h.hangUp()
		return err
	}
	h.begun = true
	return nil
}

// accept holds an answer against the ones before it.
func (h *file) accept() error {
	a := h.body
	if e := a.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		cause := &source.Error{Kind: source.Invalid, Cause: errors.New("the server packs it although asked not to")}
		return &source.ObjectError{Key: h.key, Reason: source.ReasonUnreadable, Cause: cause}
	}
	tag := a.Header.Get("ETag")
	if strings.HasPrefix(tag, "W/") {
		tag = ""
	}
	if !h.begun {
		h.size, h.tag = a.ContentLength, tag
	}
	if a.StatusCode == http.StatusPartialContent {
		want := fmt.Sprintf("bytes %d-%d/%d", h.at, h.size-1, h.size)
		if got := a.Header.Get("Content-Range"); h.at == 0 || got != want {
			return h.changed("the server gave the part %q in place of %q", got, want)
		}
		return nil
	}
	if h.begun && a.ContentLength >= 0 && a.ContentLength != h.size {
		return h.changed("its size was %d, then %d", h.size, a.ContentLength)
	}
	return h.rewind()
}

// rewind reads again what has been handed out, when an answer begins at the beginning.
func (h *file) rewind() error {
	if h.at == 0 {
		return nil
	}
	var again maphash.Hash
	again.SetSeed(h.hash.Seed())
	n, err := io.CopyN(&again, h.body, h.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return &source.Error{Kind: source.Unavailable, Cause: fmt.Errorf("an attachment: after %d bytes: %w", n, err)}
	}
	if n < h.at || again.Sum64() != h.hash.Sum64() {
		return h.changed("its first %d bytes are not what they were", h.at)
	}
	return nil
}

func (h *file) changed(format string, args ...any) error {
	return &source.ObjectError{Key: h.key, Reason: source.ReasonChanged, Cause: fmt.Errorf(format, args...)}
}

// measure learns the size of a file that the server does not tell: a small one is kept, a large one is read twice.
func (h *file) measure() error {
	start := bytes.NewBuffer(nil)
	n, err := io.CopyN(start, h.body, probed)
	if errors.Is(err, io.EOF) {
		h.hangUp()
		h.size, h.peeked = n, bytes.NewReader(start.Bytes())
		return nil
	}
	if err == nil {
		var rest int64
		rest, err = io.Copy(io.Discard, struct{ io.Reader }{h.body})
		n += rest
	}
	h.hangUp()
	if err != nil {
		return &source.Error{Kind: source.Unavailable, Cause: fmt.Errorf("an attachment: measured %d bytes: %w", n, err)}
	}
	h.size, h.measured = n, true
	return h.reconnect()
}

// Read implements io.Reader.
func (h *file) Read(p []byte) (int, error) {
	if h.peeked != nil {
		return h.peeked.Read(p)
	}
	for {
		if h.at >= h.size {
			return 0, h.end()
		}
		if h.body == nil {
			if err := h.reconnect(); err != nil {
				return 0, err
			}
		}
		n, err := h.body.Read(p[:min(int64(len(p)), h.size-h.at)])
		if n > 0 {
			_, _ = h.hash.Write(p[:n])
			h.at += int64(n)
			h.short, h.tries = 0, 0
		}
		if err != nil && h.at < h.size {
			h.hangUp()
			if err := h.broken(err); err != nil {
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
}

// end makes sure that a file of which only measuring told the size has not grown since.
func (h *file) end() error {
	if h.measured && h.body != nil {
		if n, _ := io.ReadFull(h.body, make([]byte, 1)); n > 0 {
			return h.changed("it grew beyond %d bytes", h.size)
		}
	}
	return io.EOF
}

// broken counts a body that ended early. One that ends at the same place each time is shorter than it is said to be.
func (h *file) broken(err error) error {
	if h.ctx.Err() != nil {
		return context.Cause(h.ctx)
	}
	h.tries++
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		h.short++
	}
	if h.tries < h.client.tries {
		return sleep(h.ctx, min(10*time.Second, 100*time.Millisecond<<min(h.tries-1, 10)))
	}
	if h.short == h.tries {
		return h.changed("it ends after %d of %d bytes each time", h.at, h.size)
	}
	return &source.Error{Kind: source.Unavailable, Cause: fmt.Errorf("an attachment: after %d of %d bytes: %w", h.at, h.size, h.client.scrubbed(err))}
}

func (h *file) hangUp() {
	if h.body != nil {
		h.body.Close()
		h.body = nil
	}
}

// Close implements io.Closer.
func (h *file) Close() error {
	h.hangUp()
	return nil
}
