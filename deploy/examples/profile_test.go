package examples_test

import (
	"testing"

	"offramp/deploy/examples"
	"offramp/export/profile"
	"offramp/internal/locale"
	"offramp/migration"
)

// TestEveryReplacementSaysWhatItLoses compiles the examples' profiles and words their losses in both languages.
func TestEveryReplacementSaysWhatItLoses(t *testing.T) {
	for name, source := range map[string][]byte{"hezhou": examples.Hezhou, "chinook": examples.Chinook} {
		p, err := migration.ReadProgramme(source)
		if err != nil {
			t.Fatalf("%s: %v", name, migration.FindingsOf(err))
		}
		if len(p.Replacements) == 0 {
			t.Errorf("%s has no replacement", name)
		}
		for _, r := range p.Replacements {
			made, findings := profile.Compile(r, p.Datasets)
			if len(findings) > 0 {
				t.Errorf("%s, %s: %v", name, r.Key, findings)
				continue
			}
			if len(made.Losses()) == 0 {
				t.Errorf("%s, %s loses nothing, which nobody will believe", name, r.Key)
			}
			for _, l := range made.Losses() {
				t.Logf("%s: %s / %s", r.Key, l.In(locale.For("en")), l.In(locale.For("zh-CN")))
			}
		}
	}
}
