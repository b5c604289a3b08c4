package support

import (
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
