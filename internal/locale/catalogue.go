package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed messages/*.json
var files embed.FS

// tags are the languages that have catalogues, Default first.
var tags = []string{Default, "zh-CN"}

var bundle = loadBundle()

func loadBundle() *i18n.Bundle {
	b := i18n.NewBundle(language.Make(Default))
	b.RegisterUnmarshalFunc("json", json.Unmarshal)
	paths, err := fs.Glob(files, "messages/*.json")
	if err != nil {
		panic(err)
	}
	for _, path := range paths {
		if _, err := b.LoadMessageFileFS(files, path); err != nil {
			panic(fmt.Sprintf("locale: read %s: %v", path, err))
		}
	}
	return b
}

// words are the messages of one language.
type words struct {
	localizer *i18n.Localizer
	// single holds the messages with one form, which are nearly all of a page:
	// they are filled in without choosing a plural or running a template.
	single map[string]message
}

func loadWords(tag string) *words {
	w := &words{localizer: i18n.NewLocalizer(bundle, tag), single: map[string]message{}}
	paths, err := fs.Glob(files, "messages/*."+tag+".json")
	if err != nil {
		panic(err)
	}
	for _, path := range paths {
		for id, forms := range readFile(path) {
			text, ok := forms["other"]
			if m, simple := compile(text); ok && simple && len(forms) == 1 {
				w.single[id] = m
			}
		}
	}
	return w
}

// readFile returns a catalogue file as plural forms by id; a plain message has the form "other" only.
func readFile(path string) map[string]map[string]string {
	raw, err := files.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var entries map[string]any
	if err := json.Unmarshal(raw, &entries); err != nil {
		panic(fmt.Sprintf("locale: parse %s: %v", path, err))
	}
	out := make(map[string]map[string]string, len(entries))
	for id, entry := range entries {
		out[id] = map[string]string{}
		switch entry := entry.(type) {
		case string:
			out[id]["other"] = entry
		case map[string]any:
			for form, text := range entry {
				out[id][form], _ = text.(string)
			}
		}
	}
	return out
}

// T returns the message id with its placeholders filled from kv, which lists
// names and values in turn: T("export.started", "When", clock). An id without a
// message comes back as ⟦id⟧, which the tests of pages look for.
func (l *Locale) T(id string, kv ...any) string {
	if m, ok := l.words.single[id]; ok {
		return m.fill(kv)
	}
	return l.localize(id, &i18n.LocalizeConfig{MessageID: id, TemplateData: pairs(kv)})
}

// N returns the plural form of message id that suits count. The message finds the
// number as {{.Count}} (grouped) or {{.PluralCount}}, next to the names in kv.
func (l *Locale) N(id string, count int, kv ...any) string {
	kv = append(kv[:len(kv):len(kv)], "Count", l.Number(int64(count)), "PluralCount", count)
	if m, ok := l.words.single[id]; ok {
		return m.fill(kv)
	}
	return l.localize(id, &i18n.LocalizeConfig{MessageID: id, PluralCount: count, TemplateData: pairs(kv)})
}

// Has reports whether a message exists, for ids that come from data.
func (l *Locale) Has(id string) bool {
	if _, ok := l.words.single[id]; ok {
		return true
	}
	_, err := l.words.localizer.Localize(&i18n.LocalizeConfig{MessageID: id})
	return err == nil
}

func (l *Locale) localize(id string, c *i18n.LocalizeConfig) string {
	text, err := l.words.localizer.Localize(c)
	if err != nil {
		return "⟦" + id + "⟧"
	}
	return text
}

func pairs(kv []any) map[string]any {
	data := make(map[string]any, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		if name, ok := kv[i].(string); ok {
			data[name] = kv[i+1]
		}
	}
	return data
}
