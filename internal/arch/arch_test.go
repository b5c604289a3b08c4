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
	{"migration", []string{"internal/..."}},
	{"migration/", []string{"internal/...", "migration"}},
	{"migration/refund", []string{"internal/...", "migration", "migration/refund/..."}},
	{"migration/refund/payout", []string{"internal/...", "migration/refund/payout/..."}},
