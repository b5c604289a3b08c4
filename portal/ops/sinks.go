package ops

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/writeback"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// SinksPath is the list of the systems that receive status changes.
const SinksPath = "/console/ops/sinks"

// deadShown is how much of what was given up one page shows.
const deadShown = 100

func sinkURL(name string) string { return SinksPath + "/" + url.PathEscape(name) }

func actor(c echo.Context) migration.Actor {
	return migration.Actor{ID: page.Of(c).Session.IdentityID, Kind: audit.Staff}
}

func scope(c echo.Context) db.Scope { return db.StaffScope(page.Of(c).Session.IdentityID) }

// ShowSinks lists the sinks and how each stands.
func (p *Pages) ShowSinks(c echo.Context) error {
	v := page.Of(c)
	list, err := p.sinks.Summary(c.Request().Context(), scope(c))
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, sinksPage(buildSinks(v, list, console.Layout(p.Kit, c, v.Locale.T("ops.sinks"), "sinks"))))
}

// ShowSink is one sink: how it stands, its last answers, what was given up, and on demand what it has missed.
func (p *Pages) ShowSink(c echo.Context) error {
	q, err := page.ReadQuery(c, page.Line("since", 40), page.Line("again", 3))
	if bad, ok := fault.As(err); ok && page.Of(c).Faults(err)["since"] != "" {
		return p.showSink(c, http.StatusUnprocessableEntity, missedForm{since: q.Get("since"), again: q.Get("again") == "yes", asked: true}, bad)
	}
	if err != nil {
		return err
	}
	if !q.Has("since") {
		return p.showSink(c, http.StatusOK, missedForm{}, nil)
	}
	form := missedForm{since: q.Get("since"), again: q.Get("again") == "yes", asked: true}
	form.span = writeback.MissedSpan{Sink: c.Param("id"), Until: page.Of(c).Now, Again: form.again}
	if form.span.Since, err = readInstant(form.since, page.Of(c).Zone()); err != nil {
		return p.showSink(c, http.StatusUnprocessableEntity, form, err)
	}
	form.found, err = p.sinks.CountMissed(c.Request().Context(), scope(c), form.span)
	switch {
	case errors.Is(err, writeback.ErrSpan):
		return p.showSink(c, http.StatusUnprocessableEntity, form, errInstant.Field("since", "ops.sink.since.future", nil))
	case err != nil:
		return err
	}
	return p.showSink(c, http.StatusOK, form, nil)
}

func (p *Pages) showSink(c echo.Context, status int, form missedForm, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	sink, err := p.sinks.Sink(ctx, scope(c), c.Param("id"))
	if err != nil {
		return err
	}
	dead, err := p.sinks.List(ctx, scope(c), writeback.Filter{Sink: sink.Sink, State: writeback.Parked, Limit: deadShown + 1})
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, sink.Sink, "sinks")
	layout.Path = sinkURL(sink.Sink)
	return page.Render(c, status, sinkPage(buildSink(v, sink, dead, form, refused, layout)))
}

// EnableSink switches a sink on again.
func (p *Pages) EnableSink(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.sinks.Enable(c.Request().Context(), actor(c), c.Param("id")); err != nil {
		return err
	}
	return p.Flash(c, sinkURL(c.Param("id")), "ok", "flash.sink_enabled")
}

// ReplaySink sends what was given up again: one event, or all.
func (p *Pages) ReplaySink(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("event", 64))
	if err != nil {
		return err
	}
	if _, err := p.sinks.Replay(c.Request().Context(), actor(c), c.Param("id"), form.Get("event")); err != nil {
		return err
	}
	return p.Flash(c, sinkURL(c.Param("id")), "ok", "flash.sink_replayed")
}

// SendMissed sends what was counted: the span that the page has shown, to the instant.
func (p *Pages) SendMissed(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("since", 40), page.Line("until", 40), page.Line("again", 3))
	if err != nil {
		return err
	}
	m := writeback.MissedSpan{Sink: c.Param("id"), Again: form.Get("again") == "yes"}
	var bad error
	m.Since, err = time.Parse(time.RFC3339Nano, form.Get("since"))
	m.Until, bad = time.Parse(time.RFC3339Nano, form.Get("until"))
	if err != nil || bad != nil || m.Until.After(page.Of(c).Now) {
		return page.ErrForm
	}
	if _, err := p.sinks.SendMissed(c.Request().Context(), actor(c), m); err != nil {
		return err
	}
	return p.Flash(c, sinkURL(m.Sink), "ok", "flash.sink_sent")
}

// missedForm asks what a sink has missed, as it was written, with what was found.
type missedForm struct {
	since string
	again bool
	asked bool
	span  writeback.MissedSpan
	found writeback.Missed
}

var errInstant = fault.New(fault.Invalid, "fault.input")

// readInstant reads a day, with or without a time of day, in the reader's zone.
func readInstant(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errInstant.Field("since", "ops.sink.since.bad", nil)
}

// ShowQueue frames River's pages, which know no languages, with ours.
func (p *Pages) ShowQueue(c echo.Context) error {
	v := page.Of(c)
	c.Response().Header().Set("Content-Security-Policy", framing)
	return page.Render(c, http.StatusOK, queuePage(buildQueue(v.Locale, console.Layout(p.Kit, c, v.Locale.T("ops.jobs"), "jobs"))))
}

func fieldErrors(v *page.Visit, err error) (list []ui.FieldError) {
	f, ok := fault.As(err)
	if !ok {
		return nil
	}
	for _, field := range f.Fields {
		list = append(list, ui.FieldError{FieldID: field.Name, Text: v.Faults(err)[field.Name]})
	}
	return list
}
