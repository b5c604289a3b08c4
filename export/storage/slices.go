package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"slices"
	"sync"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

// SliceSize is the length in bytes of the slices of an object that have a SHA-256 of their own. The last one may be shorter. Parts
// of an upload are whole numbers of slices, and in nearly all uploads one: its sum then also signs the request.
const SliceSize = 5 << 20

// sums gathers the sums of an object that is sent in parts.
type sums struct {
	whole  hash.Hash // for one goroutine
	mu     sync.Mutex
	slices []string
}

func newSums() *sums { return &sums{whole: sha256.New()} }

// part adds the slices of a part of which the first has the number first. The parts may come in any order.
func (s *sums) part(first int, body []byte) []string {
	made := slicesOf(body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if need := first + len(made); need > len(s.slices) {
		s.slices = slices.Grow(s.slices, need-len(s.slices))[:need]
	}
	copy(s.slices[first:], made)
	return made
}

// proof ends the hashing.
func (s *sums) proof(size int64) Proof {
	return Proof{Size: size, SHA256: hex.EncodeToString(s.whole.Sum(nil)), Slices: s.slices}
}

// slicesOf are the sums of a body's slices; nothing has one, too.
func slicesOf(body []byte) (all []string) {
	for part := range slices.Chunk(body, SliceSize) {
		all = append(all, sumOf(part))
	}
	if all == nil {
		all = []string{sumOf(nil)}
	}
	return all
}

func sumOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// proofOf is the proof of what fits into memory. A single slice is the whole, and is hashed once.
func proofOf(body []byte) Proof {
	p := Proof{Size: int64(len(body)), Slices: slicesOf(body)}
	if p.SHA256 = p.Slices[0]; len(p.Slices) > 1 {
		p.SHA256 = sumOf(body)
	}
	return p
}

// signed gives a request the sum of its body to be signed with, so that it is not taken once more. The store refuses a body that
// has another. A value in the context of the call would not reach the signer: each operation begins with none.
func signed(sum string) func(*s3.Options) {
	return s3.WithAPIOptions(func(stack *middleware.Stack) error {
		set := func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(v4.SetPayloadHash(ctx, sum), in)
		}
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("PayloadHash", set), middleware.After)
	})
}
