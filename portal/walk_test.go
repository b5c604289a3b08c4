package portal_test

import (
	"bytes"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// everybody are those who look at pages in a walk over all of them.
var everybody = []string{
	"owner", "other", "third", "support", "finance_clerk", "finance_approver", "finance_releaser", "programme_manager", "second", "auditor", "operator", "anonymous",
}

// sight is one page as somebody sees it.
type sight struct {
	who, path string
	root      *html.Node
}

// sights are all pages of the list of routes, each as the people see it for whom phonePages has it.
func (w *world) sights() (all []sight) {
	w.Helper()
	pages := w.phonePages()
	for _, who := range everybody {
		for _, path := range w.pagesOf(who, pages) {
			a := w.get(who, path)
			if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
				continue
			}
			all = append(all, sight{who, path, parsed(w.T, a.body)})
		}
	}
	if len(all) < 50 {
		w.Fatalf("%d pages seen", len(all))
	}
	return all
}

func parsed(t testing.TB, body string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// attribute returns an element's attribute, and whether it has it.
func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// elements are those below a node, in the order of the page, that have one of the names.
func elements(root *html.Node, names ...string) (list []*html.Node) {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && slices.Contains(names, n.Data) {
			list = append(list, n)
		}
	}
	return list
}

// textOf is what an element says.
func textOf(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// control is one field that somebody fills.
type control struct {
	id, name, kind string
	optional       bool
}

// blank is a form as a page shows it.
type blank struct {
	sight
	method, action string
	files          bool
	given          url.Values // hidden fields, what selects stand at, and the button's own value
	controls       []control
}

func (b blank) name() string { return b.method + " " + b.action + " on " + b.path + " for " + b.who }

// blanks are the forms of a page that ask for something.
func (s sight) blanks() (list []blank) {
	labels := map[string]string{}
	for _, n := range elements(s.root, "label") {
		if id, ok := attribute(n, "for"); ok {
			labels[id] = textOf(n)
		}
	}
	for _, f := range elements(s.root, "form") {
		method, _ := attribute(f, "method")
		action, _ := attribute(f, "action")
		kind, _ := attribute(f, "enctype")
		b := blank{sight: s, method: strings.ToUpper(method), action: action, files: kind == "multipart/form-data", given: url.Values{}}
		if b.method == "" {
			b.method = "GET"
		}
		if b.action == "" {
			b.action = s.path
		}
		for _, n := range elements(f, "input", "textarea", "select", "button") {
			b.take(n, labels)
		}
		if len(b.controls) > 0 {
			list = append(list, b)
		}
	}
	return list
}

func (b *blank) take(n *html.Node, labels map[string]string) {
	name, _ := attribute(n, "name")
	id, _ := attribute(n, "id")
	value, _ := attribute(n, "value")
	kind, _ := attribute(n, "type")
	if n.Data != "input" {
		kind = n.Data
	}
	switch {
	case name == "":
	case kind == "hidden", kind == "button" && b.given[name] == nil:
		b.given.Add(name, value)
	case kind == "button":
	case kind == "radio", kind == "checkbox":
		if _, on := attribute(n, "checked"); on {
			b.given.Add(name, value)
		}
		if !slices.ContainsFunc(b.controls, func(c control) bool { return c.name == name }) {
			b.controls = append(b.controls, control{id, name, kind, strings.HasSuffix(labels[id], "(optional)")})
		}
	case kind == "select":
		for i, o := range elements(n, "option") {
			if _, on := attribute(o, "selected"); on || i == 0 {
				value, _ := attribute(o, "value")
				b.given.Set(name, value)
			}
		}
		b.controls = append(b.controls, control{id, name, kind, strings.HasSuffix(labels[id], "(optional)")})
	default:
		b.controls = append(b.controls, control{id, name, kind, strings.HasSuffix(labels[id], "(optional)")})
	}
}

// typed reports whether somebody writes into a field.
func (c control) typed() bool {
	return !slices.Contains([]string{"radio", "checkbox", "select", "file"}, c.kind)
}

// send sends the form with what it was given and what is written into it.
func (w *world) send(b blank, written url.Values) answer {
	w.Helper()
	values := maps.Clone(b.given)
	maps.Copy(values, written)
	switch {
	case b.method == "GET":
		path, _, _ := strings.Cut(b.action, "#")
		path, _, _ = strings.Cut(path, "?")
		return w.get(b.who, path+"?"+values.Encode())
	case !b.files:
		return w.post(b.who, b.action, values)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, list := range values {
		for _, v := range list {
			if err := form.WriteField(name, v); err != nil {
				w.Fatal(err)
			}
		}
	}
	for _, c := range b.controls {
		if c.kind == "file" {
			if _, err := form.CreateFormFile(c.name, ""); err != nil {
				w.Fatal(err)
			}
		}
	}
	if err := form.Close(); err != nil {
		w.Fatal(err)
	}
	return w.do(b.who, "POST", b.action, body.String(), http.Header{"Content-Type": {form.FormDataContentType()}})
}
