package customer

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// comparing is everything that the comparisons of two customers must have in common for them to be the same page but for
// what stands in the slots. An offer ends only when a day ends in the programme's zone.
type comparing struct {
	programme *migration.Programme
	locale    string
	zone      string // days of the programme are named with theirs where the reader's clock differs
	theme     string
	tier      string
	today     migration.Day
	address   string // what is compared
	keys      string // where the address does not say it
}

// comparedWith returns what a reader's comparison has in common with others, and false for one that is the reader's alone:
// a message from the last action, an address that no page of ours leads to.
func (w replacementWords) comparedWith(x wish, layout ui.Page) (comparing, bool) {
	if layout.Flash != nil || layout.Strip != nil || x.error != nil || x.dropped || layout.Path != "/replacements"+x.query() {
		return comparing{}, false
	}
	return comparing{
		programme: w.p, locale: w.l.Tag(), zone: w.own.String(), theme: layout.Theme, tier: w.tier, today: migration.DayOf(w.now.In(w.p.Zone)),
		address: layout.Path, keys: strings.Join(x.keys, " "),
	}, true
}

// The reader's own words on the comparison; behind them come those of the slots, in the order of slotList.
const (
	ownName = iota
	ownCustomer
	ownCode
	ownNews
	ownDecline
	ownCount
)

// slotList names the slots of a comparison in one order: three of each product, one of each feature that is counted.
func (w replacementWords) slotList(x wish, s slots) []templ.Component {
	var list []templ.Component
	for _, key := range x.keys {
		list = append(list, s.badge[key], s.price[key], s.fit[key])
	}
	for _, f := range w.p.Features {
		if f.Counted() {
			list = append(list, s.use[f.Key])
		}
	}
	return list
}

// marked are slots that hold marks.
func (w replacementWords) marked(x wish, marks page.Marks) slots {
	s := slots{badge: map[string]templ.Component{}, price: map[string]templ.Component{}, fit: map[string]templ.Component{}, use: map[string]templ.Component{}}
	next := func() templ.Component {
		c := templ.Raw(marks[0])
		marks = marks[1:]
		return c
	}
	for _, key := range x.keys {
		s.badge[key], s.price[key], s.fit[key] = next(), next(), next()
	}
	for _, f := range w.p.Features {
		if f.Counted() {
			s.use[f.Key] = next()
		}
	}
	return s
}

// renderCompared renders the comparison with marks where the reader's own words belong.
func (w replacementWords) renderCompared(ctx context.Context, x wish, slots int, layout ui.Page) (*page.Skeleton, error) {
	marks := page.NewMarks(ownCount + slots)
	anyone := *w.v
	anyone.Session = &auth.Session{Realm: w.v.Session.Realm, Role: w.v.Session.Role, Zone: w.v.Session.Zone, CustomerTier: w.tier}
	w.v = &anyone
	account := *layout.Account
	account.Name, account.Detail = marks[ownName], marks[ownCustomer]
	layout.Account = &account
	view := w.buildCompare(x, w.marked(x, marks[ownCount:]), templ.Raw(marks[ownNews]), templ.Raw(marks[ownDecline]), layout, marks[ownCode])
	var html bytes.Buffer
	if err := comparePage(view).Render(ctx, &html); err != nil {
		return nil, err
	}
	return page.Carve(html.Bytes(), marks)
}

// sendCompared sends the comparison, put together from what customers share and what is the reader's own.
func (p *Pages) sendCompared(c echo.Context, key comparing, w replacementWords, o own, x wish, layout ui.Page, code string) error {
	ctx, s := c.Request().Context(), w.slots(o, x.keys)
	list := w.slotList(x, s)
	skeleton, err := p.compared.get(key, func() (*page.Skeleton, error) { return w.renderCompared(ctx, x, len(list), layout) })
	if err != nil {
		return err
	}
	parts := append([]templ.Component{
		ownName: words(w.v.Session.Name), ownCustomer: words(w.v.Session.CustomerName), ownCode: words(code),
		ownNews: compareNews(w.l, w.news(o, x)), ownDecline: w.declineCard(o),
	}, list...)
	values := make([][]byte, len(parts))
	for i, part := range parts {
		var html bytes.Buffer
		if err := part.Render(ctx, &html); err != nil {
			return err
		}
		values[i] = html.Bytes()
	}
	return skeleton.Send(c, http.StatusOK, values...)
}

// words are text as a part of a page.
func words(text string) templ.Component { return templ.Raw(templ.EscapeString(text)) }
