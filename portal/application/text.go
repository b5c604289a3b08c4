package application

import (
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"offramp/internal/locale"
	"offramp/migration"
)

// price is what a replacement costs, as the programme says.
func (b builder) price(r migration.Replacement) string {
	if r.Price == nil {
		return ""
	}
	return b.l.T("choice.price."+r.Price.Model, "Amount", b.l.Money(r.Price.Amount, r.Price.Currency))
}

// text is the document in Markdown: what is submitted, and what its hash is of. A row of a table is an item of a list, so that a
// comparison of two versions shows which figure changed.
func (doc document) text(l *locale.Locale) string {
	var b strings.Builder
	for _, f := range doc.facts {
		b.WriteString("- " + l.T("application.pair", "Name", f[0], "Value", escape(f[1])) + "\n")
	}
	for _, s := range doc.sections {
		b.WriteString("\n# " + s.title + "\n")
		if s.text != "" {
			b.WriteString("\n" + lowered(s.text) + "\n")
		}
		for _, t := range s.tables {
			t.markdown(&b, l)
		}
	}
	return strings.TrimSpace(b.String())
}

func (t table) markdown(b *strings.Builder, l *locale.Locale) {
	b.WriteString("\n## " + t.title + "\n\n")
	if len(t.rows) == 0 {
		b.WriteString(t.none + "\n")
	}
	for _, row := range t.rows {
		var pairs []string
		for i, c := range row {
			if i > 0 && c.text != "" {
				pairs = append(pairs, l.T("application.pair", "Name", escape(t.head[i]), "Value", escape(c.text)))
			}
		}
		b.WriteString("- **" + escape(row[0].text) + "** " + strings.Join(pairs, " · ") + "\n")
	}
	if t.source != "" {
		b.WriteString("\n" + escape(t.source) + "\n")
	}
}

var plain = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "<", `\<`, "#", `\#`)

// escape has a value mean itself in Markdown.
func escape(value string) string { return plain.Replace(value) }

// lowered has the headings that people write stand below those of the sections.
func lowered(source string) string {
	lines := strings.Split(source, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "#") {
			lines[i] = "##" + line
		}
	}
	return strings.Join(lines, "\n")
}

// block is a piece of what people wrote, without its marks.
type block struct {
	kind string // heading, item or empty
	text string
}

// blocks are the pieces of a Markdown text, for files that know none.
func blocks(source string) (list []block) {
	raw := []byte(source)
	doc := goldmark.DefaultParser().Parse(text.NewReader(raw))
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the callback has no errors
		if !entering || n.Type() != ast.TypeBlock {
			return ast.WalkContinue, nil
		}
		kind := ""
		switch n.(type) {
		case *ast.Heading:
			kind = "heading"
		case *ast.Paragraph, *ast.TextBlock:
			if _, ok := n.Parent().(*ast.ListItem); ok && n.PreviousSibling() == nil {
				kind = "item"
			}
		case *ast.CodeBlock, *ast.FencedCodeBlock, *ast.HTMLBlock:
			list = append(list, block{text: strings.TrimRight(string(n.Lines().Value(raw)), "\n")})
			return ast.WalkSkipChildren, nil
		default:
			return ast.WalkContinue, nil
		}
		list = append(list, block{kind, inline(n, raw)})
		return ast.WalkSkipChildren, nil
	})
	return list
}

// inline is the running text of a node.
func inline(n ast.Node, raw []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) { // the callback has no errors
		if !entering {
			return ast.WalkContinue, nil
		}
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Value(raw))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte('\n')
			}
		case *ast.String:
			b.Write(c.Value)
		case *ast.AutoLink:
			b.Write(c.URL(raw))
		case *ast.RawHTML:
			b.Write(c.Segments.Value(raw))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
