package examples_test

import (
	"testing"

	"offramp/deploy/examples"
	"offramp/migration"
)

func TestExamplesAreSound(t *testing.T) {
	for name, source := range map[string][]byte{"hezhou": examples.Hezhou, "chinook": examples.Chinook} {
		p, err := migration.ReadProgramme(source)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		t.Logf("%s: %d datasets, warnings: %v", name, len(p.Datasets), p.Warnings)
	}
}
