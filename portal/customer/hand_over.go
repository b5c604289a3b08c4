package customer

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// handOverCookie carries the address of a replacement's sign-up over our own page: a redirect of a form may not leave this
// site (form-action in the content security policy).
const handOverCookie = "offramp-hand-over"

// handOverAge is how long the browser has to go on, in seconds. The link itself lives no longer than that.
const handOverAge = 60

// maxHandOver bounds the cookie below what browsers keep.
const maxHandOver = 3500

// ShowHandOver shows what would be handed over to the replacement's sign-up.
func (p *Pages) ShowHandOver(c echo.Context) error { return p.askHandOver(c, nil, nil) }

func (p *Pages) askHandOver(c echo.Context, agreed []string, refused error) error {
	v := page.Of(c)
	r, o, err := p.found(c)
	if err != nil {
		return err
	}
	if mine, ok := o.chosen(v.Programme); !ok || mine.Key != r.Key {
		return replacement.ErrNothingChosen
	}
	values, err := p.Choices.HandOverForm(c.Request().Context(), v.Who(), v.Programme)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		status = http.StatusUnprocessableEntity
	}
	layout := p.layoutOf(c, "", replacementURL(r.Key, "hand-over"))
	return page.Render(c, status, handOverPage(newReplacementWords(v).handOver(r, values, agreed, refused, layout)))
}

// StartHandOver makes the link to the replacement's sign-up and sends the browser on its way there.
func (p *Pages) StartHandOver(c echo.Context) error {
	form, err := page.ReadForm(c, page.Choices("fields", len(migration.SignUpFields)))
	v, key := page.Of(c), c.Param("key")
	var address string
	if err == nil {
		address, err = p.startHandOver(c, key, form.All("fields"))
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.askHandOver(c, form.All("fields"), err)
	}
	if err != nil {
		return err
	}
	value := base64.RawURLEncoding.EncodeToString([]byte(address))
	if len(value) > maxHandOver {
		return errors.New("hand over: the address of the sign-up of " + key + " of programme " + v.Programme.Key + " is too long for a browser")
	}
	p.SetCookie(c, handOverCookie, value, handOverAge)
	return page.Redirect(c, replacementURL(key, "hand-over", "leaving"))
}

// startHandOver refuses a form about a replacement that is no longer the one that is chosen.
func (p *Pages) startHandOver(c echo.Context, key string, fields []string) (string, error) {
	v := page.Of(c)
	_, o, err := p.found(c)
	if err != nil {
		return "", err
	}
	if mine, ok := o.chosen(v.Programme); !ok || mine.Key != key {
		return "", replacement.ErrNothingChosen
	}
	return p.Choices.StartHandOver(c.Request().Context(), v.Who(), v.Programme, fields)
}

// ShowLeaving says where the browser goes. It leads on at once, by a header and so without script, and by a link.
func (p *Pages) ShowLeaving(c echo.Context) error {
	v := page.Of(c)
	r, ok := v.Programme.Replacement(c.Param("key"))
	if !ok || r.SignUp == nil {
		return replacement.ErrNoSignUp
	}
	leaving, on := p.handedOver(c, r) != "", replacementURL(r.Key, "hand-over", "leave")
	if leaving {
		c.Response().Header().Set("Refresh", "0; url="+on)
	}
	layout := p.layoutOf(c, v.Locale.T("hand_over.leaving", "Product", replacementName(v.Locale, r)), replacementURL(r.Key, "done"))
	return page.Render(c, http.StatusOK, leavingPage(newReplacementWords(v).leaving(r, leaving, on, layout)))
}

// Leave sends the browser to the replacement's sign-up, once.
func (p *Pages) Leave(c echo.Context) error {
	r, ok := page.Of(c).Programme.Replacement(c.Param("key"))
	if !ok || r.SignUp == nil {
		return replacement.ErrNoSignUp
	}
	address := p.handedOver(c, r)
	p.SetCookie(c, handOverCookie, "", -1)
	if address == "" {
		return page.Redirect(c, replacementURL(r.Key, "hand-over"))
	}
	return c.Redirect(http.StatusSeeOther, address)
}

// handedOver is the address that StartHandOver has left; empty when there is none. Whatever a browser sends, it leads only
// to the sign-up that the programme names.
func (p *Pages) handedOver(c echo.Context, r migration.Replacement) string {
	raw, err := base64.RawURLEncoding.DecodeString(p.Cookie(c, handOverCookie))
	if err != nil {
		return ""
	}
	address, err := url.Parse(string(raw))
	named, bad := url.Parse(r.SignUp.URL)
	if err != nil || bad != nil || address.Scheme != named.Scheme || address.Host != named.Host || address.Path != named.Path || address.User != nil {
		return ""
	}
	return address.String()
}

// handOverView shows what would be handed over.
type handOverView struct {
	layout  ui.Page
	back    string
	heading ui.Heading
	errors  []ui.FieldError
	action  string
	fields  ui.Choices
	about   []string
	send    ui.Button
}

// handOver words the form; agreed is what was ticked when it comes back.
func (w replacementWords) handOver(r migration.Replacement, values []replacement.Value, agreed []string, refused error, layout ui.Page) handOverView {
	l, name, x := w.l, w.name(r), w.forms()
	said := x.fieldErrors(refused)
	view := handOverView{layout: layout, back: replacementURL(r.Key, "done"), action: replacementURL(r.Key, "hand-over"), errors: said.list("fields"), heading: ui.Heading{
		Eyebrow: name, Title: l.T("hand_over.title", "Product", name), Lead: l.T("hand_over.lead", "Product", name),
	}}
	view.layout.Title, view.layout.Errors = view.heading.Title, len(view.errors) > 0
	view.fields = ui.Choices{Field: x.field(said, "fields", "hand_over.fields")}
	view.fields.Hint = l.T("hand_over.fields.hint", "Product", name)
	ticked := map[string]bool{}
	for _, field := range agreed {
		ticked[field] = true
	}
	for _, one := range values {
		shown := one.Value
		if shown == "" {
			shown = l.T("hand_over.empty")
		}
		view.fields.Options = append(view.fields.Options, ui.Option{Value: one.Field, Label: l.T("hand_over.field." + one.Field), Hint: shown, Selected: ticked[one.Field]})
	}
	view.about = []string{l.T("hand_over.about", "Product", name), l.T("hand_over.none", "Product", name)}
	view.send = ui.Button{Label: l.T("hand_over.go", "Product", name), Kind: ui.Primary, Icon: ui.IconArrow}
	return view
}

// leavingView says where the browser goes.
type leavingView struct {
	layout  ui.Page
	heading ui.Heading
	next    ui.Link
}

func (w replacementWords) leaving(r migration.Replacement, leaving bool, on string, layout ui.Page) leavingView {
	l, name := w.l, w.name(r)
	if !leaving {
		return leavingView{layout: layout, heading: ui.Heading{Title: l.T("hand_over.over"), Lead: l.T("hand_over.over.text")}, next: ui.Link{Label: l.T("hand_over.again"), URL: replacementURL(r.Key, "hand-over")}}
	}
	return leavingView{layout: layout, heading: ui.Heading{Title: l.T("hand_over.leaving", "Product", name), Lead: l.T("hand_over.leaving.text", "Product", name)}, next: ui.Link{Label: l.T("hand_over.go", "Product", name), URL: on}}
}
