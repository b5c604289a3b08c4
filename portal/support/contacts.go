package support

import (
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// JoinContacts makes one person of two contacts.
func (p *Pages) JoinContacts(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("from", 60), page.Line("into", 60))
	if err != nil {
		return err
	}
	err = p.Auth.JoinContacts(c.Request().Context(), *page.Of(c).Session, c.Param("id"), form.Get("from"), form.Get("into"))
	if err != nil {
		return err
	}
	return p.Flash(c, customerURL(c.Param("id")), "ok", "flash.contacts_joined")
}

// joining is the form that joins two contacts; nil where there are not two.
type joining struct {
	action     string
	from, into ui.Selection
}

func joinForm(v *page.Visit, s screen) *joining {
	l := v.Locale
	j := joining{
		action: customerURL(s.file.Customer.ID) + "/join",
		from:   ui.Selection{Field: ui.Field{Locale: l, ID: "from", Label: l.T("console.join.from")}},
		into:   ui.Selection{Field: ui.Field{Locale: l, ID: "into", Label: l.T("console.join.into")}},
	}
	for _, c := range s.file.Contacts {
		if c.State != migration.Active {
			continue
		}
		o := ui.Option{Value: c.ID, Label: l.T("console.join.option", "Name", c.Name, "Address", address(l, c.Email))}
		j.from.Options, j.into.Options = append(j.from.Options, o), append(j.into.Options, o)
	}
	if len(j.from.Options) < 2 {
		return nil
	}
	j.from.Options = append([]ui.Option(nil), j.from.Options...)
	j.from.Options[len(j.from.Options)-1].Selected = true
	return &j
}

// person is one contact on the screen.
type person struct {
	name, role, email, note string
	reveal                  *ui.Action
}

// contacts are those whom support mostly looks for, and the others behind "all".
type contacts struct {
	first, rest []person
	count       int
	open        bool // the one who was asked for is among the rest
}

// contactsShown is how many stand open.
const contactsShown = 3

// contactsOf lists the people of a customer with their addresses masked, but for the one that was asked for: who can act comes first.
func contactsOf(v *page.Visit, s screen) (all contacts) {
	l := v.Locale
	list := slices.Clone(s.file.Contacts)
	rank := func(c migration.Contact) int {
		switch {
		case c.State != migration.Active:
			return 2
		case c.Role != migration.Owner:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(list, func(a, b migration.Contact) int { return rank(a) - rank(b) })
	all.count = len(list)
	for i, c := range list {
		one := person{name: c.Name, role: l.T("console.contact." + c.Role), email: address(l, c.Email)}
		switch {
		case c.ID == s.revealed:
			one.email, one.note = c.Email, l.T("console.revealed")
			all.open = i >= contactsShown
		case mailed(c.Email):
			one.reveal = &ui.Action{
				URL: customerURL(s.file.Customer.ID) + "/reveal", Hidden: []ui.Pair{{Name: "contact", Value: c.ID}},
				Button: ui.Button{Label: l.T("console.reveal"), Kind: ui.Quiet},
			}
		}
		if c.State != migration.Active {
			one.role += " · " + l.T("console.account."+c.State)
		}
		if i < contactsShown {
			all.first = append(all.first, one)
		} else {
			all.rest = append(all.rest, one)
		}
	}
	return all
}
