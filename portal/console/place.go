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

// place is one console with the roles that it is for.
type place struct {
	key   string
	roles []auth.Role
	url   string
	part  bool // of the console before it: in the navigation, and no place to arrive at
}

var financeRoles = []auth.Role{auth.FinanceClerk, auth.FinanceApprover, auth.FinanceReleaser}

// places are the consoles, in the order of the navigation.
var places = []place{
	{key: "support", roles: []auth.Role{auth.Support}, url: "/console/support"},
	{key: "queue", roles: []auth.Role{auth.Support}, url: "/console/support/queue", part: true},
	{key: "refunds", roles: financeRoles, url: "/console/finance/refunds"},
	{key: "batches", roles: financeRoles, url: "/console/finance/batches", part: true},
	{key: "reconciliation", roles: financeRoles, url: "/console/finance/reconciliation", part: true},
	{key: "reports", roles: financeRoles, url: "/console/finance/reports", part: true},
	{key: "programme", roles: []auth.Role{auth.ProgrammeManager}, url: "/console/programme"},
	{key: "overview", roles: []auth.Role{auth.ProgrammeManager}, url: "/console/overview", part: true},
	{key: "notices", roles: []auth.Role{auth.ProgrammeManager}, url: "/console/notices", part: true},
	{key: "reach", roles: []auth.Role{auth.ProgrammeManager}, url: "/console/reach", part: true},
	{key: "calls", roles: []auth.Role{auth.Support, auth.ProgrammeManager}, url: "/console/calls", part: true},
	{key: "people", roles: []auth.Role{auth.ProgrammeManager}, url: "/console/people", part: true},
	{key: "erasure", roles: []auth.Role{auth.ProgrammeManager}, url: "/console/erasure", part: true},
	{key: "workspace", roles: auth.Roles, url: "/console/workspace", part: true},
	{key: "figures", roles: auth.Roles, url: "/console/figures", part: true},
	{key: "approvals", roles: auth.Roles, url: "/console/approvals", part: true},
	{key: "risks", roles: auth.Roles, url: "/console/risks", part: true},
	{key: "briefing", roles: auth.Roles, url: "/console/briefing", part: true},
	{key: "feedback", roles: []auth.Role{auth.ProgrammeManager}, url: "/console/feedback", part: true},
	{key: "deliveries", roles: []auth.Role{auth.Support, auth.ProgrammeManager}, url: "/console/deliveries", part: true},
	{key: "audit", roles: []auth.Role{auth.Auditor}, url: "/console/audit"},
	{key: "operations", roles: []auth.Role{auth.Operator}, url: "/console/ops"},
	{key: "sinks", roles: []auth.Role{auth.Operator}, url: "/console/ops/sinks", part: true},
	{key: "jobs", roles: []auth.Role{auth.Operator}, url: "/console/ops/queue", part: true},
}

// open returns the places that a member of staff may enter.
func open(v *page.Visit) []place {
	var mine []place
	for _, p := range places {
		if v.Session != nil && v.Session.Has(p.roles...) {
			mine = append(mine, p)
		}
	}
	return mine
}

// Layout is the shell for a console's page. active is the key of the place, such as support or refunds.
func Layout(k *page.Kit, c echo.Context, title, active string) ui.Page {
	v := page.Of(c)
	p := k.Layout(c, title, active)
	p.HomeURL, p.Nav, p.Times = "/console", nil, v.Locale.T("time.zone_page", "Zone", v.Locale.ZoneName(v.Zone(), v.Now))
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
