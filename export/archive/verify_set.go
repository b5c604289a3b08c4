package archive

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// VolumeReport is what Verify found in one of several archives.
type VolumeReport struct {
	Name string
	Report
}

// SetReport is what is known of one export from its volumes.
type SetReport struct {
	Volumes  []VolumeReport // by number
	Of       int            // how many volumes the export has; 0 when no volume could tell
	Receipt  Receipt        // the whole export's; empty unless every volume is there and whole
	Problems []string       // of the set as such, each a sentence; a volume's own are in its report
}

// OK reports whether every volume is there, whole, and of the same export.
func (s SetReport) OK() bool {
	return len(s.Problems) == 0 && !slices.ContainsFunc(s.Volumes, func(v VolumeReport) bool { return !v.OK() })
}

// Together holds the reports of archives against each other: whether they are one export, volumes 1 to n, once each, of the
// same instant, with every part of every dataset.
func Together(all []VolumeReport) SetReport {
	s := SetReport{Volumes: slices.Clone(all)}
	slices.SortStableFunc(s.Volumes, func(a, b VolumeReport) int { return cmp.Compare(a.Manifest.Volume, b.Manifest.Volume) })
	var known []VolumeReport // that tell what they are
	for _, v := range s.Volumes {
		if v.Manifest.Schema != "" {
			known = append(known, v)
		}
	}
	if len(known) == 0 {
		return s
	}
	s.Of = max(known[0].Manifest.Volumes, 1)
	s.strangers(known)
	s.numbers(known)
	if !s.OK() {
		return s // what a damaged volume says need not add up
	}
	var receipts []Receipt
	for _, v := range known {
		receipts = append(receipts, v.Report.Receipt)
	}
	combined, err := Combine(receipts)
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			s.Problems = append(s.Problems, strings.TrimPrefix(line, "archive: "))
		}
		return s
	}
	s.Receipt = combined
	return s
}

// strangers names what is not of the first volume's export.
func (s *SetReport) strangers(known []VolumeReport) {
	first := known[0].Manifest
	for _, v := range known[1:] {
		m := v.Manifest
		switch {
		case m.Export != first.Export || m.Customer != first.Customer || m.Programme != first.Programme:
			s.problem("%s is of export %s of customer %s, not of %s of %s", v.Name, m.Export, m.Customer, first.Export, first.Customer)
		case !m.AsOf.Equal(first.AsOf) || max(m.Volumes, 1) != s.Of:
			s.problem("%s is of another attempt at export %s: as of %s, in %d volumes", v.Name, m.Export, m.AsOf.Format("2006-01-02 15:04:05 MST"), max(m.Volumes, 1))
		}
	}
}

// numbers names what is missing and what is there twice.
func (s *SetReport) numbers(known []VolumeReport) {
	have := map[int]string{}
	for _, v := range known {
		n := max(v.Manifest.Volume, 1)
		if other := have[n]; other != "" {
			s.problem("%s and %s are both volume %d", other, v.Name, n)
		}
		have[n] = v.Name
	}
	var missing []string
	for n := 1; n <= s.Of; n++ {
		if have[n] == "" {
			missing = append(missing, fmt.Sprint(n))
		}
	}
	if len(missing) == 1 {
		s.problem("volume %s of %d is missing", missing[0], s.Of)
	} else if len(missing) > 1 {
		s.problem("volumes %s of %d are missing", strings.Join(missing, ", "), s.Of)
	}
}

func (s *SetReport) problem(format string, values ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, values...))
}
