package audit

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/audit"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Log       *Log
	Customers *migration.Service
}

// maxSeq is a number that no log will reach, and that can be counted on from.
const maxSeq = 1 << 53

// shown is how many entries one page holds.
const shown = 50

// ShowLog lists the entries that a filter leaves, newest first.
func (p *Pages) ShowLog(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	f, err := readFilter(c)
	if refused, ok := fault.As(err); ok && len(refused.Fields) == 0 {
		return err
	}
	list := list{filter: f, refused: err}
	status := http.StatusOK
	if err == nil {
		var exact audit.Filter
		exact, list.refused = f.exact(ctx, v, p.Customers)
		if refused, ok := fault.As(list.refused); list.refused != nil && (!ok || len(refused.Fields) == 0) {
			return list.refused
		}
		if list.refused == nil {
			if list.rows, list.more, err = p.Log.List(ctx, v.Session.IdentityID, exact, f.before, shown); err != nil {
				return err
			}
		}
	}
	if list.refused != nil {
		status = http.StatusUnprocessableEntity
	}
	if list.names, err = p.names(ctx, v, list.rows); err != nil {
		return err
	}
	return page.Render(c, status, logPage(buildLog(v, list, console.Layout(p.Kit, c, v.Locale.T("console.audit"), "audit"))))
}

// ShowEntry is one entry in full.
func (p *Pages) ShowEntry(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	seq, err := strconv.ParseInt(c.Param("id"), 10, 64)
	if err != nil || seq < 1 || seq > maxSeq || strconv.FormatInt(seq, 10) != c.Param("id") {
		return ErrNoEntry
	}
	row, err := p.Log.Get(ctx, v.Session.IdentityID, seq)
	if err != nil {
		return err
	}
	names, err := p.names(ctx, v, []audit.Row{row})
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("console.entry", "Number", seq), "audit")
	return page.Render(c, http.StatusOK, entryPage(buildEntry(v, row, names, layout)))
}

// CheckChain verifies the whole log and shows what was found.
func (p *Pages) CheckChain(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v := page.Of(c)
	report, err := p.Log.Verify(c.Request().Context(), v.Session.IdentityID)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("console.chain"), "audit")
	layout.Path = "/console/audit" // what other addresses return to after this POST
	return page.Render(c, http.StatusOK, chainPage(buildChain(v, report, layout)))
}

func (p *Pages) names(ctx context.Context, v *page.Visit, rows []audit.Row) (map[string]string, error) {
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.Actor
	}
	return p.Customers.Names(ctx, v.Session.IdentityID, ids)
}

// customerOf finds a customer by number, for the filter.
func customerOf(ctx context.Context, v *page.Visit, customers *migration.Service, ref string) (string, error) {
	id, err := customers.CustomerID(ctx, v.Session.IdentityID, ref)
	if errors.Is(err, migration.ErrUnknownCustomer) {
		return "", errFilter.Field("customer", "console.audit.no_customer", nil)
	}
	return id, err
}
