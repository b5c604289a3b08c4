package ops

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"
	"riverqueue.com/riverui"

	"offramp/export"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration/writeback"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	db      *db.DB
	exports *export.Service
	river   *riverui.Handler
	sinks   *writeback.Service
}

// New builds the console. queue may only insert.
func New(k *page.Kit, d *db.DB, exports *export.Service, queue *jobs.Client, log *slog.Logger) (*Pages, error) {
	river, err := riverPages(queue, log)
	if err != nil {
		return nil, err
	}
	return &Pages{Kit: k, db: d, exports: exports, river: river, sinks: writeback.New(d, writeback.Options{Logger: log})}, nil
}

// Start begins to keep the figures of River's pages fresh, until ctx ends.
func (p *Pages) Start(ctx context.Context) error { return p.river.Start(ctx) }

// ShowOverview is what runs, what waits and what is stuck.
func (p *Pages) ShowOverview(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	queue, err := jobs.Look(ctx, p.db)
	if err != nil {
		return err
	}
	exports, err := p.exports.Overview(ctx, v.Session.IdentityID)
	if err != nil {
		return err
	}
	sinks, err := p.sinks.Summary(ctx, scope(c))
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("ops.title"), "operations")
	return page.Render(c, http.StatusOK, overviewPage(buildOverview(v, queue, exports, sinks, layout)))
}
