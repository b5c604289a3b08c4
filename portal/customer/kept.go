package customer

import (
	"sync"

	"offramp/portal/page"
)

// maxKept bounds each cache; when it is full it starts anew.
const maxKept = 1000

// recipe is all that something shared by many readers is made from. What make returns follows from it and from the portal's set-up
// alone: there is no request and no customer in its reach, so that nobody's words can come onto another one's page.
type recipe[V any] interface {
	comparable
	make(k *page.Kit) (V, error)
}

// kept caches what recipes make. The zero value is empty. Safe for concurrent use.
type kept[R recipe[V], V any] struct {
	mu   sync.RWMutex
	made map[R]V
}

// get returns what a recipe makes, and has it made for the first who asks.
func (k *kept[R, V]) get(kit *page.Kit, r R) (V, error) {
	k.mu.RLock()
	known, ok := k.made[r]
	k.mu.RUnlock()
	if ok {
		return known, nil
	}
	made, err := r.make(kit)
	if err != nil {
		return made, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.made == nil || len(k.made) >= maxKept {
		k.made = map[R]V{}
	}
	k.made[r] = made
	return made, nil
}
