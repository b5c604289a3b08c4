// Package overview shows programme managers how far the retirement has come: where customers stand in the five steps, who is at risk,
// when everybody will have moved, and what waits for people today. Each figure opens the list behind it.
package overview

import (
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/internal/spreadsheet"
	"offramp/migration"
	"offramp/migration/governance/approval"
	"offramp/migration/governance/rollup"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Where the pages are.
const (
	Path          = "/console/overview"
	CustomersPath = Path + "/customers"
)

// errNone is a list that no figure opens.
var errNone = fault.New(fault.NotFound, "overview.no_list")

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Rollups   *rollup.Service
	Approvals *approval.Service
}

func by(c echo.Context) string { return page.Of(c).Session.IdentityID }

// desk is what was read for the overview.
type desk struct {
	counts  rollup.Counts
	history []rollup.Point
	today   rollup.Today
	day     migration.Day
	papers  []approval.Paper // that wait for the reader
	more    bool
}

func (p *Pages) read(c echo.Context) (d desk, err error) {
	v, ctx := page.Of(c), c.Request().Context()
	d.day = migration.DayOf(v.Now.In(v.Programme.Zone))
	if d.counts, err = p.Rollups.Read(ctx, by(c)); err != nil {
		return d, err
	}
	if d.history, err = p.Rollups.History(ctx, by(c)); err != nil {
		return d, err
	}
	if d.today, err = p.Rollups.Today(ctx, by(c), d.day); err != nil {
		return d, err
	}
	d.papers, d.more, err = p.Approvals.List(ctx, by(c), "waits", "")
	return d, err
}

// Show is the overview.
func (p *Pages) Show(c echo.Context) error {
	d, err := p.read(c)
	if err != nil {
		return err
	}
	v := page.Of(c)
	layout := p.AsPaper(c, console.Layout(p.Kit, c, v.Locale.T("overview.title"), "overview"))
	return page.Render(c, http.StatusOK, overviewPage(buildOverview(v, d, layout)))
}

// DownloadFunnel sends the funnel as a table, with the numbers that the page shows.
func (p *Pages) DownloadFunnel(c echo.Context) error {
	d, err := p.read(c)
	if err != nil {
		return err
	}
	return p.send(c, "funnel.csv", funnelCells(page.Of(c), d.counts))
}

// DownloadDays sends how many had moved by each day, with the plan's number.
func (p *Pages) DownloadDays(c echo.Context) error {
	d, err := p.read(c)
	if err != nil {
		return err
	}
	return p.send(c, "days.csv", dayCells(page.Of(c), d))
}

func (p *Pages) send(c echo.Context, name string, lines [][]spreadsheet.Cell) error {
	return page.WriteFile(c, name, page.CSV, func(to io.Writer) error {
		w := spreadsheet.NewWriter(to)
		for _, line := range lines {
			if err := w.Write(line); err != nil {
				return err
			}
		}
		return w.Flush()
	})
}

// ShowCustomers is the list that a figure opens.
func (p *Pages) ShowCustomers(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	query, err := page.ReadQuery(c, page.Line("tier", 64), page.Line("step", 1), page.Line("status", 20), page.Line("after", 64))
	if err != nil {
		return err
	}
	step, err := strconv.Atoi(query.Get("step"))
	known := query.Get("status") == "" || slices.Contains(statuses, query.Get("status"))
	if err != nil || step < 1 || step > len(migration.Steps) || !known {
		return errNone
	}
	q := rollup.Query{Tier: query.Get("tier"), Status: query.Get("status"), Step: step, After: query.Get("after")}
	list, more, err := p.Rollups.List(ctx, by(c), q)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("overview.list"), "overview")
	return page.Render(c, http.StatusOK, customersPage(buildCustomers(v, q, list, more, layout)))
}
