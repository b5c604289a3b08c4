package migration

import (
	"context"
	"fmt"

	"github.com/goccy/go-yaml"

	"offramp/internal/db"
)

// sinkNames are the sinks that p names, in the file's order.
func (p *Programme) sinkNames() []string {
	names := make([]string, 0, len(p.Sinks))
	for _, s := range p.Sinks {
		names = append(names, s.Name)
	}
	return names
}

// sinksOf reads the names of a stored version's sinks and nothing else, so that a version of long ago, which today's checks might
// refuse, still says where its events went.
func sinksOf(source string) ([]string, error) {
	var file struct {
		Sinks []Sink `yaml:"sinks"`
	}
	if err := yaml.Unmarshal([]byte(source), &file); err != nil {
		return nil, err
	}
	return (&Programme{Sinks: file.Sinks}).sinkNames(), nil
}

// RecordSinks writes down which sinks each version names where that was not done with the version, as by a binary that knew no such
// table. Until it is done for the active version, events wait.
func (s *Programmes) RecordSinks(ctx context.Context) error {
	return s.db.InTx(ctx, db.SystemScope("record sinks"), func(tx *db.Tx) error {
		versions, err := s.store.withoutSinks(ctx, tx)
		if err != nil {
			return err
		}
		for _, v := range versions {
			names, err := sinksOf(v.Source)
			if err != nil {
				return fmt.Errorf("read the sinks of programme version %d: %w", v.Number, err)
			}
			if err := s.store.putSinks(ctx, tx, v.Number, names); err != nil {
				return err
			}
		}
		return nil
	})
}
