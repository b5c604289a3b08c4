package finance

import (
	"context"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/refund"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Addresses of the console.
const (
	QueuePath   = "/console/finance/refunds"
	TasksPath   = "/console/finance/tasks"
	BatchesPath = "/console/finance/batches"
	BankPath    = "/console/finance/reconciliation"
	ReportsPath = "/console/finance/reports"
)

// ImportBody is room for a file of bank results.
const ImportBody = 64 << 20

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Refunds   *refund.Service
	Customers *migration.Service
}

// staff is the identity of the member of staff who asks.
func staff(c echo.Context) string { return page.Of(c).Session.IdentityID }

// layout is the shell with a place of the navigation marked.
func (p *Pages) layout(c echo.Context, title, active string) ui.Page {
	return p.AsPaper(c, console.Layout(p.Kit, c, title, active))
}

// names finds the people behind identity and contact ids.
func (p *Pages) names(ctx context.Context, staffID string, ids ...string) (people, error) {
	var some []string
	for _, id := range ids {
		if id != "" && id != "system" && !slices.Contains(some, id) {
			some = append(some, id)
		}
	}
	if len(some) == 0 {
		return nil, nil
	}
	return p.Customers.Names(ctx, staffID, some)
}

// people are names by id.
type people map[string]string

// of names one; the id itself where nobody is known by it.
func (n people) of(id string) string {
	if name := n[id]; name != "" {
		return name
	}
	return id
}

// refusal is what a page shows of an act that was refused and leaves the reader on the page; nil for faults that have a page
// of their own, such as what does not exist.
func refusal(v *page.Visit, err error) *ui.Banner {
	f, ok := fault.As(err)
	if !ok || f.Kind != fault.Conflict && f.Kind != fault.Forbidden {
		return nil
	}
	return &ui.Banner{Tone: "bad", Title: v.Locale.T(f.Key, pairs(f.Args)...)}
}

// pairs are a message's placeholders as T takes them.
func pairs(args map[string]any) []any {
	list := make([]any, 0, 2*len(args))
	for k, v := range args {
		list = append(list, k, v)
	}
	return list
}

// wrong are the faults of single fields, in words.
func wrong(v *page.Visit, err error) map[string]string {
	f, ok := fault.As(err)
	if !ok {
		return nil
	}
	texts := map[string]string{}
	for _, x := range f.Fields {
		texts[x.Name] = v.Locale.T(x.Key, moneyed(v.Locale, x.Args)...)
	}
	return texts
}
