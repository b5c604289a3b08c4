// Package arch holds the house's import map as a test: which of our folders may import which, and where third parties live.
package arch

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "offramp/"

// rooms lists, for each folder, what it may import of ours. The longest matching prefix decides. "..." is everything below.
var rooms = []struct {
	folder string
	may    []string
}{
	{"internal/", []string{"internal/..."}},
	{"migration", []string{"internal/...", "migration/audience"}},
	{"migration/audience", []string{"internal/..."}},
	{"migration/notice", []string{"internal/...", "migration", "migration/audience", "migration/notice/..."}},
	{"migration/figures", []string{"internal/...", "migration", "migration/governance", "migration/governance/post"}},
	{"migration/governance", []string{"internal/...", "migration", "migration/governance/..."}},
	{"migration/governance/application", []string{"internal/...", "migration", "migration/governance", "migration/governance/..."}}, // fills its tables from the plan
	{"migration/", []string{"internal/...", "migration"}},
	{"migration/assistance", []string{"internal/...", "migration", "migration/assistance/..."}},
	{"migration/refund", []string{"internal/...", "migration", "migration/refund/..."}},
	{"migration/refund/payout", []string{"internal/...", "migration/refund/payout", "migration/refund/payout/..."}},
	{"auth", []string{"internal/...", "migration", "auth/oidc"}},
	{"auth/oidc", []string{"internal/...", "migration", "auth"}},
	{"auth/people", []string{"internal/...", "migration"}},
	{"export", []string{"internal/...", "migration", "export/..."}},
	{"export/", []string{"internal/...", "migration", "export/..."}},
	{"export/source/http", []string{"internal/...", "migration", "export/source"}},
	{"export/connect", []string{"internal/...", "migration", "export/source", "export/source/http"}}, // the programme's questions to the sources
	{"export/outline", []string{"internal/...", "migration", "export", "export/connect", "export/source"}},
	{"export/delivery", []string{"internal/...", "migration", "export", "export/storage"}}, // hands over what export has made
	{"portal", []string{"internal/...", "migration", "migration/...", "auth", "auth/oidc", "auth/people", "export", "export/...", "portal/...", "static"}},
	{"portal/ui", []string{"internal/...", "portal/ui", "static"}},
	{"portal/brand", []string{"internal/..."}},
	{"portal/", []string{"internal/...", "migration", "migration/...", "auth", "auth/oidc", "auth/people", "export", "export/...", "portal/...", "static"}},
	{"static", []string{"internal/..."}},
	{"deploy/schema", nil},
	{"deploy/local", []string{"..."}},
	{"deploy/local/process", nil},
	{"deploy/local/postgres", []string{"deploy/local/process"}},
	{"deploy/examples", nil},
	{"cmd/demo", []string{"..."}},
	{"cmd/offramp", []string{"cmd/offramp/erasing", "internal/...", "migration", "migration/...", "auth", "auth/oidc", "auth/people", "export", "export/...", "portal", "portal/...", "static", "deploy/schema"}},
	{"cmd/", []string{"..."}},
	{"tools/", []string{"..."}},
}

