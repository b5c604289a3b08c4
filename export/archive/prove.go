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
		case r.Volumes[at].Size != v.Size || !strings.EqualFold(r.Volumes[at].SHA256, v.SHA256):
			differs("%s is not the volume %d of the receipt: %d bytes with SHA-256 %s, expected %d with %s", v.Name, number,
				v.Size, v.SHA256, r.Volumes[at].Size, r.Volumes[at].SHA256)
		}
	}
	if len(out) == 0 && s.Receipt.Export != "" {
		out = r.differs(s.Receipt)
	}
	return out
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
