package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The limits of S3's multipart upload, and ours within them: two parts travel while a third fills.
// The smallest part that S3 takes is 5 MiB, which is SliceSize. Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
const (
	maxParts   = 10_000
	planParts  = 9_000 // leaves room for an estimate that was too low
	freeParts  = 2_500 // what goes out in parts of one size without any estimate
	inFlight   = 2
	firstAlloc = 64 << 10
)

// Proof is what an object holds: its size in bytes and the SHA-256 of them, in hexadecimal. Slices are those of each
// SliceSize bytes; only an Upload knows them.
type Proof struct {
	Size   int64
	SHA256 string
	Slices []string
}

// Same reports whether both are of the same bytes.
func (p Proof) Same(other Proof) bool { return p.Size == other.Size && p.SHA256 == other.SHA256 }

// Upload is an object being written. It is an io.Writer for one goroutine. Nothing can be seen under its key until
// Commit succeeds; Abort, or a cancelled context followed by Abort, leaves nothing behind. Small objects travel as one
// request, larger ones in parts that are sent while the next one fills.
type Upload struct {
	b           *Bucket
	ctx         context.Context
	cancel      context.CancelCauseFunc
	key         string
	contentType string
	partSize    int
	planned     int // parts of that size; later ones grow
	sent        int

	buf   []byte
	size  int64
	free  chan []byte   // buffers that came back
	made  int           // buffers that exist
	parts chan []byte   // to the sender, in order
	done  chan struct{} // the sender has ended
	id    string        // of the multipart upload; set before parts is made
	ended bool

	sum *sums // owned by the sender while it runs

	mu     sync.Mutex
	stored []types.CompletedPart
}

// Put stores a small object in one request.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, contentType string) (Proof, error) {
	proof := proofOf(body)
	_, err := b.patient.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(body),
		ContentLength: aws.Int64(int64(len(body))), ContentType: &contentType,
	}, signed(proof.SHA256))
	if err != nil {
		return Proof{}, classify(ctx, "put", key, err)
	}
	return proof, nil
}

// lockFor is how long an object that is to stay cannot be deleted, where the bucket has object lock.
const lockFor = 366 * 24 * time.Hour

// Locks reports whether the bucket has object lock. One that does not say has none.
func (b *Bucket) Locks(ctx context.Context) (bool, error) {
	out, err := b.patient.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &b.name})
	if err != nil {
		err = classify(ctx, "object lock", b.name, err)
		if KindOf(err) == Unavailable {
			return false, err
		}
		return false, nil
	}
	c := out.ObjectLockConfiguration
	return c != nil && c.ObjectLockEnabled == types.ObjectLockEnabledEnabled, nil
}

// PutLocked stores a small object as Put does, so that nobody can delete or replace it for a year, where the bucket has object lock;
// it reports whether it has.
func (b *Bucket) PutLocked(ctx context.Context, key string, body []byte, contentType string) (locked bool, err error) {
	if locked, err = b.Locks(ctx); err != nil || !locked {
		if err == nil {
			_, err = b.Put(ctx, key, body, contentType)
		}
		return false, err
	}
	until := time.Now().Add(lockFor).UTC() // the store goes by the world's time
	_, err = b.patient.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))), ContentType: &contentType,
		ObjectLockMode: types.ObjectLockModeCompliance, ObjectLockRetainUntilDate: &until,
	}, signed(proofOf(body).SHA256))
	if err != nil {
		return false, classify(ctx, "put locked", key, err)
	}
	return true, nil
}

// Create begins an upload. estimate is the expected size in bytes, 0 when unknown; it decides the size of the parts, of
// which three are in memory at most: 15 MiB up to an estimate of 43 GiB. The caller always calls Abort in the end,
// which does nothing after a Commit.
func (b *Bucket) Create(ctx context.Context, key string, estimate int64, contentType string) *Upload {
	ctx, cancel := context.WithCancelCause(ctx)
	size := partSize(estimate)
	return &Upload{
		b: b, ctx: ctx, cancel: cancel, key: key, contentType: contentType,
		partSize: size, planned: max(int(estimate/int64(size)), freeParts), made: 1,
		buf: make([]byte, 0, min(size, max(firstAlloc, int(min(estimate, SliceSize))))),
		sum: newSums(),
	}
}

func partSize(estimate int64) int {
	return int(estimate/planParts/SliceSize+1) * SliceSize
}

// Write implements io.Writer. It blocks while the network is slower than the writer. Its error is the upload's first.
func (u *Upload) Write(p []byte) (int, error) {
	if err := context.Cause(u.ctx); err != nil {
		return 0, err
	}
	written := 0
	for {
		n := min(len(p)-written, u.partSize-len(u.buf))
		u.grow(n)
		u.buf = append(u.buf, p[written:written+n]...)
		written += n
		if written == len(p) {
			u.size += int64(len(p))
			return written, nil
		}
		if err := u.flush(); err != nil {
			return written, err
		}
	}
}

// grow makes room for n more bytes; doubling, but never beyond a part.
func (u *Upload) grow(n int) {
	if len(u.buf)+n <= cap(u.buf) {
		return
	}
	bigger := make([]byte, len(u.buf), min(u.partSize, max(2*cap(u.buf), len(u.buf)+n)))
	copy(bigger, u.buf)
	u.buf = bigger
}

