package archive

import (
	"context"
	"crypto/sha256"
	_ "embed" // for the page's style
	"encoding/base64"
	"net/url"
	"path"
	"strings"
	"time"

	"offramp/internal/locale"
)

const (
	shownFailures    = 100 // of a dataset
	shownColumns     = 200
	shownAttachments = 200 // of the archive
)

//go:embed index.css
var indexStyle string

// indexStyleElement is written as it is: it is ours.
var indexStyleElement = "<style>" + indexStyle + "</style>"

// indexHash lets the browser apply this one style and nothing that the data could bring.
// Source: W3C Content Security Policy Level 3, section 6.7.3.3.
var indexHash = func() string {
	sum := sha256.Sum256([]byte(indexStyle))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}()

// indexPage is what index.html shows, by index.templ. All text in it is for the eye; the template escapes it.
type indexPage struct {
	*locale.Locale
	Header
	Title, When string
	Complete    bool
	Counts      []indexCount
	Datasets    []indexDataset
	Attachments []indexFile
	More        int64 // attachments that are not shown
	Unlinked    bool  // an attachment is shown without a link
	Imports     []indexImport
	NarrowedTo  []string // what makes it less than everything

	// For the script; all empty when there is none.
	Nonce, Script               string
	Words                       map[string]string
	AllAttachments, AllFailures string

	titles map[string]string // of datasets and their parts, by partPath
}

// titleOf returns the title of a dataset, or of one of its parts.
func (p *indexPage) titleOf(name string, part, parts int) string {
	if title, ok := p.titles[partPath(name, "", part, parts)]; ok {
		return title
	}
	return name
}

// indexImport is a file for a replacement.
type indexImport struct {
	indexFile
	Replacement string
	Count       ImportCount
}

// indexCount is a line of the receipt. Anchor is empty where the archive has no rows of the dataset.
type indexCount struct {
	Count
	Title, Heading     string
	Anchor             string
	Failures, Notes    []string
	Unshown, OmitNotes int
}

type indexDataset struct {
	Name, Title string
	Whole       string // the title of the dataset that this may be a part of
	Anchor      string
	Browse      string // where the viewer finds the rows; empty when they are not there
	Rows        int64
	Columns     []Column
	Explained   bool // a column has a meaning or a unit
	Unshown     int  // columns
	Files       []indexFile
	Head        []headCell // names of the preview's columns
	Hidden      int        // columns that the preview leaves out
	First       []previewRow
}

// indexFile is a file of the archive. Href is empty where a link could do harm.
type indexFile struct {
	Label, Path, Href, Size string
	Incomplete              bool
}

// addIndex writes the page that shows the archive in a browser, from a folder. Without script, or without the rows that
// Options.Browse brings, it shows the receipt and the first rows.
func (a *Writer) addIndex() error {
	p := a.indexPage()
	if err := a.addViewer(&p); err != nil {
		return err
	}
	s, err := a.open(File{Path: p.Path(IndexPath), Kind: KindViewer, Format: "html"}, deflated, false)
	if err != nil {
		return err
	}
	if err := indexHTML(&p).Render(context.Background(), s); err != nil {
		return err
	}
	return s.close(nil)
}

// policy is the page's Content Security Policy: its own style, and its own script if there is one.
func (p *indexPage) policy() string {
	script := ""
	if p.Nonce != "" {
		script = "; script-src 'nonce-" + p.Nonce + "'"
	}
	return "default-src 'none'; style-src '" + indexHash + "'" + script + "; base-uri 'none'; form-action 'none'"
}

