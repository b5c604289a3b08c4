package main

import "testing"

func TestTheCollectorsPaceLeavesTheSameRoom(t *testing.T) {
	for used, want := range map[uint64]int{0: 200, 1 << 20: 200, 5 << 20: 100, 20 << 20: 25, 1 << 30: 10} {
		if got := percentFor(used); got != want {
			t.Errorf("%d bytes in use: %d %%, want %d", used, got, want)
		}
	}
}
