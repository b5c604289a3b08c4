// Package notices holds the pages of those who tell customers: the plan with how far each notice has come, one notice with its
// approval and preview, what any day to come will bring, and the calls that only a person can make.
package notices

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/notice/reach"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Where the pages are.
const (
	Path      = "/console/notices"
	CallsPath = "/console/calls"
	ReachPath = "/console/reach"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Notices   *notice.Service
	Customers *migration.Service
	Reach     *reach.Service
}

// Show is the plan with how far each notice has come.
func (p *Pages) Show(c echo.Context) error { return p.show(c, http.StatusOK, "", false) }

// show is Show; a rate that was refused comes back.
func (p *Pages) show(c echo.Context, status int, sent string, refused bool) error {
	v := page.Of(c)
	list, err := p.Notices.Overview(c.Request().Context(), v.Session.IdentityID)
	if err != nil {
		return err
	}
	rate, own, err := p.Notices.Rate(c.Request().Context(), v.Session.IdentityID)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("notice.title"), "notices")
	layout.Path = Path // also after a POST
	view := buildOverview(v, list, layout)
	view.setRate(v, rate, own)
	if refused {
		view.rate.Value, view.rate.Error = sent, v.Locale.T("notice.bad_rate", "Limit", v.Locale.Number(1_000_000))
		view.errors, view.layout.Errors = []ui.FieldError{{FieldID: "rate", Text: view.rate.Error}}, true
	}
	return page.Render(c, status, overviewPage(view))
}

// ShowOne is one notice: what it says, to whom and when, its approval, and what a real customer would get.
func (p *Pages) ShowOne(c echo.Context) error {
	return p.showOne(c, http.StatusOK, desk{})
}

// showOne is ShowOne; a form that was refused comes back.
func (p *Pages) showOne(c echo.Context, status int, d desk) (err error) {
	v, ctx := page.Of(c), c.Request().Context()
	if d.query, err = page.ReadQuery(c, page.Line("customer", 64), page.Line("locale", 16)); err != nil {
		if d.long = v.Faults(err)["customer"]; d.long == "" {
			return err
		}
		status = http.StatusUnprocessableEntity
	}
	if d.one, err = p.one(c); err != nil {
		return err
	}
	one := d.one
	if d.parts, err = p.Notices.Parts(ctx, v.Session.IdentityID, one.Notice.Key); err != nil {
		return err
	}
	if d.tried, err = p.Notices.Tried(ctx, v.Session.IdentityID, one.Notice.Key); err != nil {
		return err
	}
	if d.names, err = p.Customers.Names(ctx, v.Session.IdentityID, []string{one.By}); err != nil {
		return err
	}
	if ref := d.query.Get("customer"); ref != "" && d.long == "" {
		if err := p.preview(c, &d, ref); err != nil {
			return err
		}
		if d.unknown {
			status = http.StatusUnprocessableEntity
		}
	}
	c.Response().Header().Set("Content-Security-Policy", framing)
	layout := console.Layout(p.Kit, c, one.Notice.Key, "notices")
	layout.Path = Path + "/" + one.Notice.Key // also after a POST
	return page.Render(c, status, noticePage(buildNotice(v, d, layout)))
}

// framing is the portal's own policy but for the frame with the preview.
const framing = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// letterPolicy lets a mail bear its own styles, as mails do, and nothing else: no script, no image, no form, no way out of its frame.
const letterPolicy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"

