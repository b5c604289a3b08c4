package inbox

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/internal/sms"
	"offramp/migration/notice"
	"offramp/migration/notice/reader"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// PhonePath is where a contact gives, changes and removes their own number.
const PhonePath = Path + "/phone"

// maxPhone bounds what is sent as a number, in characters.
const maxPhone = 40

// ShowPhone shows the contact's number and whether short messages come there.
func (p *Pages) ShowPhone(c echo.Context) error { return p.renderPhone(c, http.StatusOK, typed{}, nil) }

// AskPhoneCode sends a code to the number that the contact gives.
func (p *Pages) AskPhoneCode(c echo.Context) error {
	if !p.Texts {
		return notice.ErrUnknown
	}
	v := page.Of(c)
	form, err := page.ReadForm(c, page.Line("phone", maxPhone), page.Line("sms", 3))
	if err == nil {
		words := ""
		if form.Get("sms") == "yes" {
			words = consentWords(v)
		}
		err = p.Readers.AskCode(c.Request().Context(), v.Who(), form.Get("phone"), words, v.Locale.Tag())
	}
	if err != nil {
		return p.refusePhone(c, typed{phone: form.Get("phone"), agreed: form.Get("sms") == "yes"}, err)
	}
	return c.Redirect(http.StatusSeeOther, PhonePath)
}

// ConfirmPhone takes the number whose code the contact enters.
func (p *Pages) ConfirmPhone(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("code", 20))
	if err == nil {
		err = p.Readers.ConfirmCode(c.Request().Context(), page.Of(c).Who(), form.Get("code"))
	}
	if err != nil {
		return p.refusePhone(c, typed{code: form.Get("code")}, err)
	}
	return p.Flash(c, PhonePath, "ok", "flash.phone_confirmed")
}

// refusePhone shows the page again with what is wrong, beside the field. What is about no field is for the page of faults.
func (p *Pages) refusePhone(c echo.Context, t typed, err error) error {
	if f, ok := fault.As(err); ok && len(f.Fields) > 0 {
		status := http.StatusUnprocessableEntity
		if f.Kind == fault.Limited {
			status = http.StatusTooManyRequests
		}
		return p.renderPhone(c, status, t, err)
	}
	return err
}

// SavePhoneConsent agrees to short messages, or takes that back.
func (p *Pages) SavePhoneConsent(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("agree", 3))
	if err != nil {
		return err
	}
	v := page.Of(c)
	if form.Get("agree") == "yes" {
		if err := p.Readers.Agree(c.Request().Context(), v.Who(), consentWords(v)); err != nil {
			return err
		}
		return p.Flash(c, PhonePath, "ok", "flash.sms_agreed")
	}
	if err := p.Readers.Withdraw(c.Request().Context(), v.Who()); err != nil {
		return err
	}
	return p.Flash(c, PhonePath, "ok", "flash.sms_stopped")
}

// RemovePhone forgets the contact's number.
func (p *Pages) RemovePhone(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Readers.Remove(c.Request().Context(), page.Of(c).Who()); err != nil {
		return err
	}
	return p.Flash(c, PhonePath, "ok", "flash.phone_removed")
}

// consentWords are what a contact agrees to. They are kept with the consent.
func consentWords(v *page.Visit) string {
	company, _ := v.Programme.Product.Company.In(v.Locale.Tag(), v.Programme.Fallback())
	product, _ := v.Programme.Product.Name.In(v.Locale.Tag(), v.Programme.Fallback())
	return v.Locale.T("phone.consent", "Company", company, "Product", product)
}

// typed is what was sent and refused.
type typed struct {
	phone, code string
	agreed      bool
}

// phoneView is the page.
type phoneView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	rows    []ui.SummaryRow
	warn    *ui.Banner
	consent *ui.Action
	remove  *ui.Action
	code    *codeForm // a code waits to be entered
	give    *giveForm
}

// codeForm asks for the code.
type codeForm struct {
	title, text string
	warn        *ui.Banner
	input       ui.Input
	submit      ui.Button
}

// giveForm asks for a number.
type giveForm struct {
	title  string
	input  ui.Input
	agree  ui.Choices
	submit ui.Button
	note   string
}

func (p *Pages) renderPhone(c echo.Context, status int, t typed, refused error) error {
	v := page.Of(c)
	phone, err := p.Readers.Phone(c.Request().Context(), v.Who())
	if err != nil {
		return err
	}
	if !p.Texts && phone.Number == "" {
		return notice.ErrUnknown
	}
	return page.Render(c, status, phonePage(buildPhone(v, phone, p.Texts, t, v.Faults(refused), p.Layout(c, v.Locale.T("phone.title"), "inbox"))))
}