func (a *Writer) indexPage() indexPage {
	l := locale.For(a.manifest.Locale)
	p := indexPage{
		Locale: l, Header: a.manifest.Header,
		When: moment(l, a.manifest.Header), Complete: a.receipt.Complete,
	}
	p.Product, p.Customer, p.CustomerName, p.Export = label(l, p.Product), visible(p.Customer), visible(p.CustomerName), visible(p.Export)
	p.Title = l.T("archive.title", "Product", "\u2068"+p.Product+"\u2069", "Export", p.Export)
	p.titles = map[string]string{}
	for i, d := range a.manifest.Datasets {
		shown := a.indexDataset(l, d, a.previews[i])
		p.titles[d.Name], p.titles[shown.Anchor] = datasetTitle(l, d), shown.Title
		p.Datasets = append(p.Datasets, shown)
	}
	p.NarrowedTo = NarrowedWords(l, a.manifest.Narrowed, func(key string) string { return "\u2068" + p.titleOf(key, 0, 0) + "\u2069" })
	for _, c := range a.receipt.Datasets {
		p.Counts = append(p.Counts, newIndexCount(l, c, p.titleOf(c.Dataset, c.Part, c.Parts), "archive.rows_of"))
	}
	for _, c := range a.receipt.Attachments {
		p.Counts = append(p.Counts, newIndexCount(l, c, p.titleOf(c.Dataset, c.Part, c.Parts), "export.attachments"))
	}
	for _, c := range a.receipt.Imports {
		p.Imports = append(p.Imports, a.indexImport(c))
	}
	for _, f := range a.manifest.Files {
		switch {
		case f.Kind != KindAttachment:
		case len(p.Attachments) == shownAttachments:
			p.More++
		default:
			shown := newIndexFile(l, f, label(l, f.Name))
			p.Attachments = append(p.Attachments, shown)
			p.Unlinked = p.Unlinked || shown.Href == ""
		}
	}
	return p
}

func (a *Writer) indexDataset(l *locale.Locale, d Listed, first *preview) indexDataset {
	out := indexDataset{Name: d.Name, Title: datasetTitle(l, d), Anchor: partPath(d.Name, "", d.Part, d.Parts), Rows: d.Rows, First: first.rows}
	if out.Whole = out.Title; d.Parts > 1 {
		out.Title = l.T("archive.part", "Title", "\u2068"+out.Title+"\u2069", "Part", d.Part, "Parts", d.Parts)
	}
	if a.opts.Browse && d.Rows > 0 {
		out.Browse = viewerFolder(a.manifest.Header, out.Anchor)
	}
	for i, c := range d.Columns {
		if i == shownColumns {
			out.Unshown = len(d.Columns) - i
			break
		}
		name, kind := label(l, c.Name), visible(c.Type)
		if id := "archive.type." + c.Type; l.Has(id) {
			kind = l.T(id)
		}
		out.Columns = append(out.Columns, Column{Name: name, Type: kind, Meaning: visible(c.Meaning), Unit: visible(c.Unit)})
		out.Explained = out.Explained || c.Meaning != "" || c.Unit != ""
		if i < previewColumns {
			head := headCell{Name: name}
			if c.Type == "instant" {
				head.Zone = zoneLabel(l, a.manifest.Header)
			}
			out.Head = append(out.Head, head)
		}
	}
	out.Hidden = len(d.Columns) - len(out.Head)
	out.Files = a.indexFiles(l, d)
	return out
}

// indexFiles are the files that hold a dataset's rows, or say what they are.
func (a *Writer) indexFiles(l *locale.Locale, d Listed) (files []indexFile) {
	for _, f := range a.manifest.Files {
		if f.Dataset != d.Name || f.Part > 0 && f.Part != d.Part {
			continue
		}
		use := f.Format
		switch f.Kind {
		case KindMachine:
		case KindSpreadsheet, KindSchema:
			use = string(f.Kind)
		default:
			continue
		}
		files = append(files, newIndexFile(l, f, l.T("archive.file."+use)))
	}
	return files
}

// indexImport shows a file for a replacement, with a link if it is here.
func (a *Writer) indexImport(c ImportCount) indexImport {
	ext := path.Ext(c.File)
	name := "import/" + c.Replacement + "/" + partPath(strings.TrimSuffix(c.File, ext), ext, c.Part, c.Parts)
	out := indexImport{indexFile: indexFile{Label: visible(path.Base(name))}, Replacement: visible(c.Replacement), Count: c}
	for _, f := range a.manifest.Files {
		if f.Kind == KindImport && f.Path == name {
			out.Href = reference(name)
		}
	}
	return out
}

