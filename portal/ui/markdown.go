package ui

import (
	"bytes"
	"net/url"
	"slices"

	"github.com/a-h/templ"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Markdown shows a programme's wording as CommonMark. Raw HTML is left out, images become links to them, so that no page asks
// a third party for anything, links lead to web and mail addresses only, and headings begin at level (2 to 6), below those
// of the page around.
func Markdown(source string, level int) templ.Component {
	parsed := goldmark.New(goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(tame{level}, 100))))
	var out bytes.Buffer
	if err := parsed.Convert([]byte(source), &out); err != nil {
		return templ.NopComponent
	}
	return templ.Raw(out.String())
}

// tame keeps a document within what a page of ours may hold.
type tame struct{ level int }

// Transform implements parser.ASTTransformer.
func (t tame) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	var links []ast.Node
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(6, n.Level+t.level-1)
		case *ast.Link, *ast.AutoLink, *ast.Image:
			links = append(links, n)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range links { // inner ones come after outer ones, which is the order in which they can be replaced
		tameLink(n, reader.Source())
	}
}

func tameLink(n ast.Node, source []byte) {
	switch link := n.(type) {
	case *ast.AutoLink:
		if !leads(string(link.URL(source))) && link.AutoLinkType != ast.AutoLinkEmail {
			n.Parent().ReplaceChild(n.Parent(), n, ast.NewString(link.Label(source)))
			return
		}
	case *ast.Image:
		as := ast.NewLink()
		as.Destination = link.Destination
		for c := n.FirstChild(); c != nil; c = n.FirstChild() {
			as.AppendChild(as, c)
		}
		n.Parent().ReplaceChild(n.Parent(), n, as)
		tameLink(as, source)
		return
	case *ast.Link:
		if !leads(string(link.Destination)) || inLink(link) {
			for c := n.FirstChild(); c != nil; c = n.FirstChild() {
				n.Parent().InsertBefore(n.Parent(), n, c)
			}
			n.Parent().RemoveChild(n.Parent(), n)
			return
		}
	}
	n.SetAttributeString("rel", []byte("noopener noreferrer nofollow"))
}

// inLink reports whether a link stands within another one, as the image of a link would.
func inLink(n ast.Node) bool {
	for p := n.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == ast.KindLink {
			return true
		}
	}
	return false
}

// leads reports whether a link may lead there: to an absolute web address or a mail address.
func leads(address string) bool {
	u, err := url.Parse(address)
	return err == nil && slices.Contains([]string{"https", "http", "mailto"}, u.Scheme) && (u.Host != "" || u.Scheme == "mailto")
}
