package audit

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/internal/audit"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
)

// errFilter carries what is wrong with the fields of the filter.
var errFilter = fault.New(fault.Invalid, "fault.input")

// filter is what the auditor asked for, as it was written.
type filter struct {
	actor, customer, object, act, from, to string
	before                                 int64
}

func readFilter(c echo.Context) (filter, error) {
	q, err := page.ReadQuery(c, page.Line("actor", 100), page.Line("customer", 60), page.Line("object", 100), page.Line("act", 60),
		page.Line("from", 10), page.Line("to", 10), page.Line("before", 20))
	f := filter{actor: q.Get("actor"), customer: q.Get("customer"), object: q.Get("object"), act: q.Get("act"), from: q.Get("from"), to: q.Get("to")}
	if n, bad := strconv.ParseInt(q.Get("before"), 10, 64); bad == nil && n > 0 {
		f.before = n
	}
	return f, err
}

// exact turns names, numbers and days into what the log holds. Days are whole ones in the reader's zone.
func (f filter) exact(ctx context.Context, v *page.Visit, customers *migration.Service) (audit.Filter, error) {
	exact, refusal := audit.Filter{Act: actOf(v.Locale, f.act), Object: f.object}, errFilter
	var err error
	if f.actor != "" {
		if exact.Actor, err = actorOf(ctx, v, customers, f.actor); err != nil {
			return exact, err
		}
	}
	if f.customer != "" {
		if exact.CustomerID, err = customerOf(ctx, v, customers, f.customer); err != nil {
			return exact, err
		}
	}
	if exact.From, err = f.day(f.from, v.Zone(), 0); err != nil {
		refusal = refusal.Field("from", "console.audit.bad_day", nil)
	}
	if exact.To, err = f.day(f.to, v.Zone(), 1); err != nil {
		refusal = refusal.Field("to", "console.audit.bad_day", nil)
	}
	if len(refusal.Fields) > 0 {
		return exact, refusal
	}
	return exact, nil
}

// actOf takes an act by its words, as the page shows them, or by its key or the beginning of one.
func actOf(l *locale.Locale, text string) string {
	for _, key := range acts {
		if strings.EqualFold(act(l, key), text) {
			return key
		}
	}
	return text
}

// day reads a day and returns its beginning, or that of a day some days later; the zero time for none.
func (f filter) day(text string, zone *time.Location, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	d, err := migration.ParseDay(text)
	if err != nil {
		return time.Time{}, err
	}
	return d.AddDays(later).Start(zone), nil
}

// actorOf finds the one person with a name or address; what names nobody is taken as an id, such as a worker's.
func actorOf(ctx context.Context, v *page.Visit, customers *migration.Service, text string) (string, error) {
	ids, err := customers.People(ctx, v.Session.IdentityID, text)
	switch {
	case err != nil:
		return "", err
	case len(ids) > 1:
		return "", errFilter.Field("actor", "console.audit.several", nil)
	case len(ids) == 1:
		return ids[0], nil
	}
	return text, nil
}

// url is the address of the list with this filter, below an entry.
func (f filter) url(before int64) string {
	q := url.Values{}
	for name, value := range map[string]string{"actor": f.actor, "customer": f.customer, "object": f.object, "act": f.act, "from": f.from, "to": f.to} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	if len(q) == 0 {
		return "/console/audit"
	}
	return "/console/audit?" + q.Encode()
}
