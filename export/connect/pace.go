package connect

import (
	"context"
	"log/slog"
	"time"

	"offramp/export/source"
	"offramp/internal/db"
)

// pacer keeps one source's pace for all worker processes that share a database.
type pacer struct {
	store paceStore
	log   *slog.Logger
	key   string
}

// WithPace has all processes that use d keep one pace for each HTTP API together; without it, and while d is out of
// reach, each keeps its own.
func (s *Sources) WithPace(d *db.DB, log *slog.Logger) *Sources {
	s.pace = &pacer{store: paceStore{db: d}, log: log}
	return s
}

// pacerOf is nil where a process paces itself.
func (s *Sources) pacerOf(key string) source.Pacer {
	if s.pace == nil {
		return nil
	}
	p := *s.pace
	p.key = key
	return p
}

// Take implements source.Pacer.
func (p pacer) Take(ctx context.Context, n int, every time.Duration) (time.Duration, error) {
	wait, err := p.store.keepPace(ctx, p.key, time.Duration(n)*every, 0)
	if err != nil && ctx.Err() == nil {
		p.log.WarnContext(ctx, "this process keeps a source's pace alone", slog.String("source", p.key), slog.Any("error", err))
	}
	return wait, err
}

// Hold implements source.Pacer.
func (p pacer) Hold(ctx context.Context, d time.Duration) error {
	_, err := p.store.keepPace(ctx, p.key, 0, d)
	return err
}
