package governance

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"offramp/migration"
)

func TestEveryBuiltInTemplateIsWhole(t *testing.T) {
	t.Parallel()
	list, err := BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, one := range list {
		counts[one.Key] = len(one.Items)
		for _, tag := range []string{"en", "zh-CN"} {
			texts := []migration.Text{one.Name, one.About}
			for _, p := range one.Phases {
				texts = append(texts, p.Name, p.Gate.Name)
				for _, f := range p.Gate.Facts {
					texts = append(texts, f.Name)
				}
			}
			for _, i := range one.Items {
				texts = append(texts, i.Name)
				if i.Why != nil {
					texts = append(texts, i.Why)
				}
			}
			for _, text := range texts {
				if text[tag] == "" {
					t.Errorf("%s: %v lacks %s", one.Key, text, tag)
				}
			}
		}
	}
	if counts["retirement"] < 58 || counts["light"] != 10 || len(list) != 4 || list[0].Key != "retirement" {
		t.Errorf("items by template: %v", counts)
	}
	if _, err := Source("../facts"); err == nil {
		t.Error("a file beside the templates is read")
	}
}

// TestG11_FaultyTemplatesAreRefusedWithTheLine names each fault, all at once.
func TestG11_FaultyTemplatesAreRefusedWithTheLine(t *testing.T) {
	t.Parallel()
	const head = "template: own\nname: {en: Own}\nphases:\n  - key: one\n    name: {en: One}\n    from: {milestone: announcement, days: 0}\n" +
		"    to: {milestone: announcement, days: 9}\n    gate: {name: {en: Gate}}\nitems:\n"
	item := func(key, rest string) string {
		return "  - {key: " + key + ", phase: one, name: {en: X}, department: legal, due: {milestone: service_end, days: -1}" + rest + "}\n"
	}
	for name, tt := range map[string]struct{ src, want string }{
		"a circle":            {head + item("a", ", after: [b]") + item("b", ", after: [c]") + item("c", ", after: [a]"), `12:.*items\[2\].after: waits in a circle: a -> b -> c -> a`},
		"waits for itself":    {head + item("a", ", after: [a]"), `10:.*"a" is no other item`},
		"unknown milestone":   {strings.Replace(head, "to: {milestone: announcement", "to: {milestone: party", 1) + item("a", ""), `7:.*"party" is no milestone`},
		"an optional one":     {strings.Replace(head, "to: {milestone: announcement", "to: {milestone: erasure", 1) + item("a", ""), `7:.*"erasure" is no milestone`},
		"twice the same key":  {head + item("a", "") + item("a", ""), `11:.*"a" is here a second time; it was first item 1`},
		"an unknown phase":    {head + strings.Replace(item("a", ""), "phase: one", "phase: two", 1), `10:.*"two" is no phase`},
		"a department":        {head + strings.Replace(item("a", ""), "legal", "lawyers", 1), `10:.*"lawyers" is no department`},
		"an unknown fact":     {head + item("a", `, fact: "unread == 0"`), `10:.*undeclared reference to 'unread'.*a rule may use customers`},
		"a fact that counts":  {head + item("a", `, fact: "unreached + 1"`), `10:.*gives int; a rule says true or false`},
		"two kinds of proof":  {head + item("a", `, fact: "unreached == 0", evidence: note`), `10:.*no other evidence`},
		"an act":              {strings.Replace(head, "gate: {name: {en: Gate}}", "gate: {name: {en: Gate}, blocks: [party]}", 1) + item("a", ""), `8:.*"party" cannot be blocked`},
		"ends before it may":  {strings.Replace(head, "days: 9", "days: -9", 1) + item("a", ""), `7:.*ends 9 days before it begins`},
		"an unknown key":      {head + item("a", ", when: now"), `10:.*unknown key`},
		"a key of no kind":    {head + item("Äh", ""), `10:.*is no key`},
		"no phases":           {"template: own\nname: {en: Own}\nphases: []\n", `3:.*has 0 phases`},
		"no name":             {strings.Replace(head, "name: {en: Own}\n", "", 1) + item("a", ""), `name: is missing`},
		"no YAML":             {"template: [", `:`},
		"nothing":             {"", `the file is empty`},
		"two documents":       {head + item("a", "") + "---\na: b\n", `second document`},
		"a very long wording": {head + strings.Replace(item("a", ""), "en: X", "en: "+strings.Repeat("x", 301), 1), `10:.*has 301 characters`},
	} {
		_, err := ReadTemplate([]byte(tt.src))
		if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadTemplate([]byte(head + item("a", "") + item("b", ", after: [a], must: false"))); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func TestAFactWithoutAResultDoesNotHold(t *testing.T) {
	t.Parallel()
	if ok, err := (Facts{}).Holds("10 / unreached > 1"); ok || err == nil {
		t.Errorf("%v %v", ok, err)
	}
	if ok, err := (Facts{Customers: 3, Announced: true}).Holds("announced && customers == 3"); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
}

func FuzzReadTemplate(f *testing.F) {
	files, err := filepath.Glob("templates/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		one, err := ReadTemplate(src)
		if err == nil && (one.Key == "" || len(one.Phases) == 0) {
			t.Errorf("read %+v", one)
		}
	})
}
