package archive

import (
	"crypto/rand"
	_ "embed" // for the script
	"maps"
	"strings"
	"sync"

	"offramp/internal/locale"
)

//go:embed viewer.js
var viewerScript []byte

// viewerBody is the script with its checksums, which every archive needs.
var viewerBody = content(viewerScript)

// The names of what the page loads besides the datasets' rows. An underscore begins no dataset's name.
const (
	viewerProgram     = "viewer.js"
	viewerAttachments = "_attachments"
	viewerFailures    = "_failures"
)

// viewerSpoken are the messages that the script says, and the placeholders that it fills itself.
var (
	viewerSpoken = strings.Fields(`search find stop progress none found stopped limit only previousHit nextHit hit columns columnChoice allColumns
		noColumn pages top bottom first previous next last page of range rangeFound table row noRow noHit open detail close show rest cut null failed
		everywhere everywhereText foundIn foundAll inFile`)
	viewerSlots = strings.Fields("Title Row Rows Count Size Shown Place Pages From To Percent Number Path Text")
)

// viewerVocabulary keeps what viewerWords has made, by language.
var viewerVocabulary sync.Map

// viewerWords are the script's messages by name, not to be changed. A placeholder {row} is for the script.
func viewerWords(l *locale.Locale) map[string]string {
	if words, ok := viewerVocabulary.Load(l.Tag()); ok {
		return words.(map[string]string)
	}
	slots := make([]any, 0, 2*len(viewerSlots))
	for _, name := range viewerSlots {
		slots = append(slots, name, "{"+strings.ToLower(name)+"}")
	}
	words := map[string]string{"unnamed": l.T("archive.unnamed")}
	for _, name := range viewerSpoken {
		words[name] = l.T("archive.browse."+name, slots...)
	}
	for kind := range classes {
		words["type."+kind] = l.T("archive.type." + kind)
	}
	for _, kind := range []string{"text", "file", "size"} {
		words["type."+kind] = l.T("archive.type." + kind)
	}
	viewerVocabulary.Store(l.Tag(), words)
	return words
}

// newNonce returns what a script must bear to run in this one page. On file:// every file has an origin of its own, so
// script-src 'self' means nothing that one could rely on, and the scheme file: would let in any script that lies near,
// an attachment too. A nonce is better than both: only the scripts that the page and its own script name may run, and it
// is made after all data has been written, so nothing in the data can know it. Inline scripts and all other places are
// refused, and with default-src 'none' no script can connect to anything.
// Source: W3C Content Security Policy Level 3, sections 6.7.2.3 and 7.1.
func newNonce() string { return rand.Text() }

// addViewer writes what the page loads besides the datasets' rows, and notes it in the page.
func (a *Writer) addViewer(p *indexPage) error {
	if !a.opts.Browse {
		return nil
	}
	h := a.manifest.Header
	p.Nonce, p.Words, p.Script = newNonce(), maps.Clone(viewerWords(p.Locale)), viewerFolder(h, viewerProgram)
	zone := zoneOf(h)
	p.Words["zone"], p.Words["zoneName"] = zone.String(), zoneLabel(p.Locale, h)
	if len(p.Attachments) > 0 {
		p.AllAttachments = viewerFolder(h, viewerAttachments)
		if err := a.browseAttachments(p); err != nil {
			return err
		}
	}
	for _, c := range p.Counts {
		if c.Unshown > 0 {
			p.AllFailures = viewerFolder(h, viewerFailures)
		}
	}
	if p.AllFailures != "" {
		if err := a.browseFailures(p); err != nil {
			return err
		}
	}
	return a.addSized(File{Path: p.Script, Kind: KindViewer, Format: "js"}, viewerBody)
}

// browseAttachments writes the list of all attachments. After the columns' values, a row has the link, or null where
// a link could do harm.
func (a *Writer) browseAttachments(p *indexPage) error {
	l, w := p.Locale, a.newChunks(p.AllAttachments, "")
	number := int64(0)
	// The writer lists chunks as files while this reads the list.
	files := a.manifest.Files[:len(a.manifest.Files):len(a.manifest.Files)]
	for _, f := range files {
		if f.Kind != KindAttachment {
			continue
		}
		number++
		href := newIndexFile(l, f, "").Href
		note := ""
		if f.Incomplete {
			note = l.T("archive.incomplete")
		}
		values := [][]byte{[]byte(f.Name), []byte(p.titleOf(f.Dataset, 0, 0)), []byte(f.Path), []byte(l.Size(f.Size)), []byte(note), []byte(href)}
		for i := 4; i < len(values); i++ {
			if len(values[i]) == 0 {
				values[i] = nil
			}
		}
		if err := w.addTexts(number, values); err != nil {
			return w.end(err)
		}
	}
	if err := w.end(nil); err != nil {
		return err
	}
	return w.writeIndex([]viewerColumn{
		{l.T("archive.attachments.name"), "file"},
		{l.T("export.dataset"), "text"},
		{l.T("archive.attachments.path"), "text"},
		{l.T("archive.attachments.size"), "size"},
		{l.T("archive.note"), "text"},
	})
}

// browseFailures writes the list of all failures that the receipt has.
func (a *Writer) browseFailures(p *indexPage) error {
	l, w := p.Locale, a.newChunks(p.AllFailures, "")
	number := int64(0)
	for _, c := range p.Counts {
		for _, f := range c.Count.Failures {
			number++
			item := f.Item
			if f.Name != "" {
				item = f.Name
			}
			values := [][]byte{[]byte(c.Title), []byte(item), []byte(f.Column), []byte(reason(l, f))}
			if f.Column == "" {
				values[2] = nil
			}
			if err := w.addTexts(number, values); err != nil {
				return w.end(err)
			}
		}
	}
	if err := w.end(nil); err != nil {
		return err
	}
	return w.writeIndex([]viewerColumn{
		{l.T("export.dataset"), "text"}, {l.T("archive.failures.item"), "text"}, {l.T("archive.column"), "text"}, {l.T("archive.failures.reason"), "text"},
	})
}

// addTexts adds a row of texts as they are.
func (w *chunkWriter) addTexts(number int64, values [][]byte) error {
	return w.add(func(dst []byte) []byte { return appendViewerRow(dst, number, make([]class, len(values)), values) })
}
