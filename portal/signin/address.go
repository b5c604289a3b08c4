package signin

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// mailView is the card about where mail to the person goes.
type mailView struct {
	text    string
	warn    *ui.Banner
	address ui.Field
	value   string
}

// addressView is the page behind the link in the mail.
type addressView struct {
	layout  ui.Page
	heading ui.Heading
	confirm ui.Action
}

// AskAddress writes to an address that the person gives.
func (p *Pages) AskAddress(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("address", 254))
	if err == nil {
		err = p.Auth.AskAddress(c.Request().Context(), *page.Of(c).Session, form.Get("address"))
	}
	if f, ok := fault.As(err); ok && len(f.Fields) > 0 {
		v := page.Of(c)
		return p.renderAccount(c, http.StatusUnprocessableEntity, auth.Profile{Locale: v.Locale.Tag(), Zone: v.Zone().String()}, form.Get("address"), err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, accountPath, "ok", "flash.address_asked")
}

// ShowConfirmAddress asks for the confirmation, since programs follow the links in mails, too.
func (p *Pages) ShowConfirmAddress(c echo.Context) error {
	v := page.Of(c)
	layout := p.Layout(c, v.Locale.T("account.mail.confirm"), "")
	layout.Narrow = true
	return page.Render(c, http.StatusOK, addressPage(addressView{
		layout: layout, heading: ui.Heading{Title: layout.Title, Lead: v.Locale.T("account.mail.confirm.text", "Customer", v.Session.CustomerName)},
		confirm: ui.Action{URL: accountPath + "/mail/" + c.Param("token"), Button: ui.Button{Label: v.Locale.T("account.mail.confirm.do"), Kind: ui.Primary}},
	}))
}

// ConfirmAddress takes the address whose link was followed.
func (p *Pages) ConfirmAddress(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Auth.ConfirmAddress(c.Request().Context(), *page.Of(c).Session, c.Param("token")); err != nil {
		return err
	}
	return p.Flash(c, accountPath, "ok", "flash.address_confirmed")
}

// buildMail words where mail goes. typed is an address that was sent and refused.
func buildMail(v *page.Visit, typed, wrong string) *mailView {
	if v.Session.Realm != auth.Customers {
		return nil
	}
	l := v.Locale
	m := &mailView{
		text: l.T("account.mail.to", "Address", v.Session.MailTo), value: typed,
		address: ui.Field{Locale: l, ID: "address", Label: l.T("account.mail.new"), Hint: l.T("account.mail.hint"), Error: wrong},
	}
	switch {
	case v.Session.MailTo == "":
		m.text = l.T("account.mail.none")
	case v.Session.MailProblem != "":
		m.warn = &ui.Banner{Tone: "warn", Title: l.T("account.mail.problem." + v.Session.MailProblem)}
	}
	return m
}
