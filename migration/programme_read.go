package migration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"offramp/internal/db"
)

// freshness is how long a process may go on with a programme that another one has replaced.
const freshness = 2 * time.Second

// programmeCache holds the active programme, parsed. Reading it takes no lock; one caller at a time asks the database
// whether it still holds, and the others go on with what is there.
type programmeCache struct {
	entry atomic.Pointer[cachedProgramme]
	asks  sync.Mutex
}

type cachedProgramme struct {
	programme *Programme
	until     time.Time // by the machine's clock: this is about age, not about what day it is
}

func (c *programmeCache) forget() { c.entry.Store(nil) }

// Active returns the programme in effect. Pages may call it for each request: it is parsed once a version and looked up at
// most every two seconds. ErrNoProgramme before the first approval.
func (s *Programmes) Active(ctx context.Context) (*Programme, error) {
	cached := s.cache.entry.Load()
	if cached != nil && (time.Now().Before(cached.until) || !s.cache.asks.TryLock()) {
		return cached.programme, nil
	}
	if cached == nil {
		s.cache.asks.Lock()
	}
	defer s.cache.asks.Unlock()
	if fresh := s.cache.entry.Load(); fresh != nil && time.Now().Before(fresh.until) { // another caller was faster
		return fresh.programme, nil
	}
	until := time.Now().Add(freshness)
	number, err := s.store.activeNumber(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("look up the active programme: %w", err)
	case number == 0:
		return nil, ErrNoProgramme
	}
	p := (*Programme)(nil)
	if cached != nil && cached.programme.Version == number {
		p = cached.programme
	} else if p, err = s.read(ctx, number); err != nil {
		return nil, err
	}
	s.cache.entry.Store(&cachedProgramme{programme: p, until: until})
	return p, nil
}

func (s *Programmes) read(ctx context.Context, number int) (*Programme, error) {
	v, err := s.store.one(ctx, s.db.Pool, `version = $1`, number)
	if err != nil {
		return nil, err
	}
	p, err := ReadProgramme([]byte(v.Source))
	if err != nil {
		return nil, fmt.Errorf("read programme version %d: %w", number, err)
	}
	p.Version = number
	return p, nil
}

// List returns all versions without their sources, newest first.
func (s *Programmes) List(ctx context.Context) ([]Version, error) { return s.store.list(ctx) }

// Get returns one version. ErrUnknownProgramme when there is none.
func (s *Programmes) Get(ctx context.Context, version int) (Version, error) {
	return s.store.one(ctx, s.db.Pool, `version = $1`, version)
}

// Diff tells what a version changes: of the active version while it waits, else of the version approved before it.
func (s *Programmes) Diff(ctx context.Context, version int) (proposal Proposal, err error) {
	err = s.db.InTx(ctx, db.SystemScope("compare programme"), func(tx *db.Tx) error {
		v, err := s.store.one(ctx, tx.Pgx, `version = $1`, version)
		if err != nil {
			return err
		}
		before, err := s.store.one(ctx, tx.Pgx,
			`approved_at IS NOT NULL AND version < $1 ORDER BY version DESC LIMIT 1`, version)
		if err != nil && !errors.Is(err, ErrUnknownProgramme) {
			return err
		}
		p, err := ReadProgramme([]byte(v.Source))
		if err != nil {
			return fmt.Errorf("read programme version %d: %w", version, err)
		}
		proposal, err = s.compare(ctx, tx, v, p, before)
		return err
	})
	return proposal, err
}
