package ui_test

import (
	"strings"
	"testing"

	"offramp/portal/ui"
)

func TestMarkdownHoldsNothingThatAPageMayNot(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"# Move\n\n1. *Export*\n2. `import`":                      "<h3>Move</h3>\n<ol>\n<li><em>Export</em></li>\n<li><code>import</code></li>\n</ol>\n",
		"###### deep":                                             "<h6>deep</h6>\n",
		"[docs](https://next.example/a?b=1&c=2)":                  `<p><a href="https://next.example/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">docs</a></p>` + "\n",
		"[x](javascript:alert(1))":                                "<p>x</p>\n",
		"[x](JaVaScRiPt:alert(1)) [y](data:text/html,a) [z](/a)":  "<p>x y z</p>\n",
		"<javascript:alert(1)>":                                   "<p>javascript:alert(1)</p>\n",
		"<help@next.example>":                                     `<p><a href="mailto:help@next.example" rel="noopener noreferrer nofollow">help@next.example</a></p>` + "\n",
		"![map](https://evil.example/p.png)":                      `<p><a href="https://evil.example/p.png" rel="noopener noreferrer nofollow">map</a></p>` + "\n",
		"[![map](https://evil.example/p.png)](https://a.example)": `<p><a href="https://a.example" rel="noopener noreferrer nofollow">map</a></p>` + "\n",
		"![map](data:image/png;base64,AA==)":                      "<p>map</p>\n",
		"a <b onclick=x>c</b>":                                    "<p>a <!-- raw HTML omitted -->c<!-- raw HTML omitted --></p>\n",
		"<script>alert(1)</script>":                               "<!-- raw HTML omitted -->\n",
		"a & b < c":                                               "<p>a &amp; b &lt; c</p>\n",
	} {
		var out strings.Builder
		if err := ui.Markdown(source, 3).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%q:\n got %q\nwant %q", source, out.String(), want)
		}
	}
}
