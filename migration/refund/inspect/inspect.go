// Package inspect looks into files that people send before others open them: documents that can act are refused, pictures that
// are none, too, and a scanner for malware is asked where there is one.
package inspect

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // the kinds that are taken
	_ "image/png"
	"io"
	"regexp"
	"slices"
)

// What is found. The errors are for the caller to word.
var (
	ErrActive    = errors.New("inspect: the document can run something or carries files")
	ErrProtected = errors.New("inspect: the document is encrypted, so that nobody can look into it")
	ErrBroken    = errors.New("inspect: the file is not what it says it is")
	ErrHuge      = errors.New("inspect: unpacked, the file is too large to look into")
)

// Bounds of what is unpacked: a document's object streams together, and a picture's points.
const (
	maxUnpacked = 48 << 20
	maxPoints   = 50_000_000
)

// acting are the names by which a PDF runs something, sends something, or carries files (ISO 32000-2, 12.6, 12.7.8, 7.11.4, 13).
var acting = []string{
	"JavaScript", "JS", "Launch", "EmbeddedFile", "EmbeddedFiles", "RichMedia", "XFA", "SubmitForm", "ImportData", "GoToE", "Rendition", "Movie",
}

// short names turn up in packed bytes by chance, so they count outside of streams only.
const short = 4

var (
	name      = regexp.MustCompile(`/[^\x00\t\n\f\r ()<>\[\]{}/%]+`)
	streamAt  = regexp.MustCompile(`>>[\x00\t\n\f\r ]*stream\r?\n`)
	streamEnd = []byte("endstream")
)

// PDF looks through a document: its objects, and those in its object streams. ErrActive, ErrProtected, ErrBroken, ErrHuge.
func PDF(content []byte) error {
	if err := names(content, true); err != nil {
		return err
	}
	left := int64(maxUnpacked)
	for rest := content; ; {
		at := streamAt.FindIndex(rest)
		if at == nil {
			return names(rest, false)
		}
		head, body := rest[:at[0]+2], rest[at[1]:]
		if err := names(head, false); err != nil {
			return err
		}
		end := bytes.Index(body, streamEnd)
		if end < 0 {
			return ErrBroken
		}
		if err := objects(head, body[:end], &left); err != nil {
			return err
		}
		rest = body[end+len(streamEnd):]
	}
}

// names refuses names that act. inPacked: packed bytes are among the content.
func names(content []byte, inPacked bool) error {
	for _, raw := range name.FindAll(content, -1) {
		n := plainName(raw[1:])
		switch {
		case inPacked && len(n) <= short:
		case slices.Contains(acting, n):
			return fmt.Errorf("%w: %s", ErrActive, n)
		case n == "Encrypt" && !inPacked:
			return ErrProtected
		}
	}
	return nil
}

// plainName undoes the escapes of a name: #4A is J (ISO 32000-2, 7.3.5).
func plainName(raw []byte) string {
	if bytes.IndexByte(raw, '#') < 0 {
		return string(raw)
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '#' && i+2 < len(raw) {
			if b, err := hex.DecodeString(string(raw[i+1 : i+3])); err == nil {
				out = append(out, b[0])
				i += 2
				continue
			}
		}
		out = append(out, raw[i])
	}
	return string(out)
}

// objects looks into an object stream. Other streams hold what is drawn.
func objects(head, body []byte, left *int64) error {
	own := head[max(0, bytes.LastIndex(head, []byte(" obj"))):]
	var filters []string
	isObjects := false
	for _, raw := range name.FindAll(own, -1) {
		switch n := plainName(raw[1:]); n {
		case "ObjStm":
			isObjects = true
		case "FlateDecode", "Fl", "ASCIIHexDecode", "ASCII85Decode", "LZWDecode", "RunLengthDecode", "Crypt", "AHx", "A85", "LZW", "RL":
			filters = append(filters, n)
		}
	}
	switch {
	case !isObjects:
		return nil
	case len(filters) == 0:
		return names(body, false)
	case len(filters) > 1 || filters[0] != "FlateDecode" && filters[0] != "Fl":
		return ErrProtected
	}
	r, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return ErrBroken
	}
	plain, err := io.ReadAll(io.LimitReader(r, *left+1))
	if *left -= int64(len(plain)); *left < 0 {
		return ErrHuge
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, zlib.ErrChecksum) {
		return ErrBroken
	}
	return names(plain, false)
}

// one lets one picture be unpacked at a time in a process: each may take a few hundred megabytes.
var one = make(chan struct{}, 1)

// Picture reads a picture to its end. ErrBroken, ErrHuge.
func Picture(content []byte) error {
	config, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	if int64(config.Width)*int64(config.Height) > maxPoints {
		return ErrHuge
	}
	one <- struct{}{}
	defer func() { <-one }()
	if _, _, err := image.Decode(bytes.NewReader(content)); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}
