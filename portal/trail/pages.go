// Package trail is the page on which customers see who looked at their data.
package trail

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Path is where the page lives.
const Path = "/account/trail"

// shown is how many entries one page holds.
const shown = 50

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	DB *db.DB
}

// Show lists who looked at the customer's record, and the sessions of its people: all of them for an owner, their own for a member.
func (p *Pages) Show(c echo.Context) error {
	v := page.Of(c)
	q, err := page.ReadQuery(c, page.Line("before", 20))
	if err != nil {
		return err
	}
	before, bad := strconv.ParseInt(q.Get("before"), 10, 64)
	if bad != nil || before < 0 {
		before = 0 // the newest page
	}
	contact := v.Who().ContactID
	if v.Owner() {
		contact = ""
	}
	list, err := audit.Trail(c.Request().Context(), p.DB, v.Who().CustomerID, contact, audit.Page{Before: before, Size: shown + 1})
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, trailPage(build(v, list, before, p.Layout(c, v.Locale.T("trail.title"), ""))))
}

// view is the page.
type view struct {
	layout  ui.Page
	heading ui.Heading
	about   string
	note    string
	table   ui.Table
	pages   ui.Pages
	newest  *ui.Link
	links   []ui.Link
}

func build(v *page.Visit, list []audit.Sight, before int64, layout ui.Page) view {
	l := v.Locale
	s := view{
		layout: layout, heading: ui.Heading{Title: layout.Title, Lead: l.T("trail.lead"), Eyebrow: v.Session.CustomerName},
		about: l.T("trail.sessions.member"), note: v.Dates().ZoneNote(v.Now), pages: ui.Pages{Locale: l},
		links: []ui.Link{{Label: l.T("trail.messages"), URL: "/inbox"}, {Label: l.T("trail.ask"), URL: "/help/new"}},
	}
	if v.Owner() {
		s.about = l.T("trail.sessions.owner")
	}
	if len(list) > shown {
		list = list[:shown]
		s.pages.NextURL = Path + "?before=" + strconv.FormatInt(list[shown-1].Seq, 10)
	}
	if before > 0 {
		s.newest = &ui.Link{Label: l.T("trail.newest"), URL: Path}
	}
	s.table = ui.Table{ID: "trail", Caption: layout.Title, Empty: l.T("trail.none"), Columns: []ui.Column{
		{Label: l.T("trail.when")}, {Label: l.T("trail.who")}, {Label: l.T("trail.what")}, {Label: l.T("trail.about")},
	}}
	for _, x := range list {
		s.table.Rows = append(s.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: v.When(x.At)}, {Text: who(v, x)}, {Text: l.T("trail.act." + x.Act)}, {Text: about(x)},
		}})
	}
	return s
}

// who is the customer's own person by name, and a colleague by the team that the act belongs to: names of colleagues are ours.
func who(v *page.Visit, x audit.Sight) string {
	switch {
	case strings.HasPrefix(x.Act, "session."):
		return x.Person
	case strings.HasPrefix(x.Act, "refund."):
		return v.Locale.T("trail.finance")
	}
	return v.Locale.T("trail.support")
}

// about is whose address or which request a look was at; empty: the record as a whole.
func about(x audit.Sight) string {
	kind, ref, _ := strings.Cut(x.Object, " ")
	switch {
	case x.Act == "contact.reveal":
		return x.Person
	case kind == "session" || kind == "customer":
		return ""
	}
	return ref
}
