package archive

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"offramp/internal/locale"
)

// TestI08_ThePageEscapesForWhereTextStands gives the page itself what no caller should: beginnings of links that are
// schemes, and words that would end the script that holds them.
func TestI08_ThePageEscapesForWhereTextStands(t *testing.T) {
	const evil = `</script></style></title><!--"'><b onclick=x>`
	files := []indexFile{{Label: evil, Path: evil, Size: "1 B", Href: "javascript:alert(1)"}, {Label: "b", Href: "attachments/a:" + evil}}
	p := indexPage{
		Locale: locale.For("en"), Header: sampleHeader, Title: evil, Nonce: evil, Script: "viewer/viewer.js", Words: map[string]string{"x": evil},
		NarrowedTo: []string{evil}, Attachments: files, AllAttachments: evil,
		Counts: []indexCount{{Title: evil, Heading: evil, Anchor: evil, Failures: []string{evil}, Notes: []string{evil}}},
		Datasets: []indexDataset{{
			Title: evil, Anchor: evil, Browse: evil, Files: files, Head: []headCell{{Name: evil, Zone: evil}}, Columns: []Column{{Name: evil, Type: evil}},
			First: []previewRow{{Number: 1, Cells: []cell{{Text: evil}}}},
		}},
	}
	var b strings.Builder
	must(t, indexHTML(&p).Render(t.Context(), &b))
	root, err := html.Parse(strings.NewReader(b.String()))
	must(t, err)
	scripts, links := 0, map[string]bool{}
	for n := range root.Descendants() {
		if n.Type == html.CommentNode || n.Data == "b" && n.Type == html.ElementNode {
			t.Errorf("the page has %+v", n)
		}
		for _, a := range n.Attr {
			switch {
			case a.Key == "href":
				links[a.Val] = true
			case strings.HasPrefix(a.Key, "on"):
				t.Errorf("%s has %s", n.Data, a.Key)
			}
		}
		if n.Data == "script" && n.Type == html.ElementNode {
			scripts++
		}
	}
	if scripts != 2 {
		t.Errorf("the page has %d scripts", scripts)
	}
	if links["javascript:alert(1)"] || !links["attachments/a:"+evil] || !links["#"+evil] {
		t.Errorf("links lead to %v", links)
	}
}
