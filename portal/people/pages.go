// Package people holds the programme manager's pages about people: who signs in, ending their sessions, and shutting them out or
// letting them in again. About staff two programme managers decide.
package people

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/auth/people"
	"offramp/internal/audit"
	"offramp/internal/fault"
	"offramp/migration"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Path is where the pages are.
const Path = "/console/people"

const (
	pageSize = 25
	lastPage = 40
)

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	People    *people.Service
	Customers *migration.Service
}

func by(v *page.Visit) migration.Actor {
	return migration.Actor{ID: v.Session.IdentityID, Kind: audit.Staff}
}

func personURL(r people.Ref) string { return Path + "/" + string(r.Kind) + "/" + url.PathEscape(r.ID) }

// ref reads whom an address names.
func ref(c echo.Context) (people.Ref, error) {
	r := people.Ref{Kind: people.Kind(c.Param("kind")), ID: c.Param("id")}
	if r.Kind != people.Staff && r.Kind != people.Customer {
		return r, people.ErrUnknown
	}
	return r, nil
}

// Show is where people are looked for, and what waits for a second person.
func (p *Pages) Show(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	query, err := page.ReadQuery(c, page.Line("q", 100), page.Line("page", 4))
	d := desk{text: query.Get("q"), page: 1, refused: err}
	if f, ok := fault.As(err); err != nil && (!ok || len(f.Fields) == 0) {
		return err
	}
	if n, err := strconv.Atoi(query.Get("page")); err == nil && n > 1 && n <= lastPage {
		d.page = n
	}
	status := http.StatusOK
	if d.refused != nil {
		status = http.StatusUnprocessableEntity
	} else if d.found, d.more, err = p.People.Search(ctx, by(v), d.text, (d.page-1)*pageSize, pageSize); err != nil {
		return err
	}
	if d.waiting, err = p.People.Waiting(ctx, by(v)); err != nil {
		return err
	}
	if d.names, err = p.names(c, d.waiting); err != nil {
		return err
	}
	return page.Render(c, status, listPage(buildList(v, d, console.Layout(p.Kit, c, v.Locale.T("people.title"), "people"))))
}

// names are those of the managers who took part.
func (p *Pages) names(c echo.Context, changes []people.Change) (map[string]string, error) {
	var ids []string
	for _, x := range changes {
		ids = append(ids, x.ProposedBy, x.DecidedBy)
	}
	return p.Customers.Names(c.Request().Context(), page.Of(c).Session.IdentityID, ids)
}

// ShowPerson is one person with their sessions and what was decided about them.
func (p *Pages) ShowPerson(c echo.Context) error { return p.showPerson(c, http.StatusOK, "", nil) }

func (p *Pages) showPerson(c echo.Context, status int, reason string, refused error) error {
	v := page.Of(c)
	r, err := ref(c)
	if err != nil {
		return err
	}
	f, err := p.People.Open(c.Request().Context(), by(v), r)
	if err != nil {
		return err
	}
	names, err := p.names(c, f.Changes)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, f.Name, "people")
	layout.Path = personURL(r) // also after a POST
	return page.Render(c, status, personPage(buildPerson(v, f, names, reason, refused, layout)))
}

// EndSessions ends a person's sessions.
func (p *Pages) EndSessions(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	r, err := ref(c)
	if err != nil {
		return err
	}
	if _, err := p.People.EndSessions(c.Request().Context(), by(page.Of(c)), r); err != nil {
		return err
	}
	return p.Flash(c, personURL(r), "ok", "flash.people_ended")
}

// Disable shuts a person out, or proposes it.
func (p *Pages) Disable(c echo.Context) error { return p.change(c, people.Disable) }

// Enable lets a person in again, or proposes it.
func (p *Pages) Enable(c echo.Context) error { return p.change(c, people.Enable) }

func (p *Pages) change(c echo.Context, act string) error {
	r, err := ref(c)
	if err != nil {
		return err
	}
	form, err := page.ReadForm(c, page.Text("reason", 500))
	waits := false
	if err == nil {
		waits, err = p.People.Change(c.Request().Context(), by(page.Of(c)), r, act, form.Get("reason"))
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.showPerson(c, http.StatusUnprocessableEntity, form.Get("reason"), err)
	}
	if err != nil {
		return err
	}
	if waits {
		return p.Flash(c, personURL(r), "ok", "flash.people_proposed")
	}
	return p.Flash(c, personURL(r), "ok", "flash.people_"+act+"d")
}

// Confirm does what another manager has proposed.
func (p *Pages) Confirm(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	x, err := p.People.Confirm(c.Request().Context(), by(page.Of(c)), c.Param("id"))
	if err != nil {
		return err
	}
	return p.Flash(c, personURL(x.Who), "ok", "flash.people_"+x.Act+"d")
}

// Withdraw takes a proposal back.
func (p *Pages) Withdraw(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	x, err := p.People.Withdraw(c.Request().Context(), by(page.Of(c)), c.Param("id"))
	if err != nil {
		return err
	}
	return p.Flash(c, personURL(x.Who), "ok", "flash.people_withdrawn")
}
