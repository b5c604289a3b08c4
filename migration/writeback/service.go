package writeback

import (
	"context"
	"log/slog"
	"net/http"

	"offramp/internal/db"
)

// Options are what a Service needs. One that only tells how sinks stand needs none of them.
type Options struct {
	Worker string                          // name of this process among those that deliver
	End    func(name string) Sink          // what this process was told of a sink; the zero Sink: nothing
	Record func(ctx context.Context) error // writes down the sinks of versions that lack them; may be nil
	Client *http.Client                    // of internal/outbound; its time-out and cap bound each try
	Source string                          // CloudEvents source: the portal's address
	Logger *slog.Logger
}

// Service delivers, and is what staff may ask about deliveries. Safe for concurrent use.
type Service struct {
	Options
	db       *db.DB
	store    store
	pauses   pauses
	unserved reminder
}

// New works on d and its clock.
func New(d *db.DB, o Options) *Service { return &Service{Options: o, db: d} }

// Filter narrows a list of deliveries; empty fields do not. Limit defaults to 50.
type Filter struct {
	Sink          string
	State         State
	CustomerID    string
	Limit, Offset int
}

// List returns deliveries within scope, newest first.
func (s *Service) List(ctx context.Context, scope db.Scope, f Filter) (list []Delivery, err error) {
	if f.Limit <= 0 {
		f.Limit = 50
	}
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		list, err = s.store.list(ctx, tx, f)
		return err
	})
	return list, err
}
