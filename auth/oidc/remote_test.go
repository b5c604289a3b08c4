package oidc

import (
	"context"
	"testing"
	"time"
)

// A caller who looked before a renewal and asks after it gets the renewed copy without a fetch of its own.
func TestA09_LateCallersShareTheRenewedCopy(t *testing.T) {
	fetches := 0
	r := newRemote(time.Hour, func(context.Context) (int, error) { fetches++; return fetches, nil })
	_, seen, err := r.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if value, _, err := r.newer(t.Context(), seen); err != nil || value != 2 {
			t.Errorf("got copy %d: %v", value, err)
		}
	}
	if fetches != 2 {
		t.Errorf("%d fetches", fetches)
	}
}
