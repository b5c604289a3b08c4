package migration

import (
	"fmt"
	"slices"
	"strings"
)

// matrix checks what a replacement says of datasets and features: that each is known, said once, and not contradicted by
// the files that it imports.
func (c *checker) matrix(path string, r Replacement) {
	for i, m := range r.Datasets {
		at := fmt.Sprintf("%s.datasets[%d]", path, i)
		c.dataset(at+".dataset", m.Dataset, true)
		if first := slices.IndexFunc(r.Datasets, func(o DatasetMove) bool { return o.Dataset == m.Dataset }); first < i && m.Dataset != "" {
			c.errorf(at+".dataset", "the dataset %q stands here a second time; it was %q before", m.Dataset, r.Datasets[first].Moves)
			continue
		}
		if !slices.Contains(moves, m.Moves) {
			c.errorf(at+".moves", "must be one of %s", strings.Join(moves, ", "))
			continue
		}
		c.text(at+".text", m.Text, m.Moves != MovesAll)
		c.contradiction(at+".moves", r.Import, m)
	}
	for i, m := range r.Features {
		at := fmt.Sprintf("%s.features[%d]", path, i)
		switch first := slices.IndexFunc(r.Features, func(o FeatureMove) bool { return o.Feature == m.Feature }); {
		case m.Feature == "":
			c.errorf(at+".feature", "is missing; name a feature")
		case !slices.ContainsFunc(c.p.Features, func(f Feature) bool { return f.Key == m.Feature }):
			c.errorf(at+".feature", "there is no feature %q", m.Feature)
		case first < i:
			c.errorf(at+".feature", "the feature %q stands here a second time; it was %q before", m.Feature, r.Features[first].Has)
		case !slices.Contains(moves, m.Has):
			c.errorf(at+".has", "must be one of %s", strings.Join(moves, ", "))
		}
		c.text(at+".text", m.Text, m.Has == MovesPart)
	}
	c.gaps(path, r)
}

// contradiction holds what is said of a dataset against the files that the replacement imports.
func (c *checker) contradiction(path string, p *ImportProfile, m DatasetMove) {
	if p == nil {
		return
	}
	file := slices.IndexFunc(p.Files, func(f ImportFile) bool { return f.Dataset == m.Dataset })
	for _, l := range p.Loses {
		if l.Dataset != m.Dataset || m.Moves != MovesAll {
			continue
		}
		c.errorf(path, "says all, but import.loses names a loss of %s; write part or none, or drop the loss", strings.TrimSuffix(l.Dataset+"."+l.Column, "."))
		return
	}
	if m.Moves == MovesNone && file >= 0 {
		c.errorf(path, "says none, but import.files makes %s from it; write part or all, or drop the file", p.Files[file].Name)
	}
}

// gaps names what a replacement with a matrix does not speak of.
func (c *checker) gaps(path string, r Replacement) {
	if len(r.Features) == 0 || r.Withdrawn {
		return
	}
	var missing []string
	for _, f := range c.p.Features {
		if !slices.ContainsFunc(r.Features, func(m FeatureMove) bool { return m.Feature == f.Key }) {
			missing = append(missing, f.Key)
		}
	}
	if len(missing) > 0 {
		c.warnf(path+".features", "does not speak of %s; customers read that it is not known", strings.Join(missing, ", "))
	}
}
