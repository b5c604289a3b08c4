package local

import (
	"context"
	"slices"
	"sync"
)

// inbox keeps the last arrivals of a stand-in and lets tests wait for one.
type inbox[T any] struct {
	mu      sync.Mutex
	kept    []T           // newest last
	arrived chan struct{} // closed and replaced at each arrival
}

// keep is how many arrivals an inbox holds.
const keep = 2000

func newInbox[T any]() *inbox[T] { return &inbox[T]{arrived: make(chan struct{})} }

func (b *inbox[T]) add(item T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.kept) >= 2*keep { // trimmed by halves, so that adding stays cheap
		b.kept = slices.Clone(b.kept[keep:])
	}
	b.kept = append(b.kept, item)
	close(b.arrived)
	b.arrived = make(chan struct{})
}

func (b *inbox[T]) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = nil
}

// list returns those that match, newest first.
func (b *inbox[T]) list(match func(T) bool) []T {
	found, _ := b.look(match)
	return found
}

func (b *inbox[T]) look(match func(T) bool) ([]T, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := []T{}
	for _, item := range slices.Backward(b.kept[max(0, len(b.kept)-keep):]) {
		if match(item) {
			found = append(found, item)
		}
	}
	return found, b.arrived
}

// wait returns the newest that matches, as soon as there is one.
func (b *inbox[T]) wait(ctx context.Context, match func(T) bool) (T, error) {
	for {
		found, arrived := b.look(match)
		if len(found) > 0 {
			return found[0], nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
}
