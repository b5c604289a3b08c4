package export

import (
	"fmt"
	"testing"

	"offramp/export/source"

	"pgregory.net/rapid"
)

// TestVolumesHoldEveryShareOnce spreads any datasets over volumes.
func TestVolumesHoldEveryShareOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := layout{target: rapid.Int64Range(1, 10_000).Draw(t, "target"), passes: rapid.Int64Range(1, 4).Draw(t, "passes")}
		var portions []portion
		rows, largest := map[string]int64{}, int64(0)
		for i := range rapid.IntRange(0, 6).Draw(t, "datasets") {
			p := portion{dataset: fmt.Sprintf("d%d", i), lane: rapid.Bool().Draw(t, "lane")}
			n := rapid.IntRange(1, 20).Draw(t, "shares")
			for k := range n {
				s := source.Share{Weight: source.Weight{Rows: rapid.Int64Range(0, 100).Draw(t, "rows"), FileBytes: rapid.Int64Range(0, 5000).Draw(t, "files")}}
				s.Bytes = s.Rows * 20
				edge := fmt.Sprint(k)
				if k > 0 {
					s.Range.From = &edge
				}
				if k < n-1 {
					next := fmt.Sprint(k + 1)
					s.Range.Before = &next
				}
				p.shares = append(p.shares, s)
				rows[p.dataset] += s.Rows
				largest = max(largest, l.compressed(s.Weight))
			}
			portions = append(portions, p)
		}
		volumes, err := l.spread(portions)
		if err != nil {
			t.Fatal(err)
		}
		consistent(t, l, portions, volumes, rows, largest)
	})
}

// consistent fails unless the volumes are what the portions say.
func consistent(t *rapid.T, l layout, portions []portion, volumes []plannedVolume, rows map[string]int64, largest int64) {
	parts, ends := map[string]int{}, map[string]string{}
	for _, v := range volumes {
		if v.weight > max(l.target, largest) {
			t.Fatalf("a volume of %d for a target of %d; the largest share is %d", v.weight, l.target, largest)
		}
		if len(v.Pieces) == 0 {
			t.Fatal("an empty volume")
		}
		for _, p := range v.Pieces {
			parts[p.Dataset]++
			rows[p.Dataset] -= p.Rows
			if p.Part != parts[p.Dataset] {
				t.Fatalf("%s: part %d comes as number %d", p.Dataset, p.Part, parts[p.Dataset])
			}
			from, before := "", ""
			if p.Range.From != nil {
				from = *p.Range.From
			}
			if p.Range.Before != nil {
				before = *p.Range.Before
			}
			if from != ends[p.Dataset] {
				t.Fatalf("%s: a part begins at %q, the last one ended at %q", p.Dataset, from, ends[p.Dataset])
			}
			ends[p.Dataset] = before
			for _, x := range portions {
				if x.dataset == p.Dataset && x.lane != v.Lane {
					t.Fatalf("%s: lane %t in a volume with lane %t", p.Dataset, x.lane, v.Lane)
				}
			}
		}
	}
	for _, v := range volumes {
		for _, p := range v.Pieces {
			if p.Parts != parts[p.Dataset] || rows[p.Dataset] != 0 || ends[p.Dataset] != "" {
				t.Fatalf("%s: %d parts of %d, %d rows missing, the end is %q", p.Dataset, parts[p.Dataset], p.Parts, rows[p.Dataset], ends[p.Dataset])
			}
		}
	}
}
