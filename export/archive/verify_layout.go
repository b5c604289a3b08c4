package archive

import (
	"fmt"
	"sort"
)

// differs describes one byte.
func differs(path string, at int64, expected, actual byte, note string) Problem {
	return Problem{
		Trouble: Damaged, Path: path, From: at, To: at + 1, Exact: true, Note: note,
		Expected: fmt.Sprintf("0x%02x", expected), Actual: fmt.Sprintf("0x%02x", actual),
	}
}

// checkLayout compares everything in the archive that is not a file's data with what it must be, and the checksums of
// the blocks, which cover the data too.
func (v *verifier) checkLayout(text []byte) error {
	m := v.report.Manifest
	v.shifted = m.Blocks.Covered != v.at
	if err := v.checkBlocks(); err != nil {
		return err
	}
	next := int64(0)
	for _, f := range m.Files {
		e, err := m.entry(f)
		if err != nil || f.Offset != next {
			v.layout = append(v.layout, Problem{Trouble: Mismatch, Path: f.Path, From: -1, To: -1, Note: "the manifest contradicts itself about the place of this file"})
			return nil
		}
		next = int64(e.end())
		if v.shifted {
			continue
		}
		if err := v.compare(f.Path, f.Offset, e.header()); err != nil {
			return err
		}
		if err := v.compare(f.Path, next-int64(len(e.descriptor())), e.descriptor()); err != nil {
			return err
		}
	}
	if v.shifted {
		return nil
	}
	return v.checkTail(text)
}

// checkTail compares the manifest's header, the directory and the end.
func (v *verifier) checkTail(text []byte) error {
	t, err := v.report.Manifest.tail(text, uint64(v.at))
	if err != nil {
		return nil // told already, by checkLayout
	}
	if err := v.compare(v.report.Manifest.Path(ManifestPath), v.at, t.header); err != nil {
		return err
	}
	from := v.at + int64(len(t.header)+len(text))
	end := from + int64(len(t.directory))
	have := t.directory[:max(0, min(int64(len(t.directory)), v.size-from))]
	if err := v.compare("", from, have); err != nil {
		return err
	}
	switch {
	case v.size < end:
		v.layout = append(v.layout, Problem{
			Trouble: Truncated, From: v.size, To: end,
			Note: fmt.Sprintf("the archive ends after %d of %d bytes; byte %d is the first that is missing", v.size, end, v.size),
		})
	case v.size > end:
		v.layout = append(v.layout, Problem{
			Trouble: Appended, From: end, To: v.size, Note: fmt.Sprintf("%d bytes follow the archive's end", v.size-end),
		})
	}
	return nil
}

// compare reports the first byte that differs from what must stand at an offset.
func (v *verifier) compare(path string, at int64, want []byte) error {
	if at >= v.size {
		return nil // truncation is told once
	}
	got, err := v.bytes(at, min(int64(len(want)), v.size-at), nil)
	if err != nil {
		return err
	}
	for i := range got {
		if got[i] != want[i] {
			note := "a byte of the archive's structure was changed"
			v.layout = append(v.layout, differs(path, at+int64(i), want[i], got[i], note))
			return nil
		}
	}
	return nil
}

// checkBlocks names each damaged place before the manifest: the byte, where just one of a block has changed, else the
// blocks.
func (v *verifier) checkBlocks() error {
	m := v.report.Manifest
	want, err := unpack(m.Blocks.Sums)
	covered := m.Blocks.Covered
	if err != nil || m.Blocks.Size != blockSize || int64(len(want)) != (covered+blockSize-1)/blockSize {
		v.layout = append(v.layout, Problem{Trouble: Mismatch, Path: ManifestPath, From: -1, To: -1, Note: "the manifest's checksums of blocks do not fit the archive"})
		return nil
	}
	have := v.sums.all()
	for i := range want {
		from := int64(i) * blockSize
		to := min(from+blockSize, covered, v.size)
		if from >= to {
			break
		}
		if to-from == blockSize && have[i] == want[i] {
			continue
		}
		block, err := v.bytes(from, to-from, nil)
		if err != nil {
			return err
		}
		if (sums{}).add(block) != want[i] {
			v.damagedBlock(block, from, want[i])
		}
	}
	return nil
}

func (v *verifier) damagedBlock(block []byte, from int64, want sums) {
	// A byte can be told from its sums; when everything has moved, nothing can, and looking is slow.
	if !v.shifted {
		if c, ok := locate(block, want); ok {
			at := from + int64(c.at)
			v.layout = append(v.layout, differs(v.pathAt(at), at, block[c.at]^c.by, block[c.at], "a byte was changed"))
			return
		}
	}
	to := from + int64(len(block))
	if n := len(v.layout); n > 0 && v.layout[n-1].To == from && !v.layout[n-1].Exact {
		v.layout[n-1].To = to // the damage goes on
		return
	}
	v.layout = append(v.layout, Problem{Trouble: Damaged, Path: v.pathAt(from), From: from, To: to, Note: "bytes were changed"})
}

// pathAt returns the file to which a byte of the archive belongs; for a block, the one that it begins in.
func (v *verifier) pathAt(at int64) string {
	files := v.report.Manifest.Files
	i := sort.Search(len(files), func(i int) bool { return files[i].Offset > at })
	if i == 0 {
		return ""
	}
	return files[i-1].Path
}

// settleLayout decides what is told of the layout once the files are known.
func (v *verifier) settleLayout() {
	if !v.shifted {
		v.report.Problems = append(v.report.Problems, distinct(v.layout)...)
		return
	}
	whole := len(v.report.Manifest.Files) == v.report.Files
	switch {
	case v.at < 0:
		v.report.Problems = append(v.report.Problems, v.layout...)
	case whole && v.moved > 0:
		v.add(Problem{Trouble: Repacked, From: -1, To: -1, Note: "every file is whole, but not where it was written: another program has packed them anew"})
	default:
		p := Problem{Trouble: Damaged, From: 0, To: v.size, Note: fmt.Sprintf("%d bytes were inserted or removed", v.at-v.report.Manifest.Blocks.Covered)}
		if len(v.layout) > 0 {
			p.Path, p.From, p.To = v.layout[0].Path, v.layout[0].From, min(v.layout[0].From+blockSize, v.size)
		}
		v.add(p)
	}
}

// distinct drops what says again that one byte differs, as the checksum of its block and the comparison of its header do.
func distinct(all []Problem) []Problem {
	told := map[int64]bool{}
	var out []Problem
	for _, p := range all {
		if p.Exact && told[p.From] {
			continue
		}
		if p.Exact {
			told[p.From] = true
		}
		out = append(out, p)
	}
	return out
}
