package customer

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// comparing is everything that the comparisons of two customers must have in common for them to be the same page but for
// what stands in the slots.
type comparing struct {
	alike
	address string // what is compared
	keys    string // where the address does not say it
}

// comparedWith returns what a reader's comparison has in common with others, and false for one that is the reader's alone:
// a message from the last action, an address that no page of ours leads to.
func (w replacementWords) comparedWith(x wish, layout ui.Page) (comparing, bool) {
	if layout.Flash != nil || layout.Strip != nil || x.error != nil || x.dropped || layout.Path != "/replacements"+x.query() {
		return comparing{}, false
	}
	return comparing{alike: alikeOf(w.v), address: layout.Path, keys: strings.Join(x.keys, " ")}, true
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

// slotCount is the length of slotList.
func slotCount(p *migration.Programme, x wish) int {
	n := 3 * len(x.keys)
	for _, f := range p.Features {
		if f.Counted() {
			n++
		}
	}
	return n
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

// wish is what is compared.
func (s comparing) wish() (wish, error) {
	address, err := url.Parse(s.address)
	if err != nil {
		return wish{}, err
	}
	query := address.Query()
	return wish{keys: strings.Fields(s.keys), all: query.Get("all") != "", asked: query["with"]}, nil
}

// make renders the comparison with marks where the reader's own words belong.
func (s comparing) make(k *page.Kit) (*page.Skeleton, error) {
	x, err := s.wish()
	if err != nil {
		return nil, err
	}
	marks := page.NewMarks(ownCount + slotCount(s.programme, x))
	v := s.visit(marks[ownName], marks[ownCustomer], "")
	w := newReplacementWords(v)
	layout := k.Paper(v, k.Shell(v, s.address, v.Locale.T("choice.title"), "replacements"))
	view := w.buildCompare(x, w.marked(x, marks[ownCount:]), templ.Raw(marks[ownNews]), templ.Raw(marks[ownDecline]), layout, marks[ownCode])
	var html bytes.Buffer
	if err := comparePage(view).Render(context.Background(), &html); err != nil {
		return nil, err
	}
	return page.Carve(html.Bytes(), marks)
}

// sendCompared sends the comparison, put together from what customers share and what is the reader's own.
func (p *Pages) sendCompared(c echo.Context, key comparing, w replacementWords, o own, x wish, code string) error {
	ctx, s := c.Request().Context(), w.slots(o, x.keys)
	list := w.slotList(x, s)
	skeleton, err := p.compared.get(p.Kit, key)
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
