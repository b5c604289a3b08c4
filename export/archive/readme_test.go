package archive

import (
	"strings"
	"testing"

	"offramp/internal/locale"
)

// TestTheReadmeSpeaksEveryLanguage holds the parts of README.txt against the languages that there are messages in.
func TestTheReadmeSpeaksEveryLanguage(t *testing.T) {
	t.Parallel()
	h := sampleHeader
	text, err := readme(h)
	must(t, err)
	for _, tag := range locale.Tags() {
		raw, err := readmeFiles.ReadFile("readme/" + tag + ".txt.tmpl")
		if err != nil {
			t.Errorf("README.txt has no part in %s", tag)
			continue
		}
		if first, _, _ := strings.Cut(string(raw), "\n"); !strings.Contains(string(text), "\r\n\r\n"+first+"\r\n") {
			t.Errorf("README.txt does not have %s", first)
		}
	}
	if all := len(readmeTemplates.Templates()); all != len(locale.Tags()) {
		t.Errorf("%d parts for %d languages", all, len(locale.Tags()))
	}
}
