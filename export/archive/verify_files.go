package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// maxReceipt bounds what is kept in memory of the receipt.
const maxReceipt = 64 << 20

// seen is what a file turned out to be.
type seen struct {
	size int64
	sha  string
	crc  string
	rows int64
	text []byte // of the receipt
}

// checkFiles reads every file again.
func (v *verifier) checkFiles() error {
	for _, f := range v.report.Manifest.Files {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		got, fault := v.inPlace(f)
		if fault != "" && v.zip != nil {
			if again, ok := v.byDirectory(f); ok {
				got, fault = again, ""
				v.moved++
			}
		}
		if fault != "" {
			v.damagedFile(f, got, fault)
			continue
		}
		v.report.Files++
		v.report.Bytes += got.size
		v.report.Rows += got.rows
		if f.Kind == KindReceipt {
			v.receipt = got.text
		}
	}
	return nil
}

// inPlace reads a file where the manifest says it is.
func (v *verifier) inPlace(f File) (seen, string) {
	e, err := v.report.Manifest.entry(f)
	if err != nil || v.at < 0 {
		return seen{}, "not where the manifest says"
	}
	var r io.Reader = io.NewSectionReader(v.r, int64(e.dataOffset()), f.Stored)
	if f.Method == "deflated" {
		r = flate.NewReader(r)
	}
	return inspect(f, r)
}

// byDirectory reads a file where the archive's directory says it is.
func (v *verifier) byDirectory(f File) (seen, bool) {
	r, err := v.zip.Open(f.Path)
	if err != nil {
		return seen{}, false
	}
	defer func() { _ = r.Close() }()
	got, fault := inspect(f, r)
	return got, fault == ""
}

// inspect reads a file and holds it against the manifest. The fault is empty when it is the same.
func inspect(f File, r io.Reader) (seen, string) {
	sum, crc := sha256.New(), crc32.NewIEEE()
	writers := []io.Writer{sum, crc}
	rows := newCounter(f.Format)
	if f.Rows == nil {
		rows = nil
	}
	if rows != nil {
		writers = append(writers, rows)
	}
	var text bytes.Buffer
	if f.Kind == KindReceipt && f.Size <= maxReceipt {
		writers = append(writers, &text)
	}
	n, err := io.CopyBuffer(io.MultiWriter(writers...), io.LimitReader(r, f.Size+1), make([]byte, max(1, min(128<<10, f.Size+1))))
	got := seen{size: n, sha: hex.EncodeToString(sum.Sum(nil)), crc: fmt.Sprintf("%08x", crc.Sum32()), text: text.Bytes()}
	switch {
	case err != nil:
		return got, fmt.Sprintf("it cannot be read beyond its byte %d", n)
	case n != f.Size:
		return got, fmt.Sprintf("it has %d bytes or more instead of %d", n, f.Size)
	case got.sha != f.SHA256 || got.crc != f.CRC32:
		return got, "its content differs"
	case rows == nil:
		return got, ""
	}
	if got.rows = rows.count(); got.rows != *f.Rows {
		return got, fmt.Sprintf("it has %d rows instead of %d", got.rows, *f.Rows)
	}
	return got, ""
}

// damagedFile tells what is wrong with a file, unless the damage to its bytes tells it already; then it adds the proof.
func (v *verifier) damagedFile(f File, got seen, fault string) {
	e, err := v.report.Manifest.entry(f)
	if err == nil && !v.shifted {
		for i, p := range v.layout {
			if p.Trouble == Damaged && p.From >= 0 && p.From < int64(e.end()) && p.To > f.Offset {
				if p.From < f.Offset {
					v.layout[i].Note += "; " + f.Path + " is damaged too"
				} else {
					v.layout[i].Path = f.Path
				}
				return
			}
		}
	}
	p := Problem{Trouble: Mismatch, Path: f.Path, From: -1, To: -1, Note: fault}
	if got.size == f.Size && got.sha != f.SHA256 {
		p.Expected, p.Actual = "SHA-256 "+f.SHA256, got.sha
	}
	if err == nil && !v.shifted {
		p.From, p.To = f.Offset, int64(e.end())
	}
	if v.zip != nil && !v.present(f.Path) {
		p.Trouble, p.Note = Missing, "the manifest has this file, the archive does not"
	}
	v.add(p)
}

func (v *verifier) present(path string) bool {
	for _, f := range v.zip.File {
		if f.Name == path {
			return true
		}
	}
	return false
}
