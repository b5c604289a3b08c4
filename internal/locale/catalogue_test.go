package locale

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (

	// halfWidth finds ASCII punctuation where Chinese sets its own.
	halfWidth = regexp.MustCompile(`\p{Han}\s*[,;:!?()]|[,;:!?()]\s*\p{Han}|\p{Han}\.(\p{Han}|$)`)
	// spaced finds a space typed between Chinese and Latin; the stylesheet adds the distance.
	spaced = regexp.MustCompile(`\p{Han} (\{\{|[A-Za-z0-9])|(\}\}|[A-Za-z0-9]) \p{Han}`)
)

// catalogue reads all messages of a language and fails for an id in two files.
func catalogue(t *testing.T, tag string) map[string]forms {
	t.Helper()
	paths, err := fs.Glob(files, "messages/*."+tag+".json")
	if err != nil {
		t.Fatal(err)
	}
	home, all := map[string]string{}, map[string]forms{}
	for _, path := range paths {
		for id, forms := range readFile(path) {
			if other, taken := home[id]; taken {
				t.Errorf("%s is in %s and in %s", id, other, path)
			}
			home[id], all[id] = path, forms
		}
	}
	return all
}

func names(forms forms) []string {
	found := []string{}
	for _, text := range forms {
		for _, m := range slot.FindAllStringSubmatch(text, -1) {
			// Each language decides for itself where the counted number stands.
			if name := m[1]; name != "Count" && name != "PluralCount" && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return found
}

func TestCataloguesAgree(t *testing.T) {
	english := catalogue(t, Default)
	for _, tag := range tags[1:] {
		other := catalogue(t, tag)
		for id, forms := range english {
			if _, ok := other[id]; !ok {
				t.Errorf("%s: no %s", tag, id)
				continue
			}
			if diff := cmp.Diff(names(forms), names(other[id])); diff != "" {
				t.Errorf("%s: placeholders of %s differ (-en +%s):\n%s", tag, id, tag, diff)
			}
			if plural := len(forms) > 1; plural && other[id]["other"] == "" {
				t.Errorf("%s: %s has no form \"other\"", tag, id)
			}
		}
		for id := range other {
			if _, ok := english[id]; !ok {
				t.Errorf("en: no %s, which %s has", id, tag)
			}
		}
	}
}

func TestCataloguesHaveNoEmptyMessage(t *testing.T) {
	for _, tag := range tags {
		for id, forms := range catalogue(t, tag) {
			if forms["other"] == "" {
				t.Errorf("%s: %s is empty or has no form \"other\"", tag, id)
			}
			for form, text := range forms {
				if text != strings.TrimSpace(text) {
					t.Errorf("%s: %s (%s) begins or ends with a space", tag, id, form)
				}
			}
		}
	}
}

func TestChinesePunctuation(t *testing.T) {
	for id, forms := range catalogue(t, "zh-CN") {
		for _, text := range forms {
			if halfWidth.MatchString(text) {
				t.Errorf("%s: half-width punctuation beside Chinese: %s", id, text)
			}
			if spaced.MatchString(text) {
				t.Errorf("%s: space typed between Chinese and Latin: %s", id, text)
			}
		}
	}
}

func TestChineseRulesFindFaults(t *testing.T) {
	for _, text := range []string{"您好,世界", "完成(共三步)", "完成.", "共 3 步", "{{.Name}} 已完成", "下载 {{.Size}}"} {
		if !halfWidth.MatchString(text) && !spaced.MatchString(text) {
			t.Errorf("no fault found in %q", text)
		}
	}
	for _, text := range []string{"已处理{{.Done}} / {{.Total}}", "添加到日历（.ics）", "远岸 · 客户", "09:00–18:00"} {
		if halfWidth.MatchString(text) || spaced.MatchString(text) {
			t.Errorf("fault found in %q", text)
		}
	}
}

func TestMessages(t *testing.T) {
	en, zh := For("en"), For("zh-CN")
	for _, c := range []struct{ got, want string }{
		{en.T("ui.back"), "Back"},
		{zh.T("ui.back"), "返回"},
		{en.T("ui.tasks.progress", "Done", 1, "All", 5), "1 of 5 completed"},
		{zh.T("ui.tasks.progress", "Done", 1, "All", 5), "已完成1项，共5项"},
		{en.N("time.days_left", 1), "1 day left"},
		{en.N("time.days_left", 1101), "1,101 days left"},
		{zh.N("time.days_left", 1), "还有1天"},
		{en.T("ui.tasks.progress", "Done", int64(1)), "1 of <no value> completed"},
		{en.T("no.such_message"), "⟦no.such_message⟧"},
		{zh.N("no.such_message", 2), "⟦no.such_message⟧"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func BenchmarkPlainMessage(b *testing.B) {
	l := For("zh-CN")
	for b.Loop() {
		l.T("ui.back")
	}
}

func BenchmarkFilledMessage(b *testing.B) {
	l := For("zh-CN")
	for b.Loop() {
		l.T("ui.tasks.progress", "Done", 1, "All", 5)
	}
}
