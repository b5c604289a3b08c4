package console

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/portal/page"
	"offramp/portal/ui"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
}

// Arrive is where staff come in: a choice of their consoles, or the only one at once.
func (p *Pages) Arrive(c echo.Context) error {
	mine := slices.DeleteFunc(open(page.Of(c)), func(p place) bool { return p.part })
	if len(mine) == 1 {
		return page.Redirect(c, mine[0].url)
	}
	return page.Render(c, http.StatusOK, arrivePage(buildArrive(page.Of(c), mine, Layout(p.Kit, c, page.Of(c).Locale.T("console.title"), ""))))
}

// arriveView is the page that staff arrive at.
type arriveView struct {
	layout  ui.Page
	heading ui.Heading
	cards   []placeCard
}

type placeCard struct {
	card ui.Card
	text string
	link ui.Link
}

func buildArrive(v *page.Visit, mine []place, layout ui.Page) arriveView {
	l := v.Locale
	view := arriveView{layout: layout, heading: ui.Heading{Eyebrow: Roles(l, v.Session.Roles), Title: l.T("console.title"), Lead: l.T("console.lead")}}
	for _, p := range mine {
		view.cards = append(view.cards, placeCard{
			card: ui.Card{ID: p.key, Title: l.T("console.place." + p.key)}, text: l.T("console.place." + p.key + ".text"),
			link: ui.Link{Label: l.T("console.open"), Hidden: l.T("console.place." + p.key), URL: p.url},
		})
	}
	return view
}