func buildPhone(v *page.Visit, phone reader.Phone, texts bool, t typed, wrong map[string]string, layout ui.Page) phoneView {
	l := v.Locale
	layout.Narrow, layout.Errors, layout.Path = true, len(wrong) > 0, PhonePath
	w := phoneView{layout: layout, heading: ui.Heading{Title: l.T("phone.title"), Lead: l.T("phone.lead")}}
	for _, name := range []string{"phone", "code"} {
		if wrong[name] != "" {
			w.errors = append(w.errors, ui.FieldError{FieldID: name, Text: wrong[name]})
		}
	}
	if phone.Number != "" {
		w.number(v, phone)
	}
	if !texts {
		return w
	}
	if phone.Pending != "" {
		w.code = codeOf(v, phone, t, wrong["code"])
	}
	g := &giveForm{
		title: l.T("phone.give"), note: l.T("phone.note"),
		input: ui.Input{
			Field: ui.Field{Locale: l, ID: "phone", Label: l.T("phone.number"), Hint: l.T("phone.number.hint"), Error: wrong["phone"]},
			Type:  "tel", Value: t.phone, Autocomplete: "tel", Width: "medium", MaxLength: maxPhone,
		},
		agree: ui.Choices{
			Field:   ui.Field{Locale: l, ID: "sms", Label: l.T("phone.sms"), Optional: true},
			Options: []ui.Option{{Value: "yes", Label: consentWords(v), Hint: l.T("phone.consent.hint"), Selected: t.agreed}},
		},
		submit: ui.Button{Label: l.T("phone.send"), Kind: ui.Primary},
	}
	if phone.Number != "" || phone.Pending != "" {
		g.title, g.submit.Kind = l.T("phone.change"), ui.Plain
	}
	w.give = g
	return w
}

// number words the number that is known.
func (w *phoneView) number(v *page.Visit, phone reader.Phone) {
	l := v.Locale
	state := l.T("phone.state.off")
	switch {
	case phone.Texted():
		state = l.T("phone.state.on", "Date", v.Day(*phone.ConsentAt))
	case phone.WithdrawnAt != nil:
		state = l.T("phone.state.stopped", "Date", v.Day(*phone.WithdrawnAt))
	}
	w.rows = []ui.SummaryRow{{Key: l.T("phone.number"), Value: sms.Pretty(phone.Number)}, {Key: l.T("phone.sms"), Value: state}}
	switch {
	case phone.BlockedAt != nil:
		w.warn = &ui.Banner{Tone: "warn", Title: l.T("phone.blocked"), Text: l.T("phone.blocked.text")}
	case phone.Imported:
		w.warn = &ui.Banner{Tone: "info", Title: l.T("phone.imported"), Text: l.T("phone.imported.text")}
	}
	switch given := phone.ConsentAt != nil && phone.WithdrawnAt == nil; {
	case given:
		w.consent = &ui.Action{URL: PhonePath + "/consent", Hidden: []ui.Pair{{Name: "agree", Value: "no"}}, Button: ui.Button{Label: l.T("phone.stop")}}
	case !phone.Imported:
		w.consent = &ui.Action{URL: PhonePath + "/consent", Hidden: []ui.Pair{{Name: "agree", Value: "yes"}}, Button: ui.Button{Label: l.T("phone.start")}}
	}
	w.remove = &ui.Action{URL: PhonePath + "/remove", Button: ui.Button{Label: l.T("phone.remove")}}
}

// codeOf words the form for a code that is on its way.
func codeOf(v *page.Visit, phone reader.Phone, t typed, wrong string) *codeForm {
	l := v.Locale
	f := &codeForm{
		title: l.T("phone.code.title"), text: l.T("phone.code.text", "Number", sms.Pretty(phone.Pending)),
		input: ui.Input{
			Field: ui.Field{Locale: l, ID: "code", Label: l.T("phone.code"), Hint: l.T("phone.code.hint"), Error: wrong},
			Value: t.code, Autocomplete: "one-time-code", InputMode: "numeric", Width: "short", MaxLength: 20,
		},
		submit: ui.Button{Label: l.T("phone.confirm"), Kind: ui.Primary},
	}
	switch phone.PendingSent {
	case "refused", "bounced", "deferred", "unknown":
		f.warn, f.text = &ui.Banner{Tone: "warn", Title: l.T("phone.code.failed." + phone.PendingSent)}, sms.Pretty(phone.Pending)
	}
	return f
}

// textCard is the card on the page of messages about short messages; nil: there is nothing to say.
func textCard(v *page.Visit, phone reader.Phone, texts bool) *ui.Link {
	switch {
	case phone.Texted():
		return &ui.Link{Label: v.Locale.T("phone.card.change", "Number", sms.Pretty(phone.Number)), URL: PhonePath}
	case phone.Number != "" || texts:
		return &ui.Link{Label: v.Locale.T("phone.card.give"), URL: PhonePath}
	}
	return nil
}
