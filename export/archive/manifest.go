package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// The names and versions of what every archive has.
const (
	ReadmePath     = "README.txt"
	IndexPath      = "index.html"
	ReceiptPath    = "receipt.json"
	ManifestPath   = "manifest.json"
	manifestSchema = "offramp-archive/2"
	// manifestSchema1 had no parts, import files and Parquet, which its readers would miscount.
	manifestSchema1 = "offramp-archive/1"
	receiptSchema   = "offramp-receipt/1"
)

// Header says what an archive is a copy of.
type Header struct {
	Export       string    `json:"export"`        // the reference that the customer and support know
	Customer     string    `json:"customer"`      // the customer's reference in the retired product
	CustomerName string    `json:"customer_name"` //
	Product      string    `json:"product"`
	Programme    string    `json:"programme"`
	Locale       string    `json:"locale,omitempty"` // the language of index.html; English when it is not spoken
	Zone         string    `json:"zone,omitempty"`   // the time zone in which index.html writes times, of the tz database; UTC when empty
	AsOf         time.Time `json:"as_of"`            // the instant that the data shows
	Created      time.Time `json:"created"`          // also the time of every file
	Volume       int       `json:"volume"`           // from 1
	Volumes      int       `json:"volumes"`
	// Sources are the places that the export reads from, each with its own clock.
	Sources []SourceInfo `json:"sources,omitempty"`
	// Narrowed says what makes the export less than everything; empty: nothing does.
	Narrowed []Narrowing `json:"narrowed,omitempty"`
}

// SourceInfo is a place that an export reads from.
type SourceInfo struct {
	Key    string    `json:"key"`    // the programme's
	AsOf   time.Time `json:"as_of"`  // the instant that the data shows, by the portal's clock
	Steady bool      `json:"steady"` // all of it shows that instant; false: changes may show between the first row and the last
}

// Kind says what a file in the archive is for.
type Kind string

// The kinds of files.
const (
	KindReadme      Kind = "readme"
	KindViewer      Kind = "viewer" // the page that shows the archive in a browser
	KindReceipt     Kind = "receipt"
	KindMachine     Kind = "machine"     // rows for programs: values untouched
	KindSchema      Kind = "schema"      // how a program reads a dataset's rows
	KindImport      Kind = "import"      // rows as a replacement imports them
	KindSpreadsheet Kind = "spreadsheet" // rows for people: cells defused
	KindAttachment  Kind = "attachment"  // original bytes
)

// File is one file of the archive. Rows does not count a header row. A file is Incomplete when its original ended or
// changed while it was copied; the receipt names it too.
type File struct {
	Path       string `json:"path"`
	Name       string `json:"name,omitempty"` // the original name, of an attachment
	Kind       Kind   `json:"kind"`
	Format     string `json:"format"` // csv, jsonl, parquet, json, text, html, original
	Dataset    string `json:"dataset,omitempty"`
	Part       int    `json:"part,omitempty"`        // of the dataset, from 1; 0 when it is whole
	For        string `json:"replacement,omitempty"` // of an import file
	Rows       *int64 `json:"rows,omitempty"`
	Size       int64  `json:"size"`
	SHA256     string `json:"sha256"`
	CRC32      string `json:"crc32"`
	Incomplete bool   `json:"incomplete,omitempty"`
	Offset     int64  `json:"offset"` // of the entry's header in the archive
	Stored     int64  `json:"stored"` // bytes of its data in the archive
	Method     string `json:"method"` // stored, deflated
	Shape      string `json:"shape"`  // sized, streamed, streamed64
}

// Listed is a dataset as the manifest describes it.
type Listed struct {
	Name    string   `json:"name"`
	Title   string   `json:"title,omitempty"`
	Columns []Column `json:"columns"`
	Part    int      `json:"part,omitempty"`  // from 1; 0 when all of the dataset is here
	Parts   int      `json:"parts,omitempty"` // in all volumes
	Rows    int64    `json:"rows"`
}

// Manifest is an archive's list of contents.
type Manifest struct {
	Schema string `json:"schema"`
	Header
	Datasets []Listed `json:"datasets"`
	Blocks   Blocks   `json:"blocks"`
	Files    []File   `json:"files"`
}

// Blocks are two checksums, CRC-32C and CRC-32, big-endian, for each Size bytes of the archive before its manifest.
type Blocks struct {
	Size    int64  `json:"size"`
	Covered int64  `json:"covered"`
	Sums    []byte `json:"sums"`
}

// encode writes the manifest for programs and for a curious reader: one line for each file.
func (m Manifest) encode() ([]byte, error) {
	files := m.Files
	m.Files = []File{}
	head, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	const line = 400 // bytes, about
	b := bytes.NewBuffer(make([]byte, 0, len(head)+line*len(files)))
	b.Write(bytes.TrimSuffix(head, []byte("]}")))
	for i, f := range files {
		line, err := json.Marshal(f)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		b.Write(line)
	}
	b.WriteString("\n]}\n")
	return b.Bytes(), nil
}

// entry returns what the Zip file says about f.
func (m Manifest) entry(f File) (entry, error) {
	crc, err := strconv.ParseUint(f.CRC32, 16, 32)
	if err != nil || f.Size < 0 || f.Stored < 0 || f.Offset < 0 || len(f.Path) > max16 {
		return entry{}, fmt.Errorf("the manifest's line for %q is not well formed", f.Path)
	}
	method := uint16(methodStore)
	if f.Method == "deflated" {
		method = methodDeflate
	}
	return entry{
		name: f.Path, shape: shape(f.Shape), method: method, time: m.Created, crc: uint32(crc),
		size: uint64(f.Size), stored: uint64(f.Stored), offset: uint64(f.Offset),
	}, nil
}

// comment is the archive's comment, which unzip shows, and which protects the manifest.
func comment(manifest, sha256 string) string {
	return "Offramp export archive. Check it with: offramp verify FILE. SHA-256 of " + manifest + ": " + sha256
}
