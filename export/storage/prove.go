package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"
)

// provers is how many ranges of a large object are read back at once. Reading back costs the store as much as it costs us, so
// that one after another leaves a core idle.
const provers = 2

// Prove reads the whole object back by requests of its own and holds its size and the SHA-256 of each of its slices against
// what was sent, which is what want, an Upload's proof, says. It tells of the bytes as it reads them, from several goroutines. Its
// error is Unavailable when they differ.
func (b *Bucket) Prove(ctx context.Context, key string, want Proof, read func(n int64)) error {
	count := len(want.Slices)
	if int64(count) != max(1, (want.Size+SliceSize-1)/SliceSize) {
		return &Error{Kind: Invalid, Op: "read back", Key: key, Cause: fmt.Errorf("a proof of %d bytes with %d slices", want.Size, count)}
	}
	readers := min(provers, count)
	group, ctx := errgroup.WithContext(ctx)
	for i := range readers {
		group.Go(func() error { return b.proveSlices(ctx, key, want, read, count*i/readers, count*(i+1)/readers) })
	}
	return group.Wait()
}

// proveSlices compares the slices from one number up to another, which is not compared.
func (b *Bucket) proveSlices(ctx context.Context, key string, want Proof, read func(n int64), from, to int) error {
	differs := func(format string, values ...any) error {
		return &Error{Kind: Unavailable, Op: "read back", Key: key, Cause: fmt.Errorf(format, values...)}
	}
	until := int64(0)
	if to < len(want.Slices) {
		until = int64(to) * SliceSize
	}
	o, err := b.openRange(ctx, key, int64(from)*SliceSize, until)
	if Code(err) == "InvalidRange" {
		return differs("the bucket has less than %d bytes, sent were %d", int64(from)*SliceSize, want.Size)
	}
	if err != nil {
		return err
	}
	defer func() { _ = o.Close() }()
	if o.Size != want.Size {
		return differs("the bucket has %d bytes, sent were %d", o.Size, want.Size)
	}
	sum, buffer := sha256.New(), readBuffers.Get().(*[readBuffer]byte)
	defer readBuffers.Put(buffer)
	for i := from; i < to; i++ {
		sum.Reset()
		part := io.LimitReader(o, SliceSize)
		if _, err := io.CopyBuffer(told{sum, read}, struct{ io.Reader }{part}, buffer[:]); err != nil {
			return err
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != want.Slices[i] {
			return differs("the bucket has SHA-256 %s from byte %d on, sent was %s", got, int64(i)*SliceSize, want.Slices[i])
		}
	}
	return nil
}
