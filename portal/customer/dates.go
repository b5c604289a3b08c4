package customer

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/portal/customer/calendar"
	"offramp/portal/page"
)

// ShowDates is step 1: each date with what it means.
func (p *Pages) ShowDates(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	feed, err := p.Calendars.Find(ctx, v.Who())
	if err != nil {
		return err
	}
	view := buildDates(v, plan, p.AsPaper(c, p.Layout(c, v.Locale.T("dates.title"), "plan")), page.SupportCode(p.Secret, v.Who().CustomerID))
	view.subscribe(v, feed, p.URL)
	return page.Render(c, http.StatusOK, datesPage(view))
}

// NoteDates completes step 1. Noting them again changes nothing.
func (p *Pages) NoteDates(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v := page.Of(c)
	if err := p.Customers.NoteDates(c.Request().Context(), v.Who(), v.Programme); err != nil {
		return err
	}
	return p.Flash(c, "/plan", "ok", "flash.dates_noted")
}

// DownloadCalendar hands out the dates as they are now.
func (p *Pages) DownloadCalendar(c echo.Context) error {
	v := page.Of(c)
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="dates.ics"`)
	return page.Send(c, http.StatusOK, calendar.Kind, calendar.Write(p.content(v, plan)))
}

// RenewCalendar gives the contact a subscription under a new address.
func (p *Pages) RenewCalendar(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Calendars.Renew(c.Request().Context(), page.Of(c).Who()); err != nil {
		return err
	}
	return p.Flash(c, "/plan/dates", "ok", "flash.calendar_created")
}

// StopCalendar ends the contact's subscription.
func (p *Pages) StopCalendar(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Calendars.Stop(c.Request().Context(), page.Of(c).Who()); err != nil {
		return err
	}
	return p.Flash(c, "/plan/dates", "ok", "flash.calendar_stopped")
}
