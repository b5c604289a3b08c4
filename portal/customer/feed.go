package customer

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/customer/calendar"
	"offramp/portal/page"
)

// ServeFeed answers calendar programs, which have no session: the address is the key.
func (p *Pages) ServeFeed(c echo.Context) error {
	token, ok := strings.CutSuffix(c.Param("token"), ".ics")
	v := page.Of(c)
	if !ok || v.Programme == nil {
		return calendar.ErrGone
	}
	owner, err := p.Calendars.Open(c.Request().Context(), token)
	if err != nil {
		return err
	}
	own := *v
	own.Locale = locale.For(locale.Negotiate(owner.Locale, v.Programme.Locales))
	return page.Send(c, http.StatusOK, calendar.Kind, calendar.Write(p.content(&own, owner.Plan)))
}

func (p *Pages) content(v *page.Visit, plan migration.Plan) calendar.Content {
	return calendar.Content{
		Locale: v.Locale, Programme: v.Programme, Plan: plan, Now: v.Now, Host: p.Public.Hostname(), URL: p.URL("/plan"),
	}
}
