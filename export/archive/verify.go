package archive

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Trouble says what kind of problem Verify found.
type Trouble string

// The troubles.
const (
	NotArchive Trouble = "not_archive" // no export archive at all, or nothing of it is left to recognise
	Truncated  Trouble = "truncated"   // the end is missing
	Appended   Trouble = "appended"    // there is something after the end
	Damaged    Trouble = "damaged"     // bytes differ from those that were written
	Missing    Trouble = "missing"     // a file of the manifest is not there
	Unlisted   Trouble = "unlisted"    // a file is there that the manifest does not have
	Mismatch   Trouble = "mismatch"    // a file is readable, but is not the one that the manifest describes
	Counts     Trouble = "counts"      // the receipt does not add up
	Repacked   Trouble = "repacked"    // another program has packed the files anew
)

// Problem is one thing that is wrong. From and To bound the bytes of the archive in which the first difference lies; both
// are -1 where no place can be named. Exact means that From is that very byte, and Expected and Actual are its values.
type Problem struct {
	Trouble  Trouble
	Path     string // of the file in the archive; empty when it is the archive itself
	From, To int64
	Exact    bool
	Expected string
	Actual   string
	Note     string // a sentence's worth of what was found
}

// String says it in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Path != "" {
		fmt.Fprintf(&b, "%s: ", p.Path)
	}
	b.WriteString(strings.ReplaceAll(string(p.Trouble), "_", " "))
	if p.Note != "" {
		b.WriteString(": " + p.Note)
	}
	switch {
	case p.Exact:
		fmt.Fprintf(&b, "; the first difference is byte %d of the archive", p.From)
	case p.From >= 0 && p.To > p.From:
		fmt.Fprintf(&b, "; the first difference lies in bytes %d to %d of the archive", p.From, p.To-1)
	case p.From >= 0:
		fmt.Fprintf(&b, "; at byte %d of the archive", p.From)
	}
	if p.Expected != "" {
		fmt.Fprintf(&b, "; expected %s, found %s", p.Expected, p.Actual)
	}
	return b.String()
}

// Expected is what the portal says about the whole archive. Zero values are not compared.
type Expected struct {
	Size   int64
	SHA256 string
}

// Report is what Verify found.
type Report struct {
	Size     int64
	SHA256   string // of the whole archive
	Manifest Manifest
	Receipt  Receipt
	Files    int   // that are what the manifest says
	Rows     int64 // counted again, over all data files
	Bytes    int64 // hashed again, before compression
	Problems []Problem
	Outer    *InnerProof // the locked file that the archive came in; nil: it came as it is
}

// OK reports whether the archive is byte for byte what was written.
func (r Report) OK() bool { return len(r.Problems) == 0 }

// maxProblems keeps the report of a ruin readable.
const maxProblems = 100

// verifier carries the state of one Verify.
type verifier struct {
	ctx    context.Context
	r      io.ReaderAt
	size   int64
	report Report

	sums    blockSums   // of the archive as it is
	zip     *zip.Reader // nil when the directory cannot be read
	at      int64       // of the manifest's header; -1 when it was found through the directory only
	shifted bool        // bytes were inserted or removed, or everything was packed anew
	layout  []Problem   // kept apart until it is known whether the files themselves are well
	moved   int         // files found by the directory, though not at their place
	receipt []byte
}

// Verify proves an archive against its own manifest and receipt: every byte, every file, every row. It returns an error
// only when r cannot be read; what is wrong with the archive is in the report, in the order of its bytes.
func Verify(ctx context.Context, r io.ReaderAt, size int64, want Expected) (Report, error) {
	v := &verifier{ctx: ctx, r: r, size: size, at: -1}
	v.report.Size = size
	if err := v.digest(); err != nil {
		return v.report, err
	}
	v.zip, _ = zip.NewReader(r, size)
	if err := v.run(want); err != nil {
		return v.report, err
	}
	v.whole(want)
	slices.SortStableFunc(v.report.Problems, func(a, b Problem) int { return int(min(max(a.From-b.From, -1), 1)) })
	if len(v.report.Problems) > maxProblems {
		v.report.Problems = v.report.Problems[:maxProblems]
	}
	return v.report, nil
}

func (v *verifier) run(want Expected) error {
	text, found, err := v.findManifest()
	if err != nil {
		return err
	}
	if !found {
		return v.ruin(want)
	}
	if v.at >= 0 {
		if err := v.checkLayout(text); err != nil {
			return err
		}
	}
	if err := v.checkFiles(); err != nil {
		return err
	}
	v.settleLayout()
	v.checkUnlisted()
	v.checkCounts()
	return nil
}

func (v *verifier) add(p Problem) { v.report.Problems = append(v.report.Problems, p) }

// digest reads the archive once from end to end.
func (v *verifier) digest() error {
	sum := sha256.New()
	buf := make([]byte, min(16*blockSize, v.size))
	for at := int64(0); at < v.size; {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		part, err := v.bytes(at, min(int64(len(buf)), v.size-at), buf)
		if err != nil {
			return err
		}
		sum.Write(part)
		_, _ = v.sums.Write(part)
		at += int64(len(part))
	}
	v.report.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// bytes reads n bytes at an offset, into buf if it is large enough.
func (v *verifier) bytes(at, n int64, buf []byte) ([]byte, error) {
	if int64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	if k, err := v.r.ReadAt(buf, at); int64(k) < n {
		return nil, fmt.Errorf("read the archive at byte %d: %w", at, err)
	}
	return buf, nil
}

// whole compares the archive with what the portal says of it. Where the damage is known already, this adds nothing.
func (v *verifier) whole(want Expected) {
	if len(v.report.Problems) > 0 {
		return
	}
	if want.Size > 0 && want.Size != v.size {
		v.add(Problem{
			Trouble: Mismatch, From: -1, To: -1, Note: "sound in itself, but not the archive that the portal made",
			Expected: fmt.Sprintf("%d bytes", want.Size), Actual: fmt.Sprintf("%d bytes", v.size),
		})
		return
	}
	if want.SHA256 != "" && !strings.EqualFold(want.SHA256, v.report.SHA256) {
		v.add(Problem{
			Trouble: Mismatch, From: -1, To: -1, Note: "sound in itself, but not the archive that the portal made",
			Expected: "SHA-256 " + want.SHA256, Actual: v.report.SHA256,
		})
	}
}

// checkUnlisted looks for files that the manifest does not have.
func (v *verifier) checkUnlisted() {
	if v.zip == nil {
		return
	}
	listed := map[string]bool{v.report.Manifest.Path(ManifestPath): true}
	for _, f := range v.report.Manifest.Files {
		listed[f.Path] = true
	}
	for _, f := range v.zip.File {
		if !listed[f.Name] {
			v.add(Problem{Trouble: Unlisted, Path: f.Name, From: -1, To: -1, Note: "the manifest does not have this file"})
		}
	}
}
