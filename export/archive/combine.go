package archive

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Combine makes the whole export's receipt of its volumes', in any order. It fails when they are not all there, or do not
// belong together, or lack a part of a dataset. Failures name the volume and the part that they are in. An export of one
// volume has that volume's receipt.
func Combine(all []Receipt) (Receipt, error) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Receipt) int { return cmp.Compare(a.Volume, b.Volume) })
	if err := sameExport(all); err != nil {
		return Receipt{}, err
	}
	if len(all) == 1 {
		return all[0], all[0].Balanced()
	}
	first := all[0]
	c := combiner{out: Receipt{
		Schema: first.Schema, Export: first.Export, Customer: first.Customer, AsOf: first.AsOf, Created: first.Created, Of: first.Of,
		Datasets: []Count{}, Attachments: []Count{}, Narrowed: first.Narrowed,
	}}
	for _, r := range all {
		if r.Created.After(c.out.Created) {
			c.out.Created = r.Created
		}
		c.add(r)
	}
	c.whole()
	c.errs = append(c.errs, c.out.Balanced())
	c.out.Complete = c.out.complete()
	return c.out, errors.Join(c.errs...)
}

// sameExport holds the volumes' receipts, sorted, against each other.
func sameExport(all []Receipt) error {
	if len(all) == 0 {
		return errors.New("archive: there is no volume to combine")
	}
	of := max(all[0].Of, 1)
	for i, r := range all {
		number := max(r.Volume, 1)
		switch {
		case r.Export != all[0].Export || r.Customer != all[0].Customer || max(r.Of, 1) != of || r.Schema != all[0].Schema:
			return fmt.Errorf("archive: volume %d is of another export", number)
		case !r.AsOf.Equal(all[0].AsOf):
			return fmt.Errorf("archive: volume %d shows another instant", number)
		case r.Narrowed != nil && all[0].Narrowed != nil && !reflect.DeepEqual(r.Narrowed, all[0].Narrowed): // earlier versions said nothing
			return fmt.Errorf("archive: volume %d was narrowed in another way", number)
		case number != i+1:
			return fmt.Errorf("archive: volume %d of %d is missing or there twice", min(number, i+1), of)
		}
	}
	if len(all) != of {
		return fmt.Errorf("archive: volume %d of %d is missing", len(all)+1, of)
	}
	return nil
}

// combiner adds up receipts.
type combiner struct {
	out   Receipt
	parts map[string]map[int]int // by what is cut: its parts, and how many there must be under 0
	errs  []error
}

func (c *combiner) add(r Receipt) {
	for _, d := range r.Datasets {
		c.part("dataset "+d.Dataset, d.Part, d.Parts)
		at := slices.IndexFunc(c.out.Datasets, func(o Count) bool { return o.Dataset == d.Dataset })
		if at < 0 {
			at = len(c.out.Datasets)
			c.out.Datasets = append(c.out.Datasets, Count{Dataset: d.Dataset})
		}
		c.out.Datasets[at].add(d.in(r.Volume))
	}
	for _, d := range r.Attachments {
		at := slices.IndexFunc(c.out.Attachments, func(o Count) bool { return o.Dataset == d.Dataset })
		if at < 0 {
			at = len(c.out.Attachments)
			c.out.Attachments = append(c.out.Attachments, Count{Dataset: d.Dataset})
		}
		c.out.Attachments[at].add(d.in(r.Volume))
	}
	for _, f := range r.Imports {
		c.part("import file "+f.Replacement+"/"+f.File, f.Part, f.Parts)
		at := slices.IndexFunc(c.out.Imports, func(o ImportCount) bool {
			return o.Replacement == f.Replacement && o.File == f.File
		})
		if at < 0 {
			at = len(c.out.Imports)
			c.out.Imports = append(c.out.Imports, ImportCount{Replacement: f.Replacement, File: f.File, Dataset: f.Dataset})
		}
		c.out.Imports[at].add(f, r.Volume)
	}
	for _, s := range r.Sources {
		c.source(s)
	}
}

