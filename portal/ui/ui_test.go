package ui

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"offramp/internal/locale"
)

var void = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

// outline is what a page's structure is checked by.
type outline struct {
	faults []string
	lang   string
	ids    map[string]bool
	refs   []string // ids that labels, descriptions and links to places name
	h1     int
}

func (o *outline) fault(parts ...string) { o.faults = append(o.faults, strings.Join(parts, " ")) }

// read walks a page's tags strictly: browsers mend faults, which hides them.
func read(page string) *outline {
	o := &outline{ids: map[string]bool{}}
	var open []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				o.fault(z.Err().Error())
			}
			if len(open) > 0 {
				o.fault("left open:", strings.Join(open, " "))
			}
			return o
		case html.StartTagToken, html.SelfClosingTagToken:
			token := z.Token()
			o.tag(token)
			if kind == html.StartTagToken && !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			name := z.Token().Data
			if len(open) == 0 || open[len(open)-1] != name {
				o.fault("</"+name+"> closes", strings.Join(open, " "))
				return o
			}
			open = open[:len(open)-1]
		}
	}
}

func (o *outline) tag(t html.Token) {
	hasSource := false
	for _, a := range t.Attr {
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on"):
			o.fault(t.Data, "has", a.Key)
		case a.Key == "src":
			hasSource = true
		case a.Key == "id":
			if a.Val == "" || o.ids[a.Val] {
				o.fault("id twice or empty:", a.Val)
			}
			o.ids[a.Val] = true
		case a.Key == "for", a.Key == "aria-describedby", a.Key == "aria-labelledby":
			o.refs = append(o.refs, strings.Fields(a.Val)...)
		case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
			o.refs = append(o.refs, a.Val[1:])
		case a.Key == "lang" && t.Data == "html":
			o.lang = a.Val
		}
	}
	switch {
	case t.Data == "style", t.Data == "script" && !hasSource:
		o.fault("inline", t.Data)
	case t.Data == "h1":
		o.h1++
	}
}

func TestGallery(t *testing.T) {
	for _, tag := range locale.Tags() {
		for name, page := range galleries(t, locale.For(tag)) {
			t.Run(tag+"/"+name, func(t *testing.T) {
				o := read(page)
				for _, fault := range o.faults {
					t.Error(fault)
				}
				for _, ref := range o.refs {
					if !o.ids[ref] {
						t.Errorf("nothing has the id %q", ref)
					}
				}
				if o.lang != tag {
					t.Errorf("lang is %q", o.lang)
				}
				if o.h1 != 1 {
					t.Errorf("%d headings of the first rank", o.h1)
				}
				for _, trace := range []string{"⟦", "<no value>", "&lt;no value", "%!"} {
					if strings.Contains(page, trace) {
						t.Errorf("the page shows %s", trace)
					}
				}
			})
		}
	}
}

func TestReadFindsFaults(t *testing.T) {
	for _, page := range []string{
		`<p><b></p></b>`, `<p>`, `<i style="x"></i>`, `<script>1</script>`, `<style></style>`,
		`<a id="x"></a><a id="x"></a>`, `<a onclick="x()"></a>`,
	} {
		if len(read(page).faults) == 0 {
			t.Errorf("no fault found in %s", page)
		}
	}
}

func TestTitle(t *testing.T) {
	p := galleryPage(locale.For("en"))
	if got := p.title("Migration service"); got != "Gallery - Hezhou Teamwork Migration service" {
		t.Error(got)
	}
	p = galleryPage(locale.For("zh-CN"))
	p.Errors = true
	if got := p.title("迁移服务"); !strings.HasPrefix(got, "错误：组件一览") {
		t.Error(got)
	}
}

func TestSwitchesArePosted(t *testing.T) {
	page := galleries(t, locale.For("en"))["customer"]
	for _, want := range []string{
		`<form class="site__lang" method="post" action="/language/zh-CN">`,
		`<input type="hidden" name="return_to" value="/plan?from=mail">`,
		`<form method="post" action="/theme/dark">`,
		`<form method="post" action="/sign-out">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestLinksCannotCarryScript(t *testing.T) {
	var out bytes.Buffer
	if err := A(Link{Label: "x", URL: "javascript:alert(1)"}).Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "alert") {
		t.Error(out.String())
	}
}

func TestProgressStopsPolling(t *testing.T) {
	for _, live := range []bool{true, false} {
		p := Progress{ID: "p", Label: "Packing", Percent: 120}
		if live {
			p.Live = Poll("/exports/1/progress", 4*time.Second)
		}
		var out bytes.Buffer
		if err := ProgressBar(p).Render(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), `hx-trigger="every 4s"`); got != live {
			t.Errorf("live %v: %s", live, out.String())
		}
		if !strings.Contains(out.String(), `value="100"`) {
			t.Error("more than everything is shown as done")
		}
	}
}

func TestCeiling(t *testing.T) {
	for top, want := range map[float64]float64{0: 4, 3: 4, 5: 8, 9: 12, 80: 80, 902: 1000, 1020: 1200, 6636: 8000} {
		c := Chart{Lines: []Line{{Values: []float64{0, top}}}}
		if got := c.ceiling(); got != want {
			t.Errorf("ceiling of %v is %v, want %v", top, got, want)
		}
	}
}

func BenchmarkCustomerPage(b *testing.B) {
	page := customerGallery(locale.For("zh-CN"), shanghai(b))
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if err := page.Render(b.Context(), &out); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(out.Len()), "B/page")
}
