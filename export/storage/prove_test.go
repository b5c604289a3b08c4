package storage_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/export/storage"
)

// stored uploads a body and returns its proof.
func stored(t *testing.T, b *storage.Bucket, key string, body []byte) storage.Proof {
	t.Helper()
	u := b.Create(context.Background(), key, int64(len(body)), "application/zip")
	defer u.Abort()
	_, err := u.Write(body)
	must(t, err)
	proof, err := u.Commit()
	must(t, err)
	return proof
}

func TestE04_ProvingFindsEveryDifference(t *testing.T) {
	ctx := context.Background()
	b := bucket(t, nil)
	const many = 2*storage.SliceSize + 1_000
	for _, size := range []int{0, 1, 4_000, storage.SliceSize, storage.SliceSize + 1, many} {
		body, key := noise(size), storage.NewKey("exports/")
		proof := stored(t, b, key, body)
		if err := b.Prove(ctx, key, proof, func(int64) {}); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		for _, at := range []int{0, size / 2, size - 1} {
			if size == 0 {
				break
			}
			changed := slices.Clone(body)
			changed[at] ^= 1
			stored(t, b, key, changed)
			differs(t, b.Prove(ctx, key, proof, func(int64) {}), size)
		}
		stored(t, b, key, append(slices.Clone(body), 0))
		differs(t, b.Prove(ctx, key, proof, func(int64) {}), size)
		if size > 0 {
			stored(t, b, key, body[:size-1])
			differs(t, b.Prove(ctx, key, proof, func(int64) {}), size)
			stored(t, b, key, body[:size/4])
			differs(t, b.Prove(ctx, key, proof, func(int64) {}), size)
		}
	}
}

func differs(t *testing.T, err error, size int) {
	t.Helper()
	if storage.KindOf(err) != storage.Unavailable {
		t.Fatalf("%d bytes: %v", size, err)
	}
}

func TestProvingRefusesAProofWithoutItsSlices(t *testing.T) {
	b := bucket(t, nil)
	proof := stored(t, b, "k", noise(storage.SliceSize+1))
	proof.Slices = proof.Slices[:1]
	if err := b.Prove(context.Background(), "k", proof, func(int64) {}); storage.KindOf(err) != storage.Invalid {
		t.Fatal(err)
	}
}

func TestProvingResumesWhereItBroke(t *testing.T) {
	ctx := context.Background()
	s := localtest.S3(t)
	network := localtest.Toxiproxy(t, strings.TrimPrefix(s.Endpoint, "http://"))
	b := bucket(t, func(c *storage.Config) { c.Endpoint = "http://" + network.Address })
	proof := stored(t, b, "k", noise(2*storage.SliceSize+1_000))
	network.Add(localtest.Toxic{Kind: "limit_data", Stream: "downstream", Attributes: map[string]any{"bytes": 5_000_000}})
	must(t, b.Prove(ctx, "k", proof, func(int64) {}))
}

// TestPartsOfSeveralSlicesAreProven sends what is planned to be so large that a part holds two slices.
func TestPartsOfSeveralSlicesAreProven(t *testing.T) {
	b, body := bucket(t, nil), noise(4*storage.SliceSize+1_000)
	u := b.Create(t.Context(), "k", 45<<30, "application/zip")
	defer u.Abort()
	_, err := u.Write(body)
	must(t, err)
	proof, err := u.Commit()
	must(t, err)
	if len(proof.Slices) != 5 {
		t.Fatalf("%d slices", len(proof.Slices))
	}
	must(t, b.Prove(t.Context(), "k", proof, func(int64) {}))
}
