package archive

import (
	"fmt"
	"slices"
	"strings"
)

// Disproves holds what was verified against the whole export's receipt as the portal signed it, and returns what differs,
// each a sentence; nothing when these are the archives that the receipt is about. Volumes that are not there are told by
// Together.
func (r Receipt) Disproves(s SetReport) []string {
	var out []string
	differs := func(format string, values ...any) { out = append(out, fmt.Sprintf(format, values...)) }
	for _, v := range s.Volumes {
		m := v.Manifest
		if m.Schema == "" {
			continue
		}
		if m.Export != r.Export || m.Customer != r.Customer {
			differs("the receipt is of export %s of customer %s, %s is of %s of %s", r.Export, r.Customer, v.Name, m.Export, m.Customer)
			continue
		}
		number := max(m.Volume, 1)
		at := slices.IndexFunc(r.Volumes, func(p VolumeProof) bool { return p.Number == number })
		switch {
		case at < 0:
			differs("the receipt has no volume %d, which %s says it is", number, v.Name)
		default:
			if got, want, ok := r.Volumes[at].holds(v.Report); !ok {
				differs("%s is not the volume %d of the receipt: %d bytes with SHA-256 %s, expected %d with %s", v.Name, number,
					got.Size, got.SHA256, want.Size, want.SHA256)
			}
		}
	}
	if len(out) == 0 && s.Receipt.Export != "" {
		out = r.differs(s.Receipt)
	}
	return out
}

// holds compares an archive with what it must be, and returns the first of both that differ. One that was unpacked from its locked
// file is held against what was locked.
func (p VolumeProof) holds(r Report) (got, want InnerProof, ok bool) {
	file, inner := InnerProof{Size: r.Size, SHA256: r.SHA256}, InnerProof{Size: r.Size, SHA256: r.SHA256}
	if r.Outer != nil {
		file = *r.Outer
	}
	want = InnerProof{Size: p.Size, SHA256: p.SHA256}
	if (r.Outer != nil || p.Archive == nil) && !file.same(want) {
		return file, want, false
	}
	if p.Archive != nil && !inner.same(*p.Archive) {
		return inner, *p.Archive, false
	}
	return file, want, true
}

func (p InnerProof) same(o InnerProof) bool {
	return p.Size == o.Size && strings.EqualFold(p.SHA256, o.SHA256)
}

// differs compares the counts of two receipts.
func (r Receipt) differs(o Receipt) (out []string) {
	both := func(what string, mine, others []Count) {
		theirs := map[string]Count{}
		for _, c := range others {
			theirs[c.Dataset] = c
		}
		for _, c := range mine {
			got, ok := theirs[c.Dataset]
			delete(theirs, c.Dataset)
			if !ok || got.Source != c.Source || got.Exported != c.Exported || got.Failed != c.Failed {
				out = append(out, fmt.Sprintf("the receipt has %d %s of %q, of which %d exported and %d failed; the archives have %d, %d and %d",
					c.Source, what, c.Dataset, c.Exported, c.Failed, got.Source, got.Exported, got.Failed))
			}
		}
		for name := range theirs {
			out = append(out, fmt.Sprintf("the receipt has no %s of %q, the archives do", what, name))
		}
	}
	both("rows", r.Datasets, o.Datasets)
	both("attachments", r.Attachments, o.Attachments)
	return out
}
