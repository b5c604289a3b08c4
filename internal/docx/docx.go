// Package docx writes texts with headings, lists and tables as WordprocessingML (ECMA-376), which word processors open.
package docx

import (
	"archive/zip"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Document is a text under way. Its zero value is not usable; New makes one.
type Document struct {
	title, lang string
	at          time.Time
	body        strings.Builder
}

// New begins a document. lang is its language (BCP 47); at is when it was made.
func New(title, lang string, at time.Time) *Document {
	return &Document{title: title, lang: lang, at: at}
}

// Title stands over the text, once.
func (d *Document) Title(text string) { d.paragraph("Title", text) }

// Heading is a heading of level 1 to 3.
func (d *Document) Heading(level int, text string) {
	d.paragraph("Heading"+strconv.Itoa(min(max(level, 1), 3)), text)
}

// Paragraph is running text; line breaks in it are kept.
func (d *Document) Paragraph(text string) { d.paragraph("", text) }

// Bullet is one item of a list.
func (d *Document) Bullet(text string) { d.paragraph("ListBullet", text) }

// Note is small text, such as the source below a table.
func (d *Document) Note(text string) { d.paragraph("Note", text) }

func (d *Document) paragraph(style, text string) {
	d.body.WriteString("<w:p>")
	if style != "" {
		d.body.WriteString(`<w:pPr><w:pStyle w:val="` + style + `"/></w:pPr>`)
	}
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			d.body.WriteString("<w:r><w:br/></w:r>")
		}
		d.body.WriteString(`<w:r><w:t xml:space="preserve">` + escaped(line) + "</w:t></w:r>")
	}
	d.body.WriteString("</w:p>")
}

// width is that of the text between the margins of A4, in twentieths of a point.
const width = 9638

// Table is rows of equal length. The first is the head, which is repeated on each page. right says which columns are set to the right.
func (d *Document) Table(rows [][]string, right []bool) {
	if len(rows) == 0 || len(rows[0]) == 0 {
		return
	}
	n := len(rows[0])
	d.body.WriteString(`<w:tbl><w:tblPr><w:tblStyle w:val="Grid"/><w:tblW w:w="` + strconv.Itoa(width) + `" w:type="dxa"/></w:tblPr><w:tblGrid>`)
	for range n {
		fmt.Fprintf(&d.body, `<w:gridCol w:w="%d"/>`, width/n)
	}
	d.body.WriteString("</w:tblGrid>")
	for i, row := range rows {
		d.body.WriteString("<w:tr><w:trPr><w:cantSplit/>")
		if i == 0 {
			d.body.WriteString("<w:tblHeader/>")
		}
		d.body.WriteString("</w:trPr>")
		for j := range n {
			text := ""
			if j < len(row) {
				text = row[j]
			}
			fmt.Fprintf(&d.body, `<w:tc><w:tcPr><w:tcW w:w="%d" w:type="dxa"/></w:tcPr><w:p><w:pPr><w:pStyle w:val="Cell"/>`, width/n)
			if j < len(right) && right[j] {
				d.body.WriteString(`<w:jc w:val="right"/>`)
			}
			d.body.WriteString("</w:pPr><w:r>")
			if i == 0 {
				d.body.WriteString("<w:rPr><w:b/></w:rPr>")
			}
			d.body.WriteString(`<w:t xml:space="preserve">` + escaped(text) + "</w:t></w:r></w:p></w:tc>")
		}
		d.body.WriteString("</w:tr>")
	}
	d.body.WriteString("</w:tbl>")
}

// escaped is text as XML takes it: characters that XML has no place for become U+FFFD.
func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder refuses nothing
	return b.String()
}

// WriteTo writes the file.
func (d *Document) WriteTo(w io.Writer) (int64, error) {
	counted := &counter{w: w}
	z := zip.NewWriter(counted)
	for _, part := range d.parts() {
		f, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: d.at.UTC()})
		if err == nil {
			_, err = io.WriteString(f, xml.Header+part.text)
		}
		if err != nil {
			return counted.n, fmt.Errorf("docx: write %s: %w", part.name, err)
		}
	}
	return counted.n, z.Close()
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

type part struct{ name, text string }

