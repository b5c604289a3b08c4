package examples_test

import (
	"os"
	"testing"

	"offramp/deploy/examples"
	"offramp/migration"
)

func TestExamplesAreSound(t *testing.T) {
	first, err := os.ReadFile("first/programme.yaml") // where docs/install.md begins
	if err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string][]byte{"hezhou": examples.Hezhou, "chinook": examples.Chinook, "first": first} {
		p, err := migration.ReadProgramme(source)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%s: %d datasets, warnings: %v", name, len(p.Datasets), p.Warnings)
	}
}
