package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Object is an object being read. A connection that breaks or stalls is taken up again where it ended, as long as the
// object is still the same.
type Object struct {
	Size     int64 // of the whole object
	ETag     string
	Modified time.Time

	b        *Bucket
	ctx      context.Context
	key      string
	at       int64 // offset of the next byte
	until    int64 // offset of the first byte that is not wanted; 0: all to the end
	failures int   // in a row
	body     io.ReadCloser
	watch    *time.Timer
	request  context.Context // of the current connection
	cancel   context.CancelCauseFunc
}

var errStalled = errors.New("no byte arrived in time")

// Open reads an object from an offset on. The caller closes it.
func (b *Bucket) Open(ctx context.Context, key string, offset int64) (*Object, error) {
	return b.openRange(ctx, key, offset, 0)
}

// openRange reads an object from an offset up to another; 0 is its end.
func (b *Bucket) openRange(ctx context.Context, key string, from, until int64) (*Object, error) {
	o := &Object{b: b, ctx: ctx, key: key, at: from, until: until}
	if err := o.connect(); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *Object) connect() error {
	ctx, cancel := context.WithCancelCause(o.ctx)
	in := &s3.GetObjectInput{Bucket: &o.b.name, Key: &o.key}
	switch {
	case o.until > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", o.at, o.until-1))
	case o.at > 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", o.at))
	}
	if o.ETag != "" {
		in.IfMatch = &o.ETag
	}
	out, err := o.b.client.GetObject(ctx, in)
	if err != nil {
		cancel(nil)
		return classify(o.ctx, "read", o.key, err)
	}
	size, err := wholeSize(out, o.at)
	if err != nil {
		cancel(nil)
		_ = out.Body.Close()
		return &Error{Kind: Unavailable, Op: "read", Key: o.key, Cause: err}
	}
	if o.ETag == "" {
		o.Size, o.ETag, o.Modified = size, aws.ToString(out.ETag), aws.ToTime(out.LastModified)
	}
	o.body, o.request, o.cancel = out.Body, ctx, cancel
	o.watch = time.AfterFunc(o.b.stall, func() { cancel(errStalled) })
	o.watch.Stop()
	return nil
}

// wholeSize takes the object's size from an answer that may be a part of it, and refuses an answer without any, since a
// cut in it would go unseen.
func wholeSize(out *s3.GetObjectOutput, offset int64) (int64, error) {
	if offset > 0 || out.ContentRange != nil {
		_, total, ok := strings.Cut(aws.ToString(out.ContentRange), "/")
		if n, err := strconv.ParseInt(total, 10, 64); ok && err == nil {
			return n, nil
		}
		return 0, fmt.Errorf("the server ignored the range from byte %d", offset)
	}
	if out.ContentLength == nil {
		return 0, errors.New("the server did not tell the size")
	}
	return *out.ContentLength, nil
}

// Read implements io.Reader.
func (o *Object) Read(p []byte) (int, error) {
	for {
		end := o.end()
		if o.at >= end {
			return 0, io.EOF
		}
		p = p[:min(int64(len(p)), end-o.at)]
		if o.body == nil {
			if err := o.resume(); err != nil {
				return 0, err
			}
		}
		// Only while someone waits for bytes can they be late.
		o.watch.Reset(o.b.stall)
		n, err := o.body.Read(p)
		o.watch.Stop()
		o.at += int64(n)
		if n > 0 {
			o.failures = 0
		}
		if err != nil && o.at < end {
			if cause := context.Cause(o.request); cause != nil {
				err = cause
			}
			o.hangUp()
			if err := o.failed(err); err != nil {
				return n, err
			}
		}
		if n > 0 {
			return n, nil
		}
	}
}

// end is the offset of the first byte that is not given.
func (o *Object) end() int64 {
	if o.until > 0 {
		return min(o.until, o.Size)
	}
	return o.Size
}

// failed counts a failure and gives up after as many as one request may have.
func (o *Object) failed(err error) error {
	if o.ctx.Err() != nil {
		return context.Cause(o.ctx)
	}
	if o.failures++; o.failures < o.b.attempts {
		return nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &Error{Kind: Unavailable, Op: "read", Key: o.key, Cause: fmt.Errorf("after %d of %d bytes: %w", o.at, o.Size, err)}
}

// resume waits a little longer each time and asks for the rest.
func (o *Object) resume() error {
	if err := o.b.pause(o.ctx, o.failures); err != nil {
		return err
	}
	return o.connect()
}

func (o *Object) hangUp() {
	if o.body != nil {
		o.watch.Stop()
		o.cancel(nil)
		_ = o.body.Close()
		o.body = nil
	}
}

// Close implements io.Closer.
func (o *Object) Close() error {
	o.hangUp()
	return nil
}

const readBuffer = 128 << 10

var readBuffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}

// ReadBack reads the whole object and returns what it holds.
func (b *Bucket) ReadBack(ctx context.Context, key string) (Proof, error) {
	o, err := b.Open(ctx, key, 0)
	if err != nil {
		return Proof{}, err
	}
	defer func() { _ = o.Close() }()
	sum := sha256.New()
	buf := readBuffers.Get().(*[readBuffer]byte)
	defer readBuffers.Put(buf)
	n, err := io.CopyBuffer(struct{ io.Writer }{sum}, o, buf[:])
	if err != nil {
		return Proof{}, err
	}
	return Proof{Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, nil
}

// told is a writer that tells how much it was given.
type told struct {
	to   io.Writer
	tell func(n int64)
}

// Write implements io.Writer.
func (t told) Write(p []byte) (int, error) {
	t.tell(int64(len(p)))
	return t.to.Write(p)
}

func (b *Bucket) checkRange(ctx context.Context, key string, body []byte) error {
	const from = 5
	o, err := b.Open(ctx, key, from)
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	got, err := io.ReadAll(o)
	if err == nil && !bytes.Equal(got, body[from:]) {
		err = &Error{Kind: Unavailable, Op: "read by range", Key: key, Cause: errors.New("the bytes differ from what was written")}
	}
	return err
}
