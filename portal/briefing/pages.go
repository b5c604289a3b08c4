// Package briefing holds what colleagues read before any customer is told: one voice, approved answers and hard talks to practise; and,
// for programme managers, who has acknowledged it.
package briefing

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/migration/notice/briefing"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Where the pages are.
const (
	Path        = briefing.Path
	RolePath    = Path + "/role-play"
	ReadersPath = Path + "/readers"
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Briefing  *briefing.Service
	Customers *migration.Service
}

func by(c echo.Context) string { return page.Of(c).Session.IdentityID }

// Show is the voice with the questions and answers.
func (p *Pages) Show(c echo.Context) error {
	v := page.Of(c)
	d, status, err := p.read(c, page.Line("q", 100), page.Line("locale", 16))
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("briefing.title"), "briefing")
	layout.Path = Path // also after a POST
	if d.none {
		return page.Render(c, http.StatusOK, nonePage(ui.Empty{ID: "none", Title: v.Locale.T("briefing.none.title"), Text: v.Locale.T("briefing.none.text")}, layout))
	}
	if d.names, err = p.Customers.Names(c.Request().Context(), by(c), []string{d.state.ApprovedBy}); err != nil {
		return err
	}
	return page.Render(c, status, briefingPage(buildBriefing(v, d, p.Public.String(), layout)))
}

// ShowRolePlay is the sheet to practise with, on paper as well.
func (p *Pages) ShowRolePlay(c echo.Context) error {
	v := page.Of(c)
	d, status, err := p.read(c, page.Line("locale", 16))
	if err != nil {
		return err
	}
	if d.none {
		return briefing.ErrNone
	}
	layout := p.AsPaper(c, console.Layout(p.Kit, c, v.Locale.T("briefing.role_play"), "briefing"))
	return page.Render(c, status, rolePage(buildRoles(v, d, p.Public.String(), layout)))
}

// desk is what was read for a page.
type desk struct {
	none  bool // the programme has no briefing
	state briefing.State
	names map[string]string
	words *locale.Locale // in which the briefing is shown
	query string
	long  string // what is wrong with the search
}

func (p *Pages) read(c echo.Context, inputs ...page.Input) (d desk, status int, err error) {
	v := page.Of(c)
	query, err := page.ReadQuery(c, inputs...)
	status = http.StatusOK
	if err != nil {
		if d.long = v.Faults(err)["q"]; d.long == "" {
			return d, 0, err
		}
		status = http.StatusUnprocessableEntity
	}
	d.query, d.words = query.Get("q"), v.Locale
	if tag := query.Get("locale"); slices.Contains(v.Programme.Locales, tag) {
		d.words = locale.For(tag)
	}
	d.state, err = p.Briefing.State(c.Request().Context(), by(c))
	if errors.Is(err, briefing.ErrNone) {
		d.none, err = true, nil
	}
	return d, status, err
}

// Approve approves the words that the page showed.
func (p *Pages) Approve(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("hash", 64))
	if err != nil {
		return err
	}
	if err := p.Briefing.Approve(c.Request().Context(), by(c), form.Get("hash")); err != nil {
		return err
	}
	return p.Flash(c, Path, "ok", "flash.briefing_approved")
}

// Acknowledge records that the reader has read it.
func (p *Pages) Acknowledge(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("hash", 64), page.Line("locale", 16))
	if err != nil {
		return err
	}
	tag := form.Get("locale")
	if !slices.Contains(page.Of(c).Programme.Locales, tag) {
		tag = page.Of(c).Locale.Tag()
	}
	if err := p.Briefing.Acknowledge(c.Request().Context(), by(c), tag, form.Get("hash")); err != nil {
		return err
	}
	return p.Flash(c, Path, "ok", "flash.briefing_read")
}

// ShowReaders is who of the audience has acknowledged it, and what waits for them.
func (p *Pages) ShowReaders(c echo.Context) error { return p.showReaders(c, http.StatusOK, "", nil) }

// showReaders is ShowReaders; a waiver that was refused comes back.
func (p *Pages) showReaders(c echo.Context, status int, reason string, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	state, err := p.Briefing.State(ctx, by(c))
	if err != nil {
		return err
	}
	names, err := p.Customers.Names(ctx, by(c), []string{state.Waiver.AskedBy, state.Waiver.ConfirmedBy})
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("briefing.readers"), "briefing")
	layout.Path = ReadersPath // also after a POST
	view := buildReaders(v, state, names, layout)
	view.refuse(v, reason, refused)
	return page.Render(c, status, readersPage(view))
}

// Remind asks those who have not acknowledged it by email.
func (p *Pages) Remind(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	n, err := p.Briefing.Remind(c.Request().Context(), by(c))
	if err != nil {
		return err
	}
	if n == 0 {
		return p.Flash(c, ReadersPath, "info", "flash.briefing_nobody")
	}
	return p.Flash(c, ReadersPath, "ok", "flash.briefing_reminded")
}

// AskWaiver asks that nothing wait for the briefing.
func (p *Pages) AskWaiver(c echo.Context) error {
	form, err := page.ReadForm(c, page.Text("reason", 500))
	if err == nil {
		err = p.Briefing.AskWaiver(c.Request().Context(), by(c), form.Get("reason"))
	}
	if page.Of(c).Faults(err) != nil {
		return p.showReaders(c, http.StatusUnprocessableEntity, form.Get("reason"), err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, ReadersPath, "ok", "flash.briefing_waiver")
}

// ConfirmWaiver makes the waiver count.
func (p *Pages) ConfirmWaiver(c echo.Context) error {
	return p.settle(c, "flash.waiver_confirmed", p.Briefing.ConfirmWaiver)
}

// RefuseWaiver takes a waiver away that waits.
func (p *Pages) RefuseWaiver(c echo.Context) error {
	return p.settle(c, "flash.waiver_refused", p.Briefing.RefuseWaiver)
}

func (p *Pages) settle(c echo.Context, done string, do func(ctx context.Context, by string) error) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := do(c.Request().Context(), by(c)); err != nil {
		return err
	}
	return p.Flash(c, ReadersPath, "ok", done)
}

func manager(v *page.Visit) bool { return v.Session.Has(auth.ProgrammeManager) }
