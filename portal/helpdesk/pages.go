// Package helpdesk holds the pages on which support answers requests for help: the queue in its parts, and one request with its
// conversation, who else looks at it, and what can be done. Every look is recorded.
package helpdesk

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Addresses of the queue and of requests.
const (
	QueuePath = "/console/support/queue"
	Path      = "/console/support/help"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Help      *assistance.Service
	Exports   *export.Service
	Customers *migration.Service
}

// URL is the page of a request.
func URL(id string) string { return Path + "/" + url.PathEscape(id) }

func customerURL(id string) string { return "/console/support/customers/" + url.PathEscape(id) }

// pageSize is how many requests a page of the queue shows.
const pageSize = 50

// errPlace is a place in the queue that none of our links has named.
var errPlace = fault.New(fault.Invalid, "fault.form")

// ShowQueue is one part of the queue.
func (p *Pages) ShowQueue(c echo.Context) error {
	v := page.Of(c)
	query, err := page.ReadQuery(c, page.Line("shelf", 20), page.Line("after", 200))
	if err != nil {
		return err
	}
	shelf := assistance.Shelf(query.Get("shelf"))
	if shelf == "" {
		shelf = assistance.All
	}
	after, err := readPlace(query.Get("after"))
	if err != nil {
		return err
	}
	list, next, err := p.Help.Queue(c.Request().Context(), v.Session.IdentityID, shelf, after, pageSize)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("helpdesk.queue"), "queue")
	return page.Render(c, http.StatusOK, queuePage(buildQueue(v, shelf, after != (assistance.Cursor{}), list, next, layout)))
}

// placeText writes a place in the queue as part of an address.
func placeText(at assistance.Cursor) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %d %d", at.Priority, at.At.UnixMicro(), at.Number))
}

func readPlace(text string) (at assistance.Cursor, err error) {
	if text == "" {
		return at, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return at, errPlace.Wrap(err)
	}
	parts := strings.Fields(string(raw))
	if len(parts) != 3 {
		return at, errPlace
	}
	priority, err1 := strconv.ParseInt(parts[0], 10, 16)
	micro, err2 := strconv.ParseInt(parts[1], 10, 64)
	number, err3 := strconv.ParseInt(parts[2], 10, 64)
	if err := errors.Join(err1, err2, err3); err != nil || micro < 0 || micro > 1<<52 {
		return at, errPlace.Wrap(err)
	}
	return assistance.Cursor{Priority: int(priority), At: time.UnixMicro(micro).UTC(), Number: number}, nil
}

// form is what the page's forms hold.
type form struct {
	answer, note string
	refused      error
	meanwhile    bool // something was said that the writer had not read
}

// Show is one request.
func (p *Pages) Show(c echo.Context) error { return p.show(c, http.StatusOK, form{}) }

func (p *Pages) show(c echo.Context, status int, f form) error {
	v, ctx := page.Of(c), c.Request().Context()
	d, err := p.Help.View(ctx, v.Session.IdentityID, c.Param("id"))
	if err != nil {
		return err
	}
	s := shown{desk: d, form: f}
	if d.ExportID != "" {
		e, err := p.Exports.GetForStaff(ctx, db.StaffScope(v.Session.IdentityID), d.ExportID)
		if err != nil {
			return err
		}
		s.export = &e
	}
	ids := []string{d.AnsweredBy}
	for _, e := range d.Entries {
		ids = append(ids, e.Actor, e.Text)
	}
	if s.names, err = p.Customers.Names(ctx, v.Session.IdentityID, ids); err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, d.Reference(), "queue")
	layout.Path = URL(d.ID) // also after a POST
	return page.Render(c, status, requestPage(buildRequest(v, s, layout)))
}

