package main

import (
	"testing"
	"time"
)

func TestTheCollectorsPaceLeavesTheSameRoom(t *testing.T) {
	for used, want := range map[uint64]int{0: 300, 1 << 20: 300, 5 << 20: 100, 20 << 20: 25, 1 << 30: 10} {
		if got := percentFor(used, leastRoom); got != want {
			t.Errorf("%d bytes in use: %d %%, want %d", used, got, want)
		}
	}
}

func TestTheCollectorsRoomGrowsUntilItRests(t *testing.T) {
	for _, c := range []struct {
		room   uint64
		lasted time.Duration
		want   uint64
	}{
		{leastRoom, time.Hour, leastRoom},
		{leastRoom, collectorRest, leastRoom},
		{leastRoom, collectorRest / 2, 2 * leastRoom},
		{leastRoom, 0, mostRoom},
		{mostRoom, collectorRest * 2, mostRoom / 2},
		{mostRoom, time.Minute, leastRoom},
	} {
		if got := roomAfter(c.room, c.lasted); got != c.want {
			t.Errorf("%d bytes for %s: %d, want %d", c.room, c.lasted, got, c.want)
		}
	}
}
