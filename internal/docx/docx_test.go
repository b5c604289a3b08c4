package docx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

// node is an element of a part.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Nodes   []node     `xml:",any"`
	Text    string     `xml:",chardata"`
}

func (n node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n node) walk(do func(node)) {
	do(n)
	for _, c := range n.Nodes {
		c.walk(do)
	}
}

func opened(t *testing.T, d *Document) map[string]node {
	t.Helper()
	var file bytes.Buffer
	if n, err := d.WriteTo(&file); err != nil || n != int64(file.Len()) {
		t.Fatalf("%d bytes of %d, %v", n, file.Len(), err)
	}
	z, err := zip.NewReader(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]node{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		decoder := xml.NewDecoder(r)
		var n node
		if err := decoder.Decode(&n); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: more than one root", f.Name)
		}
		parts[f.Name] = n
	}
	return parts
}

// order is the sequence of children that ECMA-376 part 1 (wml.xsd) gives an element, of those that are written.
var order = map[string][]string{
	"document": {"body"}, "body": {"p", "tbl", "sectPr"}, "p": {"pPr", "r"}, "r": {"rPr", "t", "br"},
	"pPr": {"pStyle", "keepNext", "numPr", "spacing", "ind", "jc", "outlineLvl"}, "rPr": {"rFonts", "b", "color", "sz", "lang"},
	"numPr": {"ilvl", "numId"}, "tbl": {"tblPr", "tblGrid", "tr"}, "tblPr": {"tblStyle", "tblW", "tblBorders", "tblCellMar"},
	"tblGrid": {"gridCol"}, "tr": {"trPr", "tc"}, "trPr": {"cantSplit", "tblHeader"}, "tc": {"tcPr", "p"}, "tcPr": {"tcW"},
	"sectPr": {"pgSz", "pgMar"}, "styles": {"docDefaults", "style"}, "style": {"name", "basedOn", "pPr", "rPr", "tblPr"},
	"docDefaults": {"rPrDefault"}, "rPrDefault": {"rPr"}, "tblBorders": {"top", "left", "bottom", "right", "insideH", "insideV"},
	"tblCellMar": {"left", "right"}, "numbering": {"abstractNum", "num"}, "abstractNum": {"lvl"}, "num": {"abstractNumId"},
	"lvl": {"start", "numFmt", "lvlText", "lvlJc", "pPr"},
}

// ordered says what is against the schema: an unknown child, or one out of its turn. Blocks of a body and runs come in any order.
func ordered(t *testing.T, n node) {
	t.Helper()
	n.walk(func(n node) {
		last := 0
		for _, c := range n.Nodes {
			at := slices.Index(order[n.XMLName.Local], c.XMLName.Local)
			free := c.XMLName.Local == "p" || c.XMLName.Local == "tbl" || n.XMLName.Local == "r"
			if at < 0 || (at < last && !free) {
				t.Errorf("%s in %s is not where the schema has it", c.XMLName.Local, n.XMLName.Local)
			}
			if !free {
				last = at
			}
		}
	})
}

// TestADocumentIsWhatTheStandardAsks reads a file by the standard's rules: each part is declared and related, each element in its turn,
// each style and list known, and each row as wide as its grid; and finds every word in it.
func TestADocumentIsWhatTheStandardAsks(t *testing.T) {
	d := New("A <title>", "zh-CN", time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC))
	d.Title("申请 & <report>")
	d.Heading(1, "Why")
	d.Paragraph("Two\nlines \x00 with ]]> and \"quotes\"")
	d.Bullet("One item")
	d.Heading(9, "Deep")
	d.Table([][]string{{"Tier", "Customers"}, {"Core", "1,200"}, {"Short"}}, []bool{false, true})
	d.Note("Source: a system")
	d.Table(nil, nil)
	parts := opened(t, d)
	declared := map[string]bool{}
	for _, c := range parts["[Content_Types].xml"].Nodes {
		if name := c.attr("PartName"); name != "" {
			declared[strings.TrimPrefix(name, "/")] = true
		}
	}
	related := map[string]bool{}
	for name, dir := range map[string]string{"_rels/.rels": "", "word/_rels/document.xml.rels": "word"} {
		for _, r := range parts[name].Nodes {
			related[path.Join(dir, r.attr("Target"))] = true
		}
	}
	for name := range parts {
		if name != "[Content_Types].xml" && !strings.HasSuffix(name, ".rels") && (!declared[name] || !related[name]) {
			t.Errorf("%s is not declared or not related", name)
		}
	}
	if len(declared) != 4 || len(related) != 4 || len(parts) != 7 {
		t.Errorf("declared %v, related %v", declared, related)
	}
	styles := map[string]bool{}
	for _, name := range []string{"word/styles.xml", "word/document.xml", "word/numbering.xml"} {
		ordered(t, parts[name])
		parts[name].walk(func(n node) {
			switch n.XMLName.Local {
			case "style":
				styles[n.attr("styleId")] = true
			case "pStyle", "tblStyle":
				if !styles[n.attr("val")] {
					t.Errorf("style %s is unknown", n.attr("val"))
				}
			}
		})
	}
	var words []string
	parts["word/document.xml"].walk(func(n node) {
		switch n.XMLName.Local {
		case "t":
			words = append(words, n.Text)
		case "tr":
			cells := 0
			for _, c := range n.Nodes {
				if c.XMLName.Local == "tc" {
					cells++
				}
			}
			if cells != 2 {
				t.Errorf("a row of %d cells", cells)
			}
		}
	})
	if got, want := strings.Join(words, "|"), "申请 & <report>|Why|Two|lines \ufffd with ]]> and \"quotes\"|One item|Deep|Tier|Customers|Core|1,200|Short||Source: a system"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
