package notice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"offramp/internal/db"
)

const (
	wholeEvery  = time.Hour        // for a pass over all customers, whatever is known
	overlap     = 10 * time.Minute // longer than a transaction lasts, and than clocks of processes differ
	mostChanged = 10_000           // customers, above which all are gone through
)

// passes is what earlier passes of this process have settled, so that the next ones look only at what has changed since: who is due
// follows from the customer, the journey, extensions and the use of features, each of which bears the time of its last change.
// It is kept in memory alone: a process that starts goes through everybody.
type passes struct {
	mu      sync.Mutex
	at      time.Time         // of the last pass
	whole   time.Time         // of the last one over all customers
	version int               // of the programme
	zones   []string          // that customers are in
	done    map[string]string // notice -> digest of the waves that all customers were gone through for
}

// scope is whom one pass looks at.
type scope struct {
	whole   bool     // everybody
	changed []string // ids of customers that have changed since the last pass
	zones   []string
}

// scope tells whom a pass has to look at.
func (s *Service) scope(ctx context.Context, tx *db.Tx) (scope, error) {
	last := &s.passes
	if last.at.IsZero() || tx.Now.Before(last.at) || tx.Now.Sub(last.whole) >= wholeEvery {
		return s.wholeScope(ctx, tx)
	}
	changed, zones, recounted, err := s.store.changed(ctx, tx, last.at.Add(-overlap), mostChanged+1)
	if err != nil {
		return scope{}, err
	}
	if recounted || len(changed) > mostChanged {
		return s.wholeScope(ctx, tx)
	}
	zones = append(zones, last.zones...)
	slices.Sort(zones)
	return scope{changed: changed, zones: slices.Compact(zones)}, nil
}

func (s *Service) wholeScope(ctx context.Context, tx *db.Tx) (scope, error) {
	zones, err := s.store.zones(ctx, tx)
	return scope{whole: true, zones: zones}, err
}

// passed keeps what a pass that was committed has settled. done has the notices that were planned.
func (p *passes) passed(at time.Time, version int, sc scope, done map[string]string) {
	p.at, p.version, p.zones, p.done = at, version, sc.zones, done
	if sc.whole {
		p.whole = at
	}
}

// digest is over all that decides who is due, but for the customers themselves.
func digest(version int, waves []wave) string {
	sum := sha256.New()
	fmt.Fprintln(sum, version)
	for _, w := range waves {
		fmt.Fprintf(sum, "%s %q %s %s\n", w.hash, w.core, w.base, w.moved)
		for _, stage := range w.stages {
			fmt.Fprintf(sum, "%q %d %s %d\n", stage.zone, stage.Days, stage.Day, stage.at.Unix())
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}