// ShowLetter is the HTML form of what a customer would get, to the byte, for the frame on the notice's page.
func (p *Pages) ShowLetter(c echo.Context) error {
	query, err := page.ReadQuery(c, page.Line("customer", 64), page.Line("locale", 16))
	if err != nil {
		return err
	}
	one, err := p.one(c)
	if err != nil {
		return err
	}
	d := desk{one: one, query: query}
	if err := p.preview(c, &d, query.Get("customer")); err != nil {
		return err
	}
	if d.letter == nil {
		return notice.ErrUnknown
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", letterPolicy)
	h.Set("X-Frame-Options", "SAMEORIGIN")
	return page.Send(c, http.StatusOK, "text/html; charset=utf-8", []byte(d.letter.HTML))
}

// preview composes the notice for the customer with this number.
func (p *Pages) preview(c echo.Context, d *desk, ref string) error {
	v, ctx := page.Of(c), c.Request().Context()
	id, err := p.Notices.Customer(ctx, v.Session.IdentityID, strings.TrimSpace(ref))
	if fault.KindOf(err) == fault.NotFound {
		d.unknown = true
		return nil
	}
	if err != nil {
		return err
	}
	letter, to, err := p.Notices.Preview(ctx, v.Session.IdentityID, d.one.Notice.Key, id, d.query.Get("locale"))
	if err != nil {
		return err
	}
	d.letter, d.to = &letter, to
	if !slices.Contains(d.one.Notice.Channels, migration.ChannelSMS) {
		return nil
	}
	text, to, texted, err := p.Notices.PreviewText(ctx, v.Session.IdentityID, d.one.Notice.Key, id, d.query.Get("locale"))
	if errors.Is(err, notice.ErrUnknown) {
		return nil
	}
	if err != nil {
		return err
	}
	d.text = &textLetter{text, to, texted}
	return nil
}

func (p *Pages) one(c echo.Context) (notice.Overview, error) {
	list, err := p.Notices.Overview(c.Request().Context(), page.Of(c).Session.IdentityID)
	if err != nil {
		return notice.Overview{}, err
	}
	for _, one := range list {
		if one.Notice.Key == c.Param("key") {
			return one, nil
		}
	}
	return notice.Overview{}, notice.ErrUnknown
}

// Approve approves the content that the page showed.
func (p *Pages) Approve(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("hash", 64))
	if err != nil {
		return err
	}
	by, key := page.Of(c).Session.IdentityID, c.Param("key")
	if err := p.Notices.Approve(c.Request().Context(), by, key, form.Get("hash")); err != nil {
		return err
	}
	return p.Flash(c, Path+"/"+key, "ok", "flash.notice_approved")
}

// Try sends the notice to whoever reads the preview, as it was shown.
func (p *Pages) Try(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("customer", 64), page.Line("locale", 16), page.Line("hash", 64))
	if err != nil {
		return err
	}
	v, ctx, key := page.Of(c), c.Request().Context(), c.Param("key")
	id, err := p.Notices.Customer(ctx, v.Session.IdentityID, form.Get("customer"))
	if err != nil {
		return err
	}
	if err := p.Notices.Try(ctx, v.Session.IdentityID, v.Session.Name, v.Session.Email, key, id, form.Get("locale"), form.Get("hash")); err != nil {
		return err
	}
	back := Path + "/" + key + "?" + url.Values{"customer": {form.Get("customer")}, "locale": {form.Get("locale")}}.Encode()
	return p.Flash(c, back, "ok", "flash.notice_tried")
}

// Pause stops a notice.
func (p *Pages) Pause(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("reason", 200))
	key := c.Param("key")
	if err == nil {
		err = p.Notices.Pause(c.Request().Context(), page.Of(c).Session.IdentityID, key, form.Get("reason"))
	}
	if bad := page.Of(c).Faults(err); bad != nil {
		return p.showOne(c, http.StatusUnprocessableEntity, desk{reason: form.Get("reason"), wrong: bad["reason"]})
	}
	if err != nil {
		return err
	}
	return p.Flash(c, Path+"/"+key, "ok", "flash.notice_paused")
}

// Resume lets a notice go on.
func (p *Pages) Resume(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	key := c.Param("key")
	if err := p.Notices.Resume(c.Request().Context(), page.Of(c).Session.IdentityID, key); err != nil {
		return err
	}
	return p.Flash(c, Path+"/"+key, "ok", "flash.notice_resumed")
}

// SetRate bounds how many mails begin in a minute.
func (p *Pages) SetRate(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("rate", 12))
	if err == nil {
		rate := 0
		if text := strings.TrimSpace(form.Get("rate")); text != "" {
			if rate, err = strconv.Atoi(text); err != nil || rate == 0 {
				rate = -1 // no number of mails; empty is the plan's
			}
		}
		err = p.Notices.SetRate(c.Request().Context(), page.Of(c).Session.IdentityID, rate)
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.show(c, http.StatusUnprocessableEntity, form.Get("rate"), true)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, Path, "ok", "flash.notice_rate")
}

