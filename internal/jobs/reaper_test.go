package jobs

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOverdueNeedsAnUnbrokenRowOfLooks(t *testing.T) {
	seen := map[string]time.Time{}
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	for _, look := range []struct {
		second   int
		suspects []string
		want     []string
	}{
		{0, []string{"a", "b"}, nil},
		{1, []string{"a"}, nil}, // b is back
		{2, []string{"a", "b"}, []string{"a"}},
		{3, []string{"b"}, nil},
		{4, []string{"b"}, []string{"b"}},
	} {
		got := overdue(seen, look.suspects, at(look.second), 2*time.Second)
		if diff := cmp.Diff(look.want, got); diff != "" {
			t.Errorf("second %d: %s", look.second, diff)
		}
	}
}
