package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// moving are the calls that echo's next major version has under another name or shape, with the helper of portal/page to use.
var moving = map[string]*regexp.Regexp{
	"page.Refuse":                         regexp.MustCompile(`\becho\.(NewHTTPError\(|HTTPError\b)`),
	"page.Control":                        regexp.MustCompile(`\.Response\(\)\.Writer\b`),
	"page.Sent":                           regexp.MustCompile(`\.Response\(\)\.(Committed|Status|Size)\b`),
	"page.Match":                          regexp.MustCompile(`\.Router\(\)\.Find\(`),
	"page.NewEcho":                        regexp.MustCompile(`\becho\.New\(\)|\.Hide(Banner|Port)\b`),
	"the error handler of portal/fail.go": regexp.MustCompile(`\.HTTPErrorHandler\b`),
}

// TestWhatEchoRenamesStandsInOneFile holds the portal to the helpers, so that leaving echo v4 stays the change of one folder
// and those calls the change of one file.
func TestWhatEchoRenamesStandsInOneFile(t *testing.T) {
	const home = "../../portal/page/framework.go"
	seen := 0
	err := filepath.WalkDir("../../portal", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == home {
			return err
		}
		source, err := os.ReadFile(path) // our own tree
		seen++
		for helper, call := range moving {
			if found := call.Find(source); found != nil {
				t.Errorf("%s calls %s; use %s", path, found, helper)
			}
		}
		return err
	})
	if err != nil || seen < 100 {
		t.Fatalf("%d files, %v", seen, err)
	}
}
