// Package help holds the customer's pages of requests for help: asking from any page, with what it is about attached, and the
// conversation that follows.
package help

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/export"
	"offramp/internal/fault"
	"offramp/migration/assistance"
	"offramp/portal/page"
)

// Path is where a customer's requests are listed.
const Path = "/help"

// NewPath is where a request is written.
const NewPath = Path + "/new"

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Help    *assistance.Service
	Exports *export.Service
}

// URL is the page of a request.
func URL(id string) string { return Path + "/" + url.PathEscape(id) }

// about is where a request comes from, and what that page is about.
type about struct {
	page     string
	incident string
	export   *export.Export
	refund   string
}

// What the address of a page says that it is about.
var (
	exportPage = regexp.MustCompile(`^/exports/([A-Za-z0-9_-]{1,60})(?:/|$)`)
	refundPage = regexp.MustCompile(`^/refund/(RF-[0-9]{4}-[0-9]{6,12})(?:/|$)`)
	incidents  = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)
)

// about reads where a request comes from. What is nothing of ours is no part of it; an export that the customer does not have is none.
func (p *Pages) about(c echo.Context, from, incident string) (a about, err error) {
	if path, ok := auth.LocalPath(from); ok && len(path) <= 200 {
		a.page, _, _ = strings.Cut(path, "?")
	}
	if a.page == Path || strings.HasPrefix(a.page, Path+"/") {
		a.page = ""
	}
	if incidents.MatchString(incident) {
		a.incident = incident
	}
	if m := refundPage.FindStringSubmatch(a.page); m != nil {
		a.refund = m[1]
	}
	if m := exportPage.FindStringSubmatch(a.page); m != nil && m[1] != "new" && m[1] != "outline" {
		e, err := p.Exports.Get(c.Request().Context(), page.Of(c).Who(), m[1])
		switch {
		case err == nil:
			a.export = &e
		case fault.KindOf(err) != fault.NotFound:
			return a, err
		}
	}
	return a, nil
}

// from is the page that a reader comes from: the one that the address names, else the one that their browser names.
func from(c echo.Context, named string) string {
	if named != "" {
		return named
	}
	r := c.Request()
	if before, err := url.Parse(r.Referer()); err == nil && before.Host == r.Host {
		return before.Path
	}
	return ""
}

// NewURL is where a request about a page is written.
func NewURL(path, incident string) string {
	q := url.Values{}
	if path != "" {
		q.Set("page", path)
	}
	if incident != "" {
		q.Set("incident", incident)
	}
	if len(q) == 0 {
		return NewPath
	}
	return NewPath + "?" + q.Encode()
}

// ShowNew asks what a request is about.
func (p *Pages) ShowNew(c echo.Context) error {
	query, err := page.ReadQuery(c, page.Line("page", 300), page.Line("incident", 100))
	if refused, ok := fault.As(err); err != nil && (!ok || len(refused.Fields) == 0) {
		return err
	}
	a, err := p.about(c, from(c, query.Get("page")), query.Get("incident"))
	if err != nil {
		return err
	}
	return p.showNew(c, http.StatusOK, a, draft{topic: topicOf(a)}, nil)
}

// draft is what a form holds.
type draft struct{ topic, text string }

func (p *Pages) showNew(c echo.Context, status int, a about, d draft, refused error) error {
	layout := p.Layout(c, page.Of(c).Locale.T("help.new"), "help")
	layout.Path = NewPath
	return page.Render(c, status, newPage(buildNew(page.Of(c), a, d, refused, layout)))
}

// Ask opens a request.
func (p *Pages) Ask(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("topic", 20), page.Text("text", assistance.MaxText), page.Line("page", 300), page.Line("incident", 100))
	if refused, ok := fault.As(err); err != nil && (!ok || len(refused.Fields) == 0) {
		return err
	}
	d := draft{topic: form.Get("topic"), text: form.Get("text")}
	a, aboutErr := p.about(c, form.Get("page"), form.Get("incident"))
	if aboutErr != nil {
		return aboutErr
	}
	var r assistance.Request
	if err == nil {
		r, err = p.open(c, a, d)
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.showNew(c, http.StatusUnprocessableEntity, a, d, err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, URL(r.ID), "ok", "flash.help_sent")
}

// open opens a request about what there is. A refund that is not the customer's is not what it is about.
func (p *Pages) open(c echo.Context, a about, d draft) (assistance.Request, error) {
	v, ctx := page.Of(c), c.Request().Context()
	ask := assistance.Ask{Topic: d.topic, Text: d.text, Page: a.page, Incident: a.incident, Refund: a.refund}
	if d.topic == "" {
		return assistance.Request{}, assistance.ErrAsk.Field("topic", "help.topic.bad", nil)
	}
	if a.export != nil {
		ask.ExportID = a.export.ID
	}
	r, err := p.Help.Open(ctx, v.Who(), v.Programme, ask)
	if errors.Is(err, assistance.ErrNoContext) {
		ask.Refund = ""
		return p.Help.Open(ctx, v.Who(), v.Programme, ask)
	}
	return r, err
}

// Show is one request with what was said.
func (p *Pages) Show(c echo.Context) error { return p.show(c, http.StatusOK, "", nil) }

func (p *Pages) show(c echo.Context, status int, text string, refused error) error {
	v := page.Of(c)
	r, err := p.Help.Read(c.Request().Context(), v.Who(), c.Param("id"))
	if err != nil {
		return err
	}
	layout := p.AsPaper(c, p.Layout(c, v.Locale.T("help.one", "Reference", r.Reference()), "help"))
	layout.Path = URL(r.ID)
	return page.Render(c, status, requestPage(buildRequest(v, r, text, refused, layout)))
}

// Say adds what the customer writes to a request.
func (p *Pages) Say(c echo.Context) error {
	v := page.Of(c)
	form, err := page.ReadForm(c, page.Text("text", assistance.MaxText))
	if err == nil {
		_, err = p.Help.Say(c.Request().Context(), v.Who(), v.Programme, c.Param("id"), form.Get("text"))
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.show(c, http.StatusUnprocessableEntity, form.Get("text"), err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, URL(c.Param("id")), "ok", "flash.help_said")
}

// Close settles a request that the customer needs no more.
func (p *Pages) Close(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v := page.Of(c)
	r, err := p.Help.Close(c.Request().Context(), v.Who(), v.Programme, c.Param("id"))
	if err != nil {
		return err
	}
	return p.Flash(c, URL(r.ID), "ok", "flash.help_closed")
}

// topicOf is what a request from a page is likely about.
func topicOf(a about) string {
	switch {
	case a.incident != "":
		return "error"
	case a.export != nil, strings.HasPrefix(a.page, "/exports"):
		return "export"
	case strings.HasPrefix(a.page, "/refund"):
		return "refund"
	case strings.HasPrefix(a.page, "/replacements"):
		return "replacement"
	case strings.HasPrefix(a.page, "/plan/dates"):
		return "dates"
	case strings.HasPrefix(a.page, "/account"), strings.HasPrefix(a.page, "/inbox"):
		return "account"
	}
	return ""
}