// Answer answers a request; the customer gets a mail. Where something was said that the writer has not read, the page comes back with
// it, and with what was written.
func (p *Pages) Answer(c echo.Context) error {
	v := page.Of(c)
	sent, err := page.ReadForm(c, page.Text("answer", assistance.MaxText), page.Line("heard", 10), page.Line("settled", 3))
	if err == nil {
		n, numberErr := strconv.Atoi(sent.Get("heard"))
		if numberErr != nil {
			return page.ErrForm.Wrap(numberErr)
		}
		_, err = p.Help.Answer(c.Request().Context(), v.Session.IdentityID, v.Programme, c.Param("id"),
			assistance.Reply{Text: sent.Get("answer"), Heard: n, Settled: sent.Get("settled") == "yes"})
	}
	switch refused, ok := fault.As(err); {
	case errors.Is(err, assistance.ErrMeanwhile):
		return p.show(c, http.StatusConflict, form{answer: sent.Get("answer"), meanwhile: true})
	case ok && len(refused.Fields) > 0:
		return p.show(c, http.StatusUnprocessableEntity, form{answer: sent.Get("answer"), refused: err})
	case err != nil:
		return err
	}
	return p.Flash(c, URL(c.Param("id")), "ok", "flash.help_answered")
}

// AddNote writes something for colleagues.
func (p *Pages) AddNote(c echo.Context) error {
	sent, err := page.ReadForm(c, page.Text("note", assistance.MaxText))
	if err == nil {
		_, err = p.Help.AddNote(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"), sent.Get("note"))
	}
	return p.done(c, err, form{note: sent.Get("note")}, "flash.help_noted")
}

// Give hands a request to a colleague.
func (p *Pages) Give(c echo.Context) error {
	sent, err := page.ReadForm(c, page.Line("owner", 60))
	if err == nil {
		_, err = p.Help.Give(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"), sent.Get("owner"))
	}
	return p.done(c, err, form{}, "flash.help_given")
}

// Snooze puts a request off until the morning of a day, or brings it back.
func (p *Pages) Snooze(c echo.Context) error {
	v := page.Of(c)
	sent, err := page.ReadForm(c, page.Line("days", 3))
	if err == nil {
		var until time.Time
		if days, numberErr := strconv.Atoi(sent.Get("days")); numberErr != nil {
			err = assistance.ErrSnooze.Field("days", "help.snooze.bad", map[string]any{"Days": snoozes[len(snoozes)-1]})
		} else if days > 0 {
			day := migration.DayOf(v.Now.In(v.Zone())).AddDays(days)
			until = day.Start(v.Zone()).Add(8 * time.Hour)
		}
		if err == nil {
			_, err = p.Help.Snooze(c.Request().Context(), v.Session.IdentityID, c.Param("id"), until)
		}
	}
	return p.done(c, err, form{}, "flash.help_snoozed")
}

// Settle ends a request without an answer.
func (p *Pages) Settle(c echo.Context) error {
	v := page.Of(c)
	_, err := page.ReadForm(c)
	if err == nil {
		_, err = p.Help.Settle(c.Request().Context(), v.Session.IdentityID, v.Programme, c.Param("id"))
	}
	return p.done(c, err, form{}, "flash.help_closed")
}

// done shows the request again, with what was refused or with what was done.
func (p *Pages) done(c echo.Context, err error, f form, flash string) error {
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		f.refused = err
		return p.show(c, http.StatusUnprocessableEntity, f)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, URL(c.Param("id")), "ok", flash)
}

// Presence answers who else has a request open, and says that this person has. The page asks every so often.
func (p *Pages) Presence(c echo.Context) error {
	v := page.Of(c)
	sent, err := page.ReadForm(c, page.Text("answer", assistance.MaxText), page.Line("heard", 10), page.Line("settled", 3))
	if refused, ok := fault.As(err); err != nil && (!ok || len(refused.Fields) == 0) {
		return err
	}
	shown, err := strconv.Atoi(sent.Get("heard"))
	if err != nil {
		return page.ErrForm.Wrap(err)
	}
	others, heard, err := p.Help.Present(c.Request().Context(), v.Session.IdentityID, c.Param("id"), sent.Get("answer") != "")
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, presenceNote(buildPresence(v, c.Param("id"), others, heard > shown)))
}