// flush hands the full part to the sender and takes an empty buffer.
func (u *Upload) flush() error {
	if u.parts == nil {
		if err := u.begin(); err != nil {
			u.cancel(err)
			return err
		}
	}
	select {
	case u.parts <- u.buf:
		u.buf = nil
	case <-u.ctx.Done():
		return context.Cause(u.ctx)
	}
	u.sent++
	if over := u.sent - u.planned; over > 0 && over%((maxParts-u.planned)/8) == 0 {
		u.partSize *= 2
	}
	if u.made <= inFlight {
		u.made++
		u.buf = make([]byte, 0, u.partSize)
		return nil
	}
	select {
	case b := <-u.free:
		u.buf = b[:0]
	case <-u.ctx.Done():
		return context.Cause(u.ctx)
	}
	return nil
}

// beginLimit bounds how long a store may take to begin an upload that nobody waits for any more.
const beginLimit = 30 * time.Second

// begin asks for an upload and waits for its id even when the caller has given up: parts of an upload whose id nobody has learned
// stay in the bucket, where the rights to look for them may be missing.
func (u *Upload) begin() error {
	if err := u.ctx.Err(); err != nil {
		return classify(u.ctx, "begin upload", u.key, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), beginLimit)
	defer cancel()
	out, err := u.b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &u.b.name, Key: &u.key, ContentType: &u.contentType,
	})
	if err != nil {
		return classify(u.ctx, "begin upload", u.key, err)
	}
	u.id = aws.ToString(out.UploadId)
	u.free = make(chan []byte, inFlight+1)
	u.parts = make(chan []byte)
	u.done = make(chan struct{})
	go u.send()
	return nil
}

// send hashes the parts in order and sends up to inFlight of them at once.
func (u *Upload) send() {
	defer close(u.done)
	var wait sync.WaitGroup
	defer wait.Wait()
	slots := make(chan struct{}, inFlight)
	number, slice := int32(0), 0
	for part := range u.parts {
		_, _ = u.sum.whole.Write(part)
		number++
		slots <- struct{}{}
		n, first := number, slice
		slice += (len(part) + SliceSize - 1) / SliceSize
		wait.Go(func() {
			u.sendPart(n, first, part)
			u.free <- part
			<-slots
		})
	}
}

// sendPart sends one part. The first of its slices has the number first among all.
func (u *Upload) sendPart(number int32, first int, part []byte) {
	if u.ctx.Err() != nil {
		return
	}
	var options []func(*s3.Options)
	if made := u.sum.part(first, part); len(made) == 1 {
		options = append(options, signed(made[0]))
	}
	out, err := u.b.patient.UploadPart(u.ctx, &s3.UploadPartInput{
		Bucket: &u.b.name, Key: &u.key, UploadId: &u.id, PartNumber: &number,
		Body: bytes.NewReader(part), ContentLength: aws.Int64(int64(len(part))),
	}, options...)
	if err != nil {
		u.cancel(classify(u.ctx, fmt.Sprintf("upload part %d", number), u.key, err))
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stored = append(u.stored, types.CompletedPart{PartNumber: &number, ETag: out.ETag})
}

// Commit sends what is left and makes the object visible. The proof is of the bytes that were written here, for the
// caller to hold against [Bucket.ReadBack].
func (u *Upload) Commit() (Proof, error) {
	if u.ended {
		return Proof{}, &Error{Kind: Invalid, Op: "commit", Key: u.key, Cause: errors.New("the upload has ended")}
	}
	if err := context.Cause(u.ctx); err != nil {
		return Proof{}, err
	}
	if u.parts == nil {
		proof, err := u.b.Put(u.ctx, u.key, u.buf, u.contentType)
		u.ended = err == nil
		return proof, err
	}
	if len(u.buf) > 0 {
		select {
		case u.parts <- u.buf:
		case <-u.ctx.Done():
		}
	}
	u.drain()
	if err := context.Cause(u.ctx); err != nil {
		return Proof{}, err
	}
	if err := u.complete(); err != nil {
		return Proof{}, err
	}
	u.ended = true
	return u.sum.proof(u.size), nil
}

// drain ends the sender and waits for it.
func (u *Upload) drain() {
	if u.parts != nil {
		close(u.parts)
		<-u.done
		u.parts = nil
	}
}

func (u *Upload) complete() error {
	sortParts(u.stored)
	_, err := u.b.patient.CompleteMultipartUpload(u.ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.b.name, Key: &u.key, UploadId: &u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: u.stored},
	})
	if err == nil {
		return nil
	}
	err = classify(u.ctx, "complete upload", u.key, err)
	// A first attempt may have succeeded with its answer lost; the second then finds no upload.
	if KindOf(err) == NotFound {
		if size, statErr := u.b.stat(u.ctx, u.key); statErr == nil && size == u.size {
			return nil
		}
	}
	return err
}

// Abort ends an upload that was not committed and removes its parts. It works after the context's end, for a while.
func (u *Upload) Abort() {
	if u.ended {
		u.cancel(nil)
		return
	}
	u.ended = true
	u.cancel(context.Canceled)
	u.drain()
	if u.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(u.ctx), min(u.b.stall, 15*time.Second))
	defer cancel()
	_ = u.b.AbortUpload(ctx, u.key, u.id) // the sweep removes what this could not
}