const (
	word     = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`
	relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	media    = "application/vnd.openxmlformats-officedocument.wordprocessingml."
)

func (d *Document) parts() []part {
	const relations = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`
	at := d.at.UTC().Format("2006-01-02T15:04:05Z")
	return []part{
		{"[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
			`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>` +
			`<Override PartName="/word/document.xml" ContentType="` + media + `document.main+xml"/>` +
			`<Override PartName="/word/styles.xml" ContentType="` + media + `styles+xml"/>` +
			`<Override PartName="/word/numbering.xml" ContentType="` + media + `numbering+xml"/>` +
			`<Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>`},
		{"_rels/.rels", relations + `<Relationship Id="r1" Type="` + relation + `officeDocument" Target="word/document.xml"/>` +
			`<Relationship Id="r2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>`},
		{"docProps/core.xml", `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" ` +
			`xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
			`<dc:title>` + escaped(d.title) + `</dc:title><dc:language>` + escaped(d.lang) + `</dc:language>` +
			`<dcterms:created xsi:type="dcterms:W3CDTF">` + at + `</dcterms:created></cp:coreProperties>`},
		{"word/_rels/document.xml.rels", relations + `<Relationship Id="r1" Type="` + relation + `styles" Target="styles.xml"/>` +
			`<Relationship Id="r2" Type="` + relation + `numbering" Target="numbering.xml"/></Relationships>`},
		{"word/document.xml", `<w:document ` + word + `><w:body>` + d.body.String() +
			`<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1134" w:right="1134" w:bottom="1134" w:left="1134" w:header="567" w:footer="567" w:gutter="0"/>` +
			`</w:sectPr></w:body></w:document>`},
		{"word/numbering.xml", `<w:numbering ` + word + `><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="bullet"/>` +
			`<w:lvlText w:val="•"/><w:lvlJc w:val="left"/><w:pPr><w:ind w:left="360" w:hanging="360"/></w:pPr></w:lvl></w:abstractNum>` +
			`<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>`},
		{"word/styles.xml", d.styles()},
	}
}

// styles are the looks of paragraphs. Headings are those that word processors list in a table of contents.
func (d *Document) styles() string {
	style := func(id, name, paragraph, run string) string {
		return `<w:style w:type="paragraph" w:styleId="` + id + `"><w:name w:val="` + name + `"/><w:basedOn w:val="Normal"/><w:pPr>` + paragraph +
			`</w:pPr><w:rPr>` + run + `</w:rPr></w:style>`
	}
	size := func(half int) string { return fmt.Sprintf(`<w:sz w:val="%d"/>`, half) }
	heading := func(level, half int) string {
		return style("Heading"+strconv.Itoa(level), "heading "+strconv.Itoa(level),
			fmt.Sprintf(`<w:keepNext/><w:spacing w:before="240" w:after="80"/><w:outlineLvl w:val="%d"/>`, level-1), `<w:b/>`+size(half))
	}
	return `<w:styles ` + word + `><w:docDefaults><w:rPrDefault><w:rPr>` +
		`<w:rFonts w:ascii="Arial" w:hAnsi="Arial" w:eastAsia="Microsoft YaHei" w:cs="Arial"/>` + size(21) +
		`<w:lang w:val="` + escaped(d.lang) + `" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault></w:docDefaults>` +
		`<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:pPr><w:spacing w:after="120" w:line="288" w:lineRule="auto"/></w:pPr></w:style>` +
		style("Title", "Title", `<w:spacing w:after="240"/>`, `<w:b/>`+size(36)) + heading(1, 28) + heading(2, 24) + heading(3, 21) +
		style("ListBullet", "List Bullet", `<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>`, "") +
		style("Note", "Note", `<w:spacing w:before="40" w:after="200"/>`, `<w:color w:val="555555"/>`+size(18)) +
		style("Cell", "Cell", `<w:spacing w:before="20" w:after="20"/>`, size(19)) +
		`<w:style w:type="table" w:styleId="Grid"><w:name w:val="Table Grid"/><w:tblPr><w:tblBorders>` + borders() +
		`</w:tblBorders><w:tblCellMar><w:left w:w="85" w:type="dxa"/><w:right w:w="85" w:type="dxa"/></w:tblCellMar></w:tblPr></w:style></w:styles>`
}

func borders() (list string) {
	for _, side := range []string{"top", "left", "bottom", "right", "insideH", "insideV"} {
		list += `<w:` + side + ` w:val="single" w:sz="4" w:space="0" w:color="AAAAAA"/>`
	}
	return list
}