// part notes a part of something.
func (c *combiner) part(what string, part, parts int) {
	if c.parts == nil {
		c.parts = map[string]map[int]int{}
	}
	part, parts = max(part, 1), max(parts, 1)
	known := c.parts[what]
	if known == nil {
		known = map[int]int{0: parts}
		c.parts[what] = known
	}
	if known[0] != parts || known[part] > 0 {
		c.errs = append(c.errs, fmt.Errorf("archive: part %d of %d of %s is there twice, or cut in another way", part, parts, what))
	}
	known[part]++
}

// whole reports the parts that no volume has.
func (c *combiner) whole() {
	var names []string
	for name := range c.parts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for part := 1; part <= c.parts[name][0]; part++ {
			if c.parts[name][part] == 0 {
				c.errs = append(c.errs, fmt.Errorf("archive: part %d of %d of %s is in no volume", part, c.parts[name][0], name))
			}
		}
	}
}

// source takes over a source. What has no snapshot may have been begun to be read at several times; the first one counts.
func (c *combiner) source(s SourceInfo) {
	for i, o := range c.out.Sources {
		if o.Key != s.Key {
			continue
		}
		if (o.Steady || s.Steady) && (o.Steady != s.Steady || !o.AsOf.Equal(s.AsOf)) {
			c.errs = append(c.errs, fmt.Errorf("archive: the volumes show source %q at different instants", s.Key))
		}
		if s.AsOf.Before(o.AsOf) {
			c.out.Sources[i].AsOf = s.AsOf
		}
		return
	}
	c.out.Sources = append(c.out.Sources, s)
}

// in returns the count with its failures placed in a volume and part.
func (c Count) in(volume int) Count {
	c.Failures, c.Remarks = placed(c.Failures, volume, c.Part), placed(c.Remarks, volume, c.Part)
	c.Lacking = slices.Clone(c.Lacking)
	for i := range c.Lacking {
		c.Lacking[i].Failures = placed(c.Lacking[i].Failures, volume, c.Part)
	}
	return c
}

func placed(all []Failure, volume, part int) []Failure {
	out := slices.Clone(all)
	for i := range out {
		out[i].Volume, out[i].Part = volume, part
	}
	return out
}

// add adds a part's count to the whole's.
func (c *Count) add(p Count) {
	c.Source, c.Exported, c.Failed = c.Source+p.Source, c.Exported+p.Exported, c.Failed+p.Failed
	c.Failures, c.Omitted = appendFailures(c.Failures, c.Omitted+p.Omitted, p.Failures)
	c.Remarks, _ = appendFailures(c.Remarks, 0, p.Remarks)
	for _, l := range p.Lacking {
		at := slices.IndexFunc(c.Lacking, func(o Lacking) bool { return o.Format == l.Format })
		if at < 0 {
			at = len(c.Lacking)
			c.Lacking = append(c.Lacking, Lacking{Format: l.Format})
		}
		o := &c.Lacking[at]
		o.Rows += l.Rows
		o.Failures, o.Omitted = appendFailures(o.Failures, o.Omitted+l.Omitted, l.Failures)
	}
}

func (c *ImportCount) add(p ImportCount, volume int) {
	c.Source, c.Exported, c.Skipped, c.Failed = c.Source+p.Source, c.Exported+p.Exported, c.Skipped+p.Skipped, c.Failed+p.Failed
	c.Failures, c.Omitted = appendFailures(c.Failures, c.Omitted+p.Omitted, placed(p.Failures, volume, p.Part))
}

// appendFailures appends failures as far as they are spelled out, and counts the rest.
func appendFailures(all []Failure, omitted int64, more []Failure) ([]Failure, int64) {
	n := min(len(more), maxFailures-len(all))
	return append(all, more[:n]...), omitted + int64(len(more)-n)
}