// zoneOf is the customer's time zone, in which pages show instants.
func zoneOf(h Header) *time.Location {
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// zoneLabel names that zone for instants of any time of the year: without an offset where clocks are changed.
func zoneLabel(l *locale.Locale, h Header) string {
	zone := zoneOf(h)
	if winter, summer := h.AsOf.AddDate(0, -6, 0), h.AsOf; locale.Offset(zone, winter) == locale.Offset(zone, summer) {
		return l.ZoneName(zone, h.AsOf)
	}
	if id := "zone." + zone.String(); l.Has(id) {
		return l.T(id)
	}
	return zone.String()
}

// moment writes what instant the data shows, in the customer's zone as the portal does.
func moment(l *locale.Locale, h Header) string {
	zone := zoneOf(h)
	return l.T("archive.moment", "When", l.DateClock(h.AsOf, zone), "Zone", l.ZoneName(zone, h.AsOf))
}

func newIndexCount(l *locale.Locale, c Count, title, name string) indexCount {
	rows := name == "archive.rows_of"
	out := indexCount{Count: c, Title: l.T(name, "Dataset", isolated(title))}
	out.Heading = l.T("export.failures", "Dataset", out.Title)
	if rows {
		out.Anchor = partPath(c.Dataset, "", c.Part, c.Parts)
	}
	out.Failures, out.Unshown = spell(l, c.Failures, rows)
	out.Unshown += int(c.Omitted)
	out.Notes, out.OmitNotes = spell(l, c.Remarks, rows)
	for _, lack := range c.Lacking {
		named, more := spell(l, lack.Failures, true)
		out.Notes = append(out.Notes, l.T("archive.lacking", "Format", formatName(lack.Format), "Count", l.Number(lack.Rows)))
		out.Notes, out.OmitNotes = append(out.Notes, named...), out.OmitNotes+more+int(lack.Omitted)
	}
	return out
}

// spell writes failures as sentences, up to a limit, and counts the rest.
func spell(l *locale.Locale, all []Failure, rows bool) (lines []string, rest int) {
	for i, f := range all {
		if i == shownFailures {
			return lines, len(all) - i
		}
		item := isolated(f.Name)
		switch {
		case rows:
			item = l.T("export.failure.cell", "Row", f.Item, "Column", isolated(f.Column))
		case blank(f.Name):
			item = isolated(f.Item)
		}
		lines = append(lines, l.T("export.failure", "Item", item, "Reason", reason(l, f)))
	}
	return lines, 0
}

// formatName is how a format is known.
func formatName(format string) string {
	switch format {
	case "csv":
		return "CSV"
	case "jsonl":
		return "JSON Lines"
	case "parquet":
		return "Parquet"
	}
	return visible(format)
}

// reason writes why something failed.
func reason(l *locale.Locale, f Failure) string {
	if id := "export.failure." + f.Reason; l.Has(id) {
		return l.T(id)
	}
	return isolated(f.Reason)
}

func newIndexFile(l *locale.Locale, f File, label string) indexFile {
	out := indexFile{Label: label, Path: visible(f.Path), Size: l.Size(f.Size), Incomplete: f.Incomplete}
	if f.Kind != KindAttachment || inert[strings.ToLower(path.Ext(f.Path))] {
		out.Href = reference(f.Path)
	}
	return out
}

// reference writes a path of the archive, which never begins with a scheme, as a relative reference.
// Source: RFC 3986, section 4.2.
func reference(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}

// inert are the types that a browser shows, plays or saves, but does not run. A web page among a customer's attachments
// may be anyone's, so it gets no link.
var inert = func() map[string]bool {
	m := map[string]bool{}
	for ext := range strings.FieldsSeq(`.png .jpg .jpeg .gif .webp .avif .bmp .heic .tif .tiff .mp3 .m4a .ogg .wav .flac .mp4 .mov .webm
		.pdf .txt .csv .tsv .json .jsonl .log .md .doc .docx .xls .xlsx .ppt .pptx .odt .ods .odp .rtf .ics .vcf .zip .gz .tar .7z`) {
		m[ext] = true
	}
	return m
}()

func datasetTitle(l *locale.Locale, d Listed) string {
	if d.Title == "" {
		return d.Name
	}
	return label(l, d.Title)
}

// label is visible for what must have a name to be called by.
func label(l *locale.Locale, s string) string {
	if s = visible(s); blank(s) {
		return l.T("archive.unnamed")
	}
	return s
}
