package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"
	text "text/template"

	_ "embed"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	gtext "github.com/yuin/goldmark/text"
)

// Bulletin is a mail whose words come from the programme rather than from us: a notice, or several in one.
type Bulletin struct {
	Tag       string // language
	Subject   string
	Product   string
	Company   string
	Colour    string // #rrggbb; where white text on it is not readable, ours is taken
	Greeting  string
	Parts     []Part
	DatesName string // title of Dates
	Dates     []Fact
	ZoneNote  string
	Button    string
	URL       string // of the button
	Safety    string
	HelpName  string
	Help      string
	Email     string
	Phone     string
	Hours     string
	Code      string // what support asks for
	Why       string // why the reader gets it, and whether it can be declined
	Leave     string // address of the page on which it is declined; empty: it cannot be
	LeaveName string
}

// Part is one notice in a bulletin.
type Part struct {
	Title string
	Body  string // CommonMark; raw HTML and images are left out
}

// Fact is a name with its value.
type Fact struct {
	Name, Value string
	Strong      bool
}

//go:embed bulletin.gohtml
var bulletinHTML string

//go:embed bulletin.gotxt
var bulletinText string

var (
	htmlBulletin = template.Must(template.New("bulletin").Funcs(template.FuncMap{
		"css":  func(colour string) template.CSS { return template.CSS(readable(colour)) }, //nolint:gosec // #rrggbb only
		"html": markdownHTML,
	}).Parse(bulletinHTML))
	textBulletin = text.Must(text.New("bulletin").Funcs(text.FuncMap{"text": markdownText}).Parse(bulletinText))
)

// Set returns both forms of a bulletin, which say the same, and the SHA-256 over subject and forms, in hex.
func (b Bulletin) Set() (html, plain, sum string, err error) {
	var h, p bytes.Buffer
	if err := htmlBulletin.Execute(&h, b); err != nil {
		return "", "", "", fmt.Errorf("set bulletin in HTML: %w", err)
	}
	if err := textBulletin.Execute(&p, b); err != nil {
		return "", "", "", fmt.Errorf("set bulletin in text: %w", err)
	}
	digest := sha256.New()
	for _, part := range []string{b.Subject, h.String(), p.String()} {
		fmt.Fprintf(digest, "%d:%s", len(part), part)
	}
	return h.String(), p.String(), hex.EncodeToString(digest.Sum(nil)), nil
}

// How the elements of a text look in a mail. Mail programs know no stylesheets, so each bears its own.
var looks = strings.NewReplacer(
	"<p>", `<p style="margin:0 0 12px;">`, "<ul>", `<ul style="margin:0 0 12px;padding-left:22px;">`,
	"<ol>", `<ol style="margin:0 0 12px;padding-left:22px;">`, "<li>", `<li style="margin:0 0 6px;">`,
	"<a href=", `<a class="link" style="color:#0b7a75;" href=`,
	"<h1>", `<h3 style="margin:12px 0 6px;font-size:16px;">`, "</h1>", "</h3>",
	"<h2>", `<h3 style="margin:12px 0 6px;font-size:16px;">`, "</h2>", "</h3>",
	"<h3>", `<h3 style="margin:12px 0 6px;font-size:16px;">`,
)

// One parser and one renderer for all letters: each is safe for concurrent use, and putting one together costs more than a letter.
var commonMark, toHTML = goldmark.DefaultParser(), goldmark.DefaultRenderer()

// markdownHTML sets CommonMark for a mail. goldmark leaves raw HTML out and refuses dangerous links by itself; images are taken
// out here.
func markdownHTML(source string) (template.HTML, error) {
	doc := commonMark.Parse(gtext.NewReader([]byte(source)))
	var images []ast.Node
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the callback has no errors
		if entering && n.Kind() == ast.KindImage {
			images = append(images, n)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range images {
		n.Parent().RemoveChild(n.Parent(), n)
	}
	var out bytes.Buffer
	if err := toHTML.Render(&out, []byte(source), doc); err != nil {
		return "", fmt.Errorf("set text: %w", err)
	}
	return template.HTML(looks.Replace(strings.ReplaceAll(out.String(), "<!-- raw HTML omitted -->", ""))), nil //nolint:gosec // goldmark's output without raw HTML
}

// markdownText sets CommonMark as plain text: lists with hyphens or numbers, links with their address behind.
func markdownText(source string) string {
	src := []byte(source)
	w := &plainWriter{source: src}
	for n := commonMark.Parse(gtext.NewReader(src)).FirstChild(); n != nil; n = n.NextSibling() {
		w.block(n, "")
	}
	return strings.TrimRight(w.out.String(), "\n")
}

type plainWriter struct {
	source []byte
	out    strings.Builder
}

func (w *plainWriter) block(n ast.Node, indent string) {
	switch n := n.(type) {
	case *ast.List:
		number := n.Start
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			mark := "- "
			if n.IsOrdered() {
				mark = fmt.Sprintf("%d. ", number)
				number++
			}
			w.item(item, indent, mark)
		}
		w.out.WriteString("\n")
	case *ast.Blockquote:
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			w.block(c, indent+"> ")
		}
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			w.out.WriteString(indent + "    " + string(line.Value(w.source)))
		}
		w.out.WriteString("\n")
	case *ast.HTMLBlock, *ast.ThematicBreak:
	default:
		w.out.WriteString(indent + strings.ReplaceAll(w.inline(n), "\n", "\n"+indent) + "\n\n")
	}
}

func (w *plainWriter) item(item ast.Node, indent, mark string) {
	for c := item.FirstChild(); c != nil; c = c.NextSibling() {
		if list, ok := c.(*ast.List); ok {
			w.block(list, indent+"  ")
			continue
		}
		w.out.WriteString(indent + mark + strings.ReplaceAll(w.inline(c), "\n", " ") + "\n")
		mark = strings.Repeat(" ", len(mark))
	}
}

func (w *plainWriter) inline(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(resolve(c.Segment.Value(w.source)))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteString("\n")
			}
		case *ast.String:
			b.Write(c.Value)
		case *ast.AutoLink:
			b.Write(c.Label(w.source))
		case *ast.Link:
			label, to := w.inline(c), string(c.Destination)
			b.WriteString(label)
			if label != to {
				b.WriteString(" (" + strings.TrimPrefix(to, "mailto:") + ")")
			}
		case *ast.Image, *ast.RawHTML:
		default:
			b.WriteString(w.inline(c))
		}
	}
	return b.String()
}
