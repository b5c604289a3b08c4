package customer

import "sync"

// maxKept bounds each cache; when it is full it starts anew.
const maxKept = 1000

// kept caches what is made by what it is made from. The zero value is empty. Safe for concurrent use.
type kept[K comparable, V any] struct {
	mu   sync.RWMutex
	made map[K]V
}

// get returns what was made from key, and makes it for the first who asks.
func (k *kept[K, V]) get(key K, make func() (V, error)) (V, error) {
	k.mu.RLock()
	known, ok := k.made[key]
	k.mu.RUnlock()
	if ok {
		return known, nil
	}
	made, err := make()
	if err != nil {
		return made, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.made == nil || len(k.made) >= maxKept {
		k.made = map[K]V{}
	}
	k.made[key] = made
	return made, nil
}
