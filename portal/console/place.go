package console

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/locale"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// place is one console with the role that it is for.
type place struct {
	key  string
	role auth.Role
	url  string
}

// places are the consoles, in the order of the navigation.
var places = []place{
	{"support", auth.Support, "/console/support"},
	{"programme", auth.ProgrammeManager, "/console/programme"},
	{"audit", auth.Auditor, "/console/audit"},
	{"operations", auth.Operator, "/console/ops"},
}

// open returns the places that a member of staff may enter.
func open(v *page.Visit) []place {
	var mine []place
	for _, p := range places {
		if v.Session != nil && v.Session.Has(p.role) {
			mine = append(mine, p)
		}
	}
	return mine
}

// Layout is the shell for a console's page. active is the key of the place: support, programme, audit or operations.
func Layout(k *page.Kit, c echo.Context, title, active string) ui.Page {
	v := page.Of(c)
	p := k.Layout(c, title, active)
	p.HomeURL, p.Nav = "/console", nil
	for _, place := range open(v) {
		p.Nav = append(p.Nav, ui.NavItem{Key: place.key, Label: v.Locale.T("console.place." + place.key), URL: place.url})
	}
	if p.Account != nil && v.Session != nil {
		p.Account.Detail = Roles(v.Locale, v.Session.Roles)
	}
	return p
}

// Roles names roles in a line.
func Roles(l *locale.Locale, roles []auth.Role) string {
	var names []string
	for _, role := range auth.Roles {
		if slices.Contains(roles, role) {
			names = append(names, l.T("console.role."+string(role)))
		}
	}
	return strings.Join(names, " · ")
}
