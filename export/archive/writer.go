package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
)

// packing says how a file's data is put into the archive.
type packing int

const (
	// framed leaves the data as it is, in Deflate's stored blocks: five bytes more for each 64 KiB. Method 0 would not do for a
	// file whose size is known only behind its data: readers of a stream, such as Java's, could not tell where it ends.
	framed packing = iota
	deflated
)

// Options choose what an archive holds for each dataset.
type Options struct {
	CSV         bool
	JSONLines   bool
	Parquet     bool
	Spreadsheet bool // a further CSV for people
	Browse      bool // rows for the page, to search and to page through offline
	Prefetch    int  // attachments fetched ahead, each of at most 1 MiB in memory; 0 is 16

	// GiveWay makes compressing what is large step back behind other work on this machine. It is called before each piece with the
	// bytes in it, from several goroutines, and may take its time. Nil: nothing steps back.
	GiveWay func(size int)
}

// Writer writes one archive as a stream, to a destination that it never reads or seeks. It is for one goroutine, but for
// Progress. After an error it is of no more use.
type Writer struct {
	out      *out
	opts     Options
	manifest Manifest
	receipt  Receipt
	names    map[string]*Names // by the attachments' dataset
	seen     map[string]bool   // datasets and their parts
	imports  map[uint64]bool   // paths of import files, folded
	recent   replay

	previews    []*preview // one for each of the manifest's datasets
	previewRoom int        // bytes that the next ones may take

	rows, files, raw, written atomic.Int64
}

// Progress is how far a Writer has come.
type Progress struct {
	Rows    int64 // read, over all formats
	Files   int64 // attachments dealt with
	Raw     int64 // bytes before compression
	Written int64 // bytes of the archive
}

// Result is what Close leaves.
type Result struct {
	Manifest Manifest
	Receipt  Receipt
	Size     int64
}

// NewWriter begins an archive. None of CSV, JSONLines and Parquet chosen means CSV and JSONLines.
func NewWriter(w io.Writer, h Header, o Options) (*Writer, error) {
	if !o.CSV && !o.JSONLines && !o.Parquet {
		o.CSV, o.JSONLines = true, true
	}
	if o.Prefetch <= 0 {
		o.Prefetch = 16
	}
	if err := checkNumber("volume", h.Volume, h.Volumes); err != nil {
		return nil, err
	}
	h.AsOf, h.Created, h.Sources = h.AsOf.UTC(), h.Created.UTC(), slices.Clone(h.Sources)
	h.Narrowed = cloneNarrowings(h.Narrowed)
	for i := range h.Sources {
		h.Sources[i].AsOf = h.Sources[i].AsOf.UTC()
	}
	a := &Writer{
		out: newOut(w), opts: o,
		manifest: Manifest{Schema: manifestSchema, Header: h, Datasets: []Listed{}},
		receipt: Receipt{
			Schema: receiptSchema, Export: h.Export, Customer: h.Customer, AsOf: h.AsOf, Created: h.Created,
			Datasets: []Count{}, Attachments: []Count{}, Sources: h.Sources, Narrowed: h.Narrowed,
		},
		names: map[string]*Names{}, seen: map[string]bool{}, imports: map[uint64]bool{}, previewRoom: previewRoom,
	}
	if h.Volumes > 1 {
		a.receipt.Volume, a.receipt.Of = h.Volume, h.Volumes
	}
	readme, err := readme(h)
	if err != nil {
		return nil, err
	}
	return a, a.addSized(File{Path: h.Path(ReadmePath), Kind: KindReadme, Format: "text"}, content(readme))
}

// Progress may be called at any time from any goroutine.
func (a *Writer) Progress() Progress {
	return Progress{Rows: a.rows.Load(), Files: a.files.Load(), Raw: a.raw.Load(), Written: a.written.Load()}
}

// Close adds the page, the receipt and the manifest and ends the archive. It does not close the destination. It fails when the
// receipt does not add up.
func (a *Writer) Close() (Result, error) {
	if err := a.receipt.Balanced(); err != nil {
		return Result{}, err
	}
	a.receipt.Complete = a.receipt.complete()
	if err := a.addIndex(); err != nil {
		return Result{}, err
	}
	receipt, err := json.MarshalIndent(a.receipt, "", "  ")
	if err != nil {
		return Result{}, err
	}
	if err := a.addSized(File{Path: a.manifest.Path(ReceiptPath), Kind: KindReceipt, Format: "json"}, content(append(receipt, '\n'))); err != nil {
		return Result{}, err
	}
	if err := a.finish(); err != nil {
		return Result{}, err
	}
	a.recent.end()
	a.written.Store(int64(a.out.at))
	return Result{Manifest: a.manifest, Receipt: a.receipt, Size: int64(a.out.at)}, nil
}

// finish writes the manifest, which covers all before it, the directory and the end.
func (a *Writer) finish() error {
	if err := a.out.buf.Flush(); err != nil {
		return err
	}
	a.manifest.Blocks = Blocks{Size: blockSize, Covered: int64(a.out.at), Sums: pack(a.out.blocks.all())}
	text, err := a.manifest.encode()
	if err != nil {
		return err
	}
	tail, err := a.manifest.tail(text, a.out.at)
	if err != nil {
		return err
	}
	for _, part := range [][]byte{tail.header, text, tail.directory} {
		if _, err := a.out.Write(part); err != nil {
			return err
		}
	}
	return a.out.end()
}

