package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed messages/*.json
var files embed.FS

// tags are the languages that have catalogues, Default first and the others by name. A language is known by its files, which are called
// room.tag.json.
var tags = func() []string {
	paths, err := fs.Glob(files, "messages/*.json")
	if err != nil {
		panic(err)
	}
	found := map[string]bool{}
	for _, path := range paths {
		_, tag, _ := strings.Cut(strings.TrimSuffix(path, ".json"), ".")
		found[tag] = true
	}
	delete(found, Default)
	return append([]string{Default}, slices.Sorted(maps.Keys(found))...)
}()

// words are the messages of one language.
type words struct {
	// single holds the messages with one form, which are nearly all of a page:
	// they are filled in without choosing a plural or running a template.
	single map[string]message
	// others chooses among the forms of the others, and runs their templates.
	others *i18n.Localizer
	// staff leads from a message to the one that takes its place on pages of staff.
	staff map[string]string
}

// forStaff begins the id of a message that takes the place of another one on pages of staff: staff.help.moved for help.moved. What is
// written to a customer as "you" is written to staff as "the customer".
const forStaff = "staff."

func loadWords(tag string) *words {
	w := &words{single: map[string]message{}, staff: map[string]string{}}
	language := language.Make(tag)
	others := i18n.NewBundle(language)
	paths, err := fs.Glob(files, "messages/*."+tag+".json")
	if err != nil {
		panic(err)
	}
	for _, path := range paths {
		for id, forms := range readFile(path) {
			if other, ok := strings.CutPrefix(id, forStaff); ok {
				w.staff[other] = id
			}
			if m, simple := compile(forms["other"]); simple && len(forms) == 1 {
				w.single[id] = m
				continue
			}
			m := i18n.MustNewMessage(map[string]string(forms))
			m.ID = id
			others.MustAddMessages(language, m)
		}
	}
	w.others = i18n.NewLocalizer(others, tag)
	return w
}

// forms are the plural forms of one message; a plain message has the form "other" only.
type forms map[string]string

// UnmarshalJSON reads one text, or an object of forms.
func (f *forms) UnmarshalJSON(raw []byte) error {
	if raw[0] != '"' {
		return json.Unmarshal(raw, (*map[string]string)(f))
	}
	var text string
	err := json.Unmarshal(raw, &text)
	*f = forms{"other": text}
	return err
}

// readFile returns the messages of a catalogue file by id.
func readFile(path string) (all map[string]forms) {
	raw, err := files.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		panic(fmt.Sprintf("locale: read %s: %v", path, err))
	}
	return all
}

// T returns the message id with its placeholders filled from kv, which lists
// names and values in turn: T("export.started", "When", clock). An id without a
// message comes back as ⟦id⟧, which the tests of pages look for.
func (l *Locale) T(id string, kv ...any) string {
	id = l.own(id)
	if m, ok := l.words.single[id]; ok {
		return m.fill(kv)
	}
	return l.localize(id, &i18n.LocalizeConfig{MessageID: id, TemplateData: pairs(kv)})
}

// N returns the plural form of message id that suits count. The message finds the
// number as {{.Count}} (grouped) or {{.PluralCount}}, next to the names in kv.
func (l *Locale) N(id string, count int, kv ...any) string {
	kv = append(kv[:len(kv):len(kv)], "Count", l.Number(int64(count)), "PluralCount", count)
	id = l.own(id)
	if m, ok := l.words.single[id]; ok {
		return m.fill(kv)
	}
	return l.localize(id, &i18n.LocalizeConfig{MessageID: id, PluralCount: count, TemplateData: pairs(kv)})
}

// Has reports whether a message exists, for ids that come from data.
func (l *Locale) Has(id string) bool {
	id = l.own(id)
	if _, ok := l.words.single[id]; ok {
		return true
	}
	_, err := l.words.others.Localize(&i18n.LocalizeConfig{MessageID: id})
	return err == nil
}

// own is the message that stands for id with these readers.
func (l *Locale) own(id string) string {
	if l.staff {
		if other, ok := l.words.staff[id]; ok {
			return other
		}
	}
	return id
}

func (l *Locale) localize(id string, c *i18n.LocalizeConfig) string {
	text, err := l.words.others.Localize(c)
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
