package archive

import (
	"bytes"
	"embed"
	"slices"
	"strings"
	"text/template"

	"offramp/internal/locale"
)

//go:embed readme/*.txt.tmpl
var readmeFiles embed.FS

// readmeTemplates are README.txt's part in each language, called as its file: en.txt.tmpl.
var readmeTemplates = template.Must(template.ParseFS(readmeFiles, "readme/*.txt.tmpl"))

// readmeHead stands before the first language: names and numbers alone.
var readmeHead = template.Must(template.New("head").Parse(`{{.Product}}: export {{.Export}}
{{.CustomerName}} ({{.Customer}})
{{.When}}{{if gt .Volumes 1}}
{{.Volume}} / {{.Volumes}}{{end}}
`))

// readme returns README.txt in every language that has a file for it, with CRLF so that any editor shows its lines.
func readme(h Header) ([]byte, error) {
	data := struct {
		Header
		When     string
		Index    string // names of files
		Receipt  string
		Manifest string
		Unsteady bool     // a source has no snapshots
		Chosen   []string // what narrows the export
	}{
		Header: h, When: h.AsOf.Format("2006-01-02 15:04:05 UTC"),
		Index: h.Path(IndexPath), Receipt: h.Path(ReceiptPath), Manifest: h.Path(ManifestPath),
		Unsteady: slices.ContainsFunc(h.Sources, func(s SourceInfo) bool { return !s.Steady }),
	}
	var b strings.Builder
	if err := readmeHead.Execute(&b, data); err != nil {
		return nil, err
	}
	for _, tag := range locale.Tags() {
		part := readmeTemplates.Lookup(tag + ".txt.tmpl")
		if part == nil {
			continue // a test sees that the product's own languages have one
		}
		data.Chosen = NarrowedWords(locale.For(tag), h.Narrowed, func(key string) string { return key })
		b.WriteByte('\n')
		if err := part.Execute(&b, data); err != nil {
			return nil, err
		}
	}
	return bytes.ReplaceAll([]byte(b.String()), []byte("\n"), []byte("\r\n")), nil
}
