package refund

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// DocumentPrefix is where documents lie in the bucket. Nothing else does.
const DocumentPrefix = "documents/"

// Bounds of documents. Each side, the customer's and finance's, has its own count; what was removed counts in all.
const (
	MaxDocument     = 10 << 20 // bytes
	DocumentsLimit  = 20       // of one refund and side
	documentsInAll  = 60       // with those that were removed
	maxDocumentName = 120      // characters
)

// DocumentKind is what a document is, by its bytes. The names are stored.
type DocumentKind string

// The kinds that are taken.
const (
	PDF  DocumentKind = "pdf"
	PNG  DocumentKind = "png"
	JPEG DocumentKind = "jpeg"
)

// MediaType is the kind as HTTP names it.
func (k DocumentKind) MediaType() string {
	return map[DocumentKind]string{PDF: "application/pdf", PNG: "image/png", JPEG: "image/jpeg"}[k]
}

// ScanState is what a scanner for malware says of a document. The names are stored.
type ScanState string

// The states of a scan. Only a document that is unscanned or harmless is handed out.
const (
	Unscanned ScanState = "none"    // no scanner is configured
	Scanning  ScanState = "pending" // it has not said yet
	Harmless  ScanState = "clean"
	Unfit     ScanState = "refused" // it knows it as malware; the body is deleted
)

// Document is a file that belongs to a refund.
type Document struct {
	ID        string
	Name      string // cleaned, for show alone
	Kind      DocumentKind
	Size      int64
	SHA256    string // hexadecimal
	By        string // contact or identity id
	ByKind    string // audit.Customer or audit.Staff
	Shown     bool   // the customer sees it
	At        time.Time
	RemovedBy string // empty: it is there
	RemovedAt *time.Time
	Scan      ScanState
	Found     string // what the scanner calls it, of one that it has refused

	refundID, customerID, key string
}

// There reports whether it is attached still.
func (d Document) There() bool { return d.RemovedAt == nil }

// Handed reports whether it can be fetched: by nobody before the scanner has said what it is, or after it was refused.
func (d Document) Handed() bool { return d.There() && d.Scan != Scanning && d.Scan != Unfit }

// ready tells why a document is not handed out. ErrNoDocument, ErrScanning, ErrUnfit.
func (d Document) ready() error {
	switch {
	case !d.There():
		return ErrNoDocument
	case d.Scan == Scanning:
		return ErrScanning
	case d.Scan == Unfit:
		return ErrUnfit
	}
	return nil
}

// Upload is a document on its way.
type Upload struct {
	Name  string // as its sender calls it; nothing is believed of it
	Body  io.Reader
	Shown bool // of finance's: the customer sees it
}

// Bodies keeps documents' bodies under random names. Its errors are the storage's or the reader's; [storage.Shelf] is one.
type Bodies interface {
	NewKey() string
	Keep(ctx context.Context, key string, body io.Reader, mediaType string) (size int64, sha256 string, err error)
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	Drop(ctx context.Context, key string) error
	Sweep(ctx context.Context, age time.Duration, known func(ctx context.Context, key string) (bool, error)) error
}

// Attachable reports whether the customer may still add documents: as long as the refund is neither settled nor over.
func (r Refund) Attachable() bool { return r.Open() }

// Removable reports whether a person may take a document back: whoever attached it, until somebody has approved the refund, since
// an approval rests on what was there.
func (r Refund) Removable(d Document, person string) bool {
	return d.There() && d.By == person && slices.Contains([]State{Submitted, Questioned, Objected, Reviewed}, r.State)
}

// Signatures by which files are known: ISO 32000-2, 7.5.2; PNG (Third Edition), 5.2 and 11.2.1; ITU-T T.81, B.1.1.
var (
	pdfHeads = [][]byte{[]byte("%PDF-1."), []byte("%PDF-2.")}
	pngHead  = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	jpegHead = []byte("\xff\xd8\xff")
	pdfEnd   = []byte("%%EOF")
	pngEnd   = []byte("\x00\x00\x00\x00IEND\xae\x42\x60\x82")
)

const (
	headSize = 16
	tailSize = 1024 // within which a PDF ends
)

// kindOf tells what a file is by how it begins.
func kindOf(head []byte) (DocumentKind, bool) {
	switch {
	case slices.ContainsFunc(pdfHeads, func(h []byte) bool { return bytes.HasPrefix(head, h) }):
		return PDF, true
	case bytes.HasPrefix(head, pngHead):
		return PNG, true
	case bytes.HasPrefix(head, jpegHead):
		return JPEG, true
	}
	return "", false
}

// incoming reads a document as it arrives and ends with ErrDocument where it is too big or not whole. failed tells its errors from
// those of whoever stores it.
type incoming struct {
	from   io.Reader
	kind   DocumentKind
	size   int64
	tail   []byte
	failed error
}

// newIncoming looks at the beginning of a body. ErrDocument when it is empty or no file of a kind that is taken.
func newIncoming(body io.Reader) (*incoming, error) {
	head := make([]byte, headSize)
	n, err := io.ReadFull(body, head)
	head = head[:n]
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return nil, badDocument("refund.document.empty")
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err
	}
	kind, ok := kindOf(head)
	if !ok {
		return nil, badDocument("refund.document.kind")
	}
	return &incoming{from: io.MultiReader(bytes.NewReader(head), body), kind: kind}, nil
}

// Read implements io.Reader.
func (i *incoming) Read(p []byte) (int, error) {
	n, err := i.from.Read(p)
	i.size += int64(n)
	i.tail = append(i.tail, p[max(0, n-tailSize):n]...)
	i.tail = i.tail[max(0, len(i.tail)-tailSize):]
	switch {
	case i.size > MaxDocument:
		n, err = 0, badDocument("refund.document.big")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && !i.whole():
		err = badDocument("refund.document.cut")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		i.failed = err
	}
	return n, err
}

// whole reports whether the file ends as its kind does. A PNG with something behind it is not one. Cameras write behind a JPEG's
// end, so its end says nothing.
func (i *incoming) whole() bool {
	switch i.kind {
	case PDF:
		return bytes.Contains(i.tail, pdfEnd)
	case PNG:
		return bytes.HasSuffix(i.tail, pngEnd)
	}
	return true
}

// endings are the extensions that fit a kind, the usual one first.
var endings = map[DocumentKind][]string{PDF: {".pdf"}, PNG: {".png"}, JPEG: {".jpg", ".jpeg", ".jpe"}}

// documentName is a name that is safe to show and to save under: without folders, controls and marks that turn the direction of
// writing, and with an extension that fits the kind.
func documentName(sent string, kind DocumentKind) string {
	name := path.Base(strings.ReplaceAll(strings.ToValidUTF8(sent, ""), `\`, "/"))
	name = strings.TrimRight(strings.Map(nameRune, name), " .")
	stem, ending := name, endings[kind][0]
	if e := path.Ext(name); slices.Contains(endings[kind], strings.ToLower(e)) {
		stem, ending = strings.TrimSuffix(name, e), e
	}
	if room := maxDocumentName - utf8.RuneCountInString(ending); utf8.RuneCountInString(stem) > room {
		stem = string([]rune(stem)[:room])
	}
	if stem = strings.Trim(stem, " ._"); stem == "" {
		stem = "document"
	}
	return stem + ending
}

func nameRune(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return -1
	case strings.ContainsRune(`<>:"/|?*`, r):
		return '_'
	}
	return r
}

func badDocument(key string) error {
	return ErrDocument.Field("document", key, map[string]any{"Limit": DocumentsLimit, "Megabytes": MaxDocument >> 20})
}
