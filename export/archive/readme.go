package archive

import (
	"bytes"
	_ "embed" // for the text
	"slices"
	"text/template"

	"offramp/internal/locale"
)

//go:embed readme.txt.tmpl
var readmeText string

var readmeTemplate = template.Must(template.New("readme").Parse(readmeText))

// readme returns README.txt, with CRLF so that any editor shows its lines.
func readme(h Header) ([]byte, error) {
	unsteady := slices.ContainsFunc(h.Sources, func(s SourceInfo) bool { return !s.Steady })
	narrowed := func(tag string) []string {
		return NarrowedWords(locale.For(tag), h.Narrowed, func(key string) string { return key })
	}
	var b bytes.Buffer
	if err := readmeTemplate.Execute(&b, struct {
		Header
		When             string
		Index            string // names of files
		Receipt          string
		Manifest         string
		Unsteady         bool     // a source has no snapshots
		English, Chinese []string // what narrows the export
	}{
		h, h.AsOf.Format("2006-01-02 15:04:05 UTC"), h.Path(IndexPath), h.Path(ReceiptPath), h.Path(ManifestPath),
		unsteady, narrowed("en"), narrowed("zh-CN"),
	}); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("\n"), []byte("\r\n")), nil
}
