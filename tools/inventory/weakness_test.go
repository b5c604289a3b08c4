package inventory_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// check runs the check of known weaknesses against a database of ours, as on a machine without a way to the public one.
func check(t *testing.T, database string) (said string, failed bool) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "../vulnerable", "-scan=package")
	c.Env = append(os.Environ(), "OFFRAMP_TEST_VULNDB=http://127.0.0.1:1", "GOVULNDB=")
	if database != "" {
		dir, err := filepath.Abs("../testdata/" + database)
		if err != nil {
			t.Fatal(err)
		}
		c.Env = append(c.Env, "GOVULNDB=file://"+dir)
	}
	out, err := c.CombinedOutput()
	return string(out), err != nil
}

func TestS01_AKnownWeaknessFailsTheBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("reads the whole program")
	}
	if said, failed := check(t, "weak"); !failed || !strings.Contains(said, "GO-2026-99999") {
		t.Errorf("a weakness of a module that we use: failed %t: %s", failed, said)
	}
	if said, failed := check(t, "mended"); failed || !strings.Contains(said, "checking against file://") {
		t.Errorf("a weakness that our version has no more: failed %t: %s", failed, said)
	}
	if said, failed := check(t, ""); failed || !strings.Contains(said, "NOTHING WAS CHECKED") {
		t.Errorf("no database at all: failed %t: %s", failed, said)
	}
}