// tail is what surrounds a manifest that lies at an offset.
type tail struct{ header, directory []byte }

func (m Manifest) tail(text []byte, at uint64) (tail, error) {
	body := content(text)
	self := entry{
		name: m.Path(ManifestPath), shape: sized, method: methodStore, time: m.Created, crc: body.crc,
		size: uint64(len(text)), stored: uint64(len(text)), offset: at,
	}
	t := tail{header: self.header()}
	for _, f := range m.Files {
		e, err := m.entry(f)
		if err != nil {
			return tail{}, err
		}
		t.directory = append(t.directory, e.record()...)
	}
	t.directory = append(t.directory, self.record()...)
	t.directory = append(t.directory, ending(len(m.Files)+1, self.end(), uint64(len(t.directory)), comment(self.name, body.sha))...)
	return t, nil
}

// body is a small file, whole.
type body struct {
	data []byte
	crc  uint32
	sha  string
}

func content(data []byte) body {
	sum := sha256.Sum256(data)
	return body{data: data, crc: crc32.ChecksumIEEE(data), sha: hex.EncodeToString(sum[:])}
}

// addSized adds a file that is known in whole, uncompressed.
func (a *Writer) addSized(f File, b body) error {
	f.Size, f.Stored, f.SHA256, f.CRC32 = int64(len(b.data)), int64(len(b.data)), b.sha, fmt.Sprintf("%08x", b.crc)
	f.Offset, f.Method, f.Shape = int64(a.out.at), "stored", string(sized)
	e, err := a.manifest.entry(f)
	if err != nil {
		return err
	}
	if _, err := a.out.Write(e.header()); err != nil {
		return err
	}
	if _, err := a.out.Write(b.data); err != nil {
		return err
	}
	a.manifest.Files = append(a.manifest.Files, f)
	a.raw.Add(f.Size)
	a.written.Store(int64(a.out.at))
	return nil
}

// stream is a file being written whose size is not known before.
type stream struct {
	a       *Writer
	file    File
	data    uint64 // where its data begins
	sha     hash.Hash
	crc     uint32
	deflate *flate.Writer
	pool    *sync.Pool // of deflate
}

// Level 1 costs a third of level 5's time for a tenth more bytes. The compressors are large and are used again.
var (
	deflaters = compressors(flate.BestSpeed)
	framers   = compressors(flate.NoCompression)
)

func compressors(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		w, err := flate.NewWriter(nil, level)
		if err != nil {
			panic(err) // the levels are constants
		}
		return w
	}}
}

// open begins a file whose size is not known yet. large announces eight-byte sizes: a reader that cannot seek needs that for what
// passes 4 GiB, and Java's up to version 21 refuses it for what does not.
func (a *Writer) open(f File, how packing, large bool) (*stream, error) {
	f.Offset, f.Method, f.Shape, f.CRC32 = int64(a.out.at), "deflated", string(streamed), "0"
	if large {
		f.Shape = string(streamed64)
	}
	e, err := a.manifest.entry(f)
	if err != nil {
		return nil, err
	}
	if _, err := a.out.Write(e.header()); err != nil {
		return nil, err
	}
	s := &stream{a: a, file: f, data: a.out.at, sha: sha256.New(), pool: framers}
	if how == deflated {
		s.pool = deflaters
	}
	s.deflate = s.pool.Get().(*flate.Writer)
	s.deflate.Reset(a.out)
	return s, nil
}

// Write implements io.Writer.
func (s *stream) Write(p []byte) (int, error) {
	s.sha.Write(p)
	s.crc = crc32.Update(s.crc, crc32.IEEETable, p)
	s.file.Size += int64(len(p))
	s.a.raw.Add(int64(len(p)))
	s.a.written.Store(int64(s.a.out.at))
	return s.deflate.Write(p)
}

// close ends the file and lists it. finish may set what is only known now.
func (s *stream) close(finish func(*File)) error {
	err := s.deflate.Close()
	s.pool.Put(s.deflate)
	s.deflate = nil
	if err != nil {
		return err
	}
	s.file.Stored = int64(s.a.out.at - s.data)
	s.file.SHA256 = hex.EncodeToString(s.sha.Sum(nil))
	s.file.CRC32 = fmt.Sprintf("%08x", s.crc)
	if finish != nil {
		finish(&s.file)
	}
	e, err := s.a.manifest.entry(s.file)
	if err != nil {
		return err
	}
	if _, err := s.a.out.Write(e.descriptor()); err != nil {
		return err
	}
	s.a.manifest.Files = append(s.a.manifest.Files, s.file)
	return nil
}

var datasetName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)

// claim checks the name of a dataset or of its part, which becomes a file's.
func (a *Writer) claim(d Dataset) error {
	key := d.path("", "")
	switch {
	case !datasetName.MatchString(d.Name) || reserved.MatchString(d.Name):
		return fmt.Errorf("archive: %q is no name for a dataset", d.Name)
	case a.seen[key] || a.seen["/"+d.Name]:
		return fmt.Errorf("archive: dataset %q is here already", d.Name)
	}
	a.seen[key] = true
	return nil
}

var errEnded = errors.New("archive: the writer of the file has ended")