// homes says where a third party may be imported outside tests: folder prefixes, or file names that start with "*".
var homes = map[string][]string{
	"github.com/a-h/templ":             {"portal/", "export/archive/"},
	"gorm.io/":                         {"internal/db/", "*store.go", "*store_"},
	"github.com/labstack/echo/":        {"portal/", "tools/bench"},
	"github.com/coreos/go-oidc/":       {"auth/oidc/"},
	"github.com/aws/aws-sdk-go-v2":     {"export/storage/", "export/source/", "internal/secret/awskms/", "deploy/local/", "cmd/demo/", "tools/"},
	"github.com/riverqueue/":           {"internal/jobs/", "deploy/schema/", "cmd/", "*worker.go", "*worker_", "tools/"},
	"github.com/versity/versitygw":     {"deploy/local/"},
	"github.com/zitadel/oidc":          {"deploy/local/"},
	"github.com/emersion/go-smtp":      {"internal/mail/inbound/", "deploy/local/"},
	"github.com/emersion/go-imap":      {"internal/mail/inbound/"},
	"github.com/chromedp/chromedp":     {"deploy/local/", "tools/"},
	"github.com/wneessen/go-mail":      {"internal/mail/", "cmd/offramp/"},
	"github.com/prometheus/":           {"portal/", "internal/", "cmd/", "export/", "migration/"},
	"github.com/Shopify/toxiproxy":     {"deploy/local/"},
	"github.com/arran4/golang-ical":    {"portal/"},
	"github.com/goccy/go-yaml":         {"migration/"},
	"github.com/nicksnyder/go-i18n/v2": {"internal/locale/"},
	"github.com/go-sql-driver/mysql":   {"export/source/", "deploy/local/"},
	"github.com/stripe/stripe-go":      {"migration/refund/payout/stripe/"},
	"encoding/csv":                     {"internal/spreadsheet/"}, // so that every table is read and written by one rule
	"github.com/nsmithuk/local-kms":    {"deploy/local/localkms/"},
	"github.com/stripe/stripe-mock":    {"deploy/local/"},
	// What is broken as a hash or a cipher, or can be guessed, stays out of everything that proves, seals or names.
	"crypto/md5":    nil,
	"crypto/des":    nil,
	"crypto/rc4":    nil,
	"crypto/dsa":    nil,
	"crypto/sha1":   {"export/archive/locked/"},                               // the format of locked archives demands it, within PBKDF2 and HMAC
	"math/rand":     {"deploy/local/", "tools/", "*once.go", "*writeback.go"}, // how long to wait before the next try
	"unsafe":        nil,
	"text/template": {"internal/mail/", "export/archive/", "portal/customer/", "deploy/local/"}, // of texts that are compiled in
	"html/template": {"internal/mail/", "deploy/local/"},
}

type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
		var p listed
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range packages(t) {
		folder := strings.TrimPrefix(p.ImportPath, module)
		may, ok := roomOf(folder)
		if !ok {
			t.Errorf("%s has no entry in the import map", folder)
			continue
		}
		for _, i := range p.Imports {
			if ours, ok := strings.CutPrefix(i, module); ok && !allowed(ours, may) {
				t.Errorf("%s imports %s, which the import map does not allow", folder, ours)
			}
		}
	}
}

func roomOf(folder string) ([]string, bool) {
	best, length := []string(nil), -1
	for _, r := range rooms {
		exact := r.folder == folder
		below := strings.HasSuffix(r.folder, "/") && strings.HasPrefix(folder, r.folder)
		under := !strings.HasSuffix(r.folder, "/") && strings.HasPrefix(folder, r.folder+"/") && r.folder != "migration" && r.folder != "auth" && r.folder != "export" && r.folder != "portal"
		if (exact || below || under) && len(r.folder) > length {
			best, length = r.may, len(r.folder)
		}
	}
	return best, length >= 0
}

func allowed(target string, may []string) bool {
	for _, m := range may {
		prefix, deep := strings.CutSuffix(m, "...")
		if target == m || deep && strings.HasPrefix(target, prefix) {
			return true
		}
	}
	return false
}

func TestThirdPartiesStayAtHome(t *testing.T) {
	for _, p := range packages(t) {
		folder := strings.TrimPrefix(p.ImportPath, module)
		for _, file := range p.GoFiles {
			for _, imported := range importsOf(t, filepath.Join(p.Dir, file)) {
				for party, where := range homes {
					if strings.HasPrefix(imported, party) && !atHome(folder+"/", file, where) {
						t.Errorf("%s/%s imports %s, whose home is %s", folder, file, imported, strings.Join(where, ", "))
					}
				}
			}
		}
	}
}

func atHome(folder, file string, where []string) bool {
	for _, w := range where {
		if name, ok := strings.CutPrefix(w, "*"); ok {
			if strings.HasPrefix(file, name) || strings.HasSuffix(file, name) {
				return true
			}
		} else if strings.HasPrefix(folder, w) {
			return true
		}
	}
	return false
}
