package customer

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/portal/page"
	"offramp/portal/ui"
)

// freshView is what an installation without a programme in effect says.
type freshView struct {
	layout  ui.Page
	heading ui.Heading
	steps   []freshStep
	staff   ui.Link
}

// freshStep is one thing that an operator does next, with what to type.
type freshStep struct{ text, command string }

// showFresh tells visitors that there is nothing yet, and the operator what comes next. It says nothing about the installation that
// the documentation does not.
func (p *Pages) showFresh(c echo.Context) error {
	l := page.Of(c).Locale
	view := freshView{
		layout: p.Layout(c, l.T("public.fresh"), ""), heading: ui.Heading{Title: l.T("public.fresh"), Lead: l.T("public.fresh.lead")},
		staff: ui.Link{Label: l.T("public.fresh.staff"), URL: "/staff/sign-in"},
	}
	view.layout.NoIndex, view.layout.Narrow = true, true
	for _, step := range []struct{ key, command string }{
		{"check", "offramp doctor"}, {"apply", "offramp apply -f programme.yaml"}, {"approve", ""}, {"import", "offramp import customers.csv"},
	} {
		view.steps = append(view.steps, freshStep{l.T("public.fresh." + step.key), step.command})
	}
	return page.Render(c, http.StatusServiceUnavailable, freshPage(view))
}
