package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
)

// SliceSize is the length in bytes of the slices of an object that have a SHA-256 of their own. The last one may be shorter.
const SliceSize = 8 << 20

// sums hashes an object as a whole and by slices.
type sums struct {
	whole, slice hash.Hash
	room         int // bytes that the current slice still takes
	slices       []string
}

func newSums() *sums { return &sums{whole: sha256.New(), slice: sha256.New(), room: SliceSize} }

// Write implements io.Writer and never fails.
func (s *sums) Write(p []byte) (int, error) {
	s.whole.Write(p)
	for rest := p; len(rest) > 0; {
		n := min(len(rest), s.room)
		s.slice.Write(rest[:n])
		if s.room -= n; s.room == 0 {
			s.cut()
		}
		rest = rest[n:]
	}
	return len(p), nil
}

func (s *sums) cut() {
	s.slices = append(s.slices, hex.EncodeToString(s.slice.Sum(nil)))
	s.slice.Reset()
	s.room = SliceSize
}

// proof ends the hashing.
func (s *sums) proof(size int64) Proof {
	if s.room < SliceSize || len(s.slices) == 0 {
		s.cut()
	}
	return Proof{Size: size, SHA256: hex.EncodeToString(s.whole.Sum(nil)), Slices: s.slices}
}

// proofOf is the proof of what fits into memory. A single slice is the whole, and is hashed once.
func proofOf(body []byte) Proof {
	if len(body) > SliceSize {
		s := newSums()
		_, _ = s.Write(body)
		return s.proof(int64(len(body)))
	}
	sum := sha256.Sum256(body)
	text := hex.EncodeToString(sum[:])
	return Proof{Size: int64(len(body)), SHA256: text, Slices: []string{text}}
}
