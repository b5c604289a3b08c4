package signin

import (
	"slices"
	"time"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/trail"
	"offramp/portal/ui"
)

// accountView is the account page.
type accountView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	facts    []ui.SummaryRow
	mail     *mailView // nil for staff
	language ui.Selection
	zone     *ui.Selection // nil for staff, who see the programme's
	sessions []sessionView
	others   bool // there are more than this one
	note     string
	trail    *ui.Link // to who looked at the customer's data; nil for staff
}

// sessionView is one row of the list of sessions.
type sessionView struct {
	id, device  string
	began, seen instant
	current     bool
}

// instant is a time with its machine value.
type instant struct{ text, iso string }

func buildAccount(v *page.Visit, profile auth.Profile, live []auth.Live, typed string, refused error, layout ui.Page) accountView {
	l, s := v.Locale, v.Session
	view := accountView{layout: layout, heading: ui.Heading{Title: layout.Title, Eyebrow: s.CustomerName}}
	wrong := map[string]string{}
	if f, ok := fault.As(refused); ok {
		for _, field := range f.Fields {
			wrong[field.Name] = l.T(field.Key)
			view.errors = append(view.errors, ui.FieldError{FieldID: field.Name, Text: wrong[field.Name]})
		}
	}
	view.layout.Narrow = true
	view.layout.Errors = len(view.errors) > 0
	view.facts = facts(v)
	view.mail = buildMail(v, typed, wrong["address"])
	view.language = ui.Selection{Field: ui.Field{Locale: l, ID: "locale", Label: l.T("account.language"), Error: wrong["locale"]}, Width: "medium"}
	for _, tag := range languages(v.Programme) {
		view.language.Options = append(view.language.Options, ui.Option{Value: tag, Label: locale.For(tag).T("language.name"), Selected: tag == profile.Locale})
	}
	if s.Realm == auth.Customers {
		view.zone = &ui.Selection{Field: ui.Field{Locale: l, ID: "zone", Label: l.T("account.zone"), Hint: l.T("account.zone.hint"), Error: wrong["zone"]}}
		view.zone.Options = zoneOptions(v, profile.Zone)
		view.trail = &ui.Link{Label: l.T("account.trail"), URL: trail.Path}
	}
	zone := v.Zone()
	for _, x := range live {
		view.sessions = append(view.sessions, sessionView{
			id: x.ID, device: Device(l, x.UserAgent), current: x.Current,
			began: instant{v.When(x.CreatedAt), l.ISO(x.CreatedAt, zone)}, seen: instant{v.When(x.SeenAt), l.ISO(x.SeenAt, zone)},
		})
	}
	view.others = len(live) > 1
	view.note = v.Dates().ZoneNote(v.Now)
	return view
}

// facts are what the person cannot change here.
func facts(v *page.Visit) []ui.SummaryRow {
	l, s := v.Locale, v.Session
	rows := []ui.SummaryRow{{Key: l.T("account.name"), Value: s.Name}, {Key: l.T("account.email"), Value: s.Email}}
	if s.Realm == auth.Customers {
		role := l.T("account.role.member")
		if s.Role == migration.Owner {
			role = l.T("account.role.owner")
		}
		return append(rows, ui.SummaryRow{Key: l.T("account.customer"), Value: s.CustomerRef}, ui.SummaryRow{Key: l.T("account.role"), Value: role})
	}
	roles := ""
	for i, r := range s.Roles {
		name := l.T("account.role." + string(r))
		if i == 0 {
			roles = name
			continue
		}
		roles = l.T("account.roles", "Some", roles, "Next", name)
	}
	return append(rows, ui.SummaryRow{Key: l.T("account.role"), Value: roles})
}

// zoneNames are the zones on offer: the usual ones, the programme's, and the one that is set.
func zoneNames(v *page.Visit) []string {
	names := slices.Clone(usualZones)
	extra := []string{v.Session.Zone, v.Zone().String()}
	if v.Programme != nil {
		extra = append(extra, v.Programme.ZoneName)
	}
	for _, name := range extra {
		if name != "" && !slices.Contains(names, name) && migration.Location(name, nil) != nil {
			names = append(names, name)
		}
	}
	return names
}

// zoneOptions lists them from west to east.
func zoneOptions(v *page.Visit, chosen string) []ui.Option {
	type place struct {
		offset int
		option ui.Option
	}
	var places []place
	for _, name := range zoneNames(v) {
		zone := migration.Location(name, time.UTC)
		_, offset := v.Now.In(zone).Zone()
		places = append(places, place{offset, ui.Option{Value: name, Label: v.Locale.ZoneName(zone, v.Now), Selected: name == chosen}})
	}
	slices.SortStableFunc(places, func(a, b place) int { return a.offset - b.offset })
	options := make([]ui.Option, len(places))
	for i, p := range places {
		options[i] = p.option
	}
	return options
}
