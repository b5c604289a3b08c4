package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSlicesCoverEveryByteOnce(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, SliceSize - 1, SliceSize, SliceSize + 1, 2*SliceSize + 77} {
		body := make([]byte, size)
		rng := rand.New(rand.NewPCG(1, uint64(size)))
		for i := range body {
			body[i] = byte(rng.Uint32())
		}
		var want []string
		for part := range slices.Chunk(body, SliceSize) {
			sum := sha256.Sum256(part)
			want = append(want, hex.EncodeToString(sum[:]))
		}
		if size == 0 {
			sum := sha256.Sum256(nil)
			want = []string{hex.EncodeToString(sum[:])}
		}
		s := newSums()
		_, _ = s.whole.Write(body)
		parts := slices.Collect(slices.Chunk(body, 2*SliceSize))
		if size == 0 {
			parts = [][]byte{nil}
		}
		for _, i := range rng.Perm(len(parts)) {
			s.part(2*i, parts[i])
		}
		streamed, whole := s.proof(int64(size)), proofOf(body)
		sum := sha256.Sum256(body)
		if !slices.Equal(streamed.Slices, want) || !slices.Equal(whole.Slices, want) {
			t.Errorf("%d bytes: %d and %d slices, want %d", size, len(streamed.Slices), len(whole.Slices), len(want))
		}
		if h := hex.EncodeToString(sum[:]); streamed.SHA256 != h || whole.SHA256 != h || streamed.Size != int64(size) {
			t.Errorf("%d bytes: %v, %v", size, streamed, whole)
		}
	}
}