// foreseen bounds the customers that are listed of one notice on one day.
const foreseen = 50

// ShowDay is what one day will bring.
func (p *Pages) ShowDay(c echo.Context) error {
	v := page.Of(c)
	query, err := page.ReadQuery(c, page.Line("day", 10))
	if err != nil && v.Faults(err)["day"] == "" {
		return err // what is too long is no day
	}
	day, status, bad := migration.DayOf(v.Now.In(v.Programme.Zone)), http.StatusOK, false
	if text := query.Get("day"); text != "" {
		asked, err := migration.ParseDay(text)
		if bad = err != nil; bad {
			status = http.StatusUnprocessableEntity
		} else {
			day = asked
		}
	}
	list, err := p.Notices.Foresee(c.Request().Context(), v.Session.IdentityID, day, foreseen)
	if err != nil {
		return err
	}
	outdated, err := p.Notices.Outdated(c.Request().Context(), v.Session.IdentityID)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("notice.day.title"), "notices")
	view := buildDay(v, day, query.Get("day"), bad, list, layout)
	view.outdated = outdatedTable(v, outdated)
	return page.Render(c, status, dayPage(view))
}

// callsShown bounds the list of open calls.
const callsShown = 100

// ShowCalls lists the customers whom somebody has to ring, those due first.
func (p *Pages) ShowCalls(c echo.Context) error {
	return p.showCalls(c, http.StatusOK, refusedCall{})
}

// refusedCall is a form about a call that came back.
type refusedCall struct {
	call, act             string // end or waive
	outcome, note, reason string
	err                   error
}

func (p *Pages) showCalls(c echo.Context, status int, refused refusedCall) error {
	v, ctx := page.Of(c), c.Request().Context()
	list, err := p.Notices.Calls(ctx, v.Session.IdentityID, callsShown+1)
	if err != nil {
		return err
	}
	var owners []string
	for _, call := range list {
		owners = append(owners, call.Owner, call.AskedBy)
	}
	names, err := p.Customers.Names(ctx, v.Session.IdentityID, owners)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("notice.calls"), "calls")
	layout.Path = CallsPath // also after a POST
	return page.Render(c, status, callsPage(buildCalls(v, list, names, refused, layout)))
}

// TakeCall makes the reader the owner of a call.
func (p *Pages) TakeCall(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Notices.TakeCall(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id")); err != nil {
		return err
	}
	return p.Flash(c, CallsPath, "ok", "flash.call_taken")
}

// EndCall records what came of a call.
func (p *Pages) EndCall(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("outcome", 20), page.Text("note", 2000))
	if err == nil {
		err = p.Notices.EndCall(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"), form.Get("outcome"), form.Get("note"))
	}
	if page.Of(c).Faults(err) != nil {
		return p.showCalls(c, http.StatusUnprocessableEntity, refusedCall{call: c.Param("id"), act: "end", outcome: form.Get("outcome"), note: form.Get("note"), err: err})
	}
	if err != nil {
		return err
	}
	if form.Get("outcome") != notice.CallReached {
		return p.Flash(c, CallsPath, "ok", "flash.call_tried")
	}
	return p.Flash(c, CallsPath, "ok", "flash.call_ended")
}

// AskCallWaiver asks that a call need not be made.
func (p *Pages) AskCallWaiver(c echo.Context) error {
	form, err := page.ReadForm(c, page.Text("reason", 2000))
	if err == nil {
		err = p.Notices.AskWaiver(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id"), form.Get("reason"))
	}
	if page.Of(c).Faults(err) != nil {
		return p.showCalls(c, http.StatusUnprocessableEntity, refusedCall{call: c.Param("id"), act: "waive", reason: form.Get("reason"), err: err})
	}
	if err != nil {
		return err
	}
	return p.Flash(c, CallsPath, "ok", "flash.call_waiver_asked")
}

// ConfirmCallWaiver makes the waiver of a call count.
func (p *Pages) ConfirmCallWaiver(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Notices.ConfirmWaiver(c.Request().Context(), page.Of(c).Session.IdentityID, c.Param("id")); err != nil {
		return err
	}
	return p.Flash(c, CallsPath, "ok", "flash.waiver_confirmed")
}
