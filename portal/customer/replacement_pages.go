package customer

import (
	"errors"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// own reads what is the customer's alone of step 3.
func (p *Pages) own(c echo.Context) (o own, err error) {
	v, ctx := page.Of(c), c.Request().Context()
	if o.Overview, err = p.Choices.Overview(ctx, v.Scope(), v.Who().CustomerID); err != nil {
		return o, err
	}
	o.customer, err = p.Customers.Customer(ctx, v.Scope(), v.Who().CustomerID)
	return o, err
}

// ShowReplacements compares replacements. It is read often while a customer decides, so what customers share of it is
// rendered once.
func (p *Pages) ShowReplacements(c echo.Context) error {
	v := page.Of(c)
	query, err := page.ReadQuery(c, page.Choices("with", 4*maxCompared), page.Line("all", 3), page.Line("only", 20)) // only: addresses of earlier versions
	if err != nil {
		return err
	}
	if v.Glance == nil { // the route's access has made sure that a customer is signed in
		return replacement.ErrNotFound
	}
	o := own{Overview: v.Glance.Overview, customer: v.Glance.Customer}
	w := newReplacementWords(v)
	best, _ := replacement.Recommend(v.Programme, o.Usage)
	mine, _ := o.chosen(v.Programme)
	x := wished(v.Programme, query.All("with"), query.Get("all") == "yes", mine.Key, best.Replacement)
	layout, code := p.AsPaper(c, p.Layout(c, v.Locale.T("choice.title"), "replacements")), page.SupportCode(p.Secret, v.Who().CustomerID)
	if key, ok := w.comparedWith(x, layout); ok {
		return p.sendCompared(c, key, w, o, x, code)
	}
	status := http.StatusOK
	if x.error != nil {
		status = http.StatusUnprocessableEntity
	}
	return page.Render(c, status, comparePage(w.buildCompare(x, w.slots(o, x.keys), compareNews(v.Locale, w.news(o, x)), w.declineCard(o), layout, code)))
}

// RefreshUsage asks for a fresh count of what the customer uses.
func (p *Pages) RefreshUsage(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	v := page.Of(c)
	if err := p.Choices.Refresh(c.Request().Context(), v.Who(), v.Programme); err != nil {
		return err
	}
	return p.Flash(c, "/replacements", "ok", "flash.usage_refreshed")
}

// found returns the replacement in the address with what is the customer's own. A replacement that is not offered any more
// stays readable for those who hear of it.
func (p *Pages) found(c echo.Context) (r migration.Replacement, o own, err error) {
	r, ok := page.Of(c).Programme.Replacement(c.Param("key"))
	if !ok {
		return r, o, replacement.ErrNotFound
	}
	o, err = p.own(c)
	return r, o, err
}

// ShowReplacement is everything about one replacement.
func (p *Pages) ShowReplacement(c echo.Context) error {
	v := page.Of(c)
	r, o, err := p.found(c)
	if err != nil {
		return err
	}
	layout, code := p.Layout(c, "", "replacements"), page.SupportCode(p.Secret, v.Who().CustomerID)
	return page.Render(c, http.StatusOK, detailsPage(newReplacementWords(v).details(r, o, layout, code)))
}

// ShowChoose is what a customer reads and agrees to before choosing a replacement.
func (p *Pages) ShowChoose(c echo.Context) error {
	return p.askChoice(c, http.StatusOK, consent{}, nil)
}

// consent is what the form of a choice says.
type consent struct {
	losses []string // those that the page listed
	accept bool
	offer  bool // the page showed an offer that was open
}

// maxLosses bounds how many losses a form may list.
const maxLosses = 500

func readConsent(c echo.Context) (consent, error) {
	form, err := page.ReadForm(c, page.Choices("loss", maxLosses), page.Line("accept", 3), page.Line("offer", 3))
	return consent{losses: form.All("loss"), accept: form.Get("accept") == "yes", offer: form.Get("offer") == "yes"}, err
}

// checked returns what the service takes. Its error names the box to tick.
func (f consent) checked(key string) (replacement.Accept, error) {
	if len(f.losses) > 0 && !f.accept {
		return replacement.Accept{}, errNotAccepted.Field("accept", "choice.accept.missing", nil)
	}
	return replacement.Accept{Replacement: key, Losses: f.losses, WithOffer: f.offer}, nil
}

// errNotAccepted: the losses were not ticked.
var errNotAccepted = fault.New(fault.Invalid, "fault.input")

// CheckChoice shows what is about to be chosen. Nothing is chosen by it.
func (p *Pages) CheckChoice(c echo.Context) error {
	f, err := readConsent(c)
	if err != nil {
		return err
	}
	if _, err := f.checked(c.Param("key")); err != nil {
		return p.askChoice(c, http.StatusUnprocessableEntity, f, err)
	}
	v := page.Of(c)
	r, o, check, err := p.asked(c)
	if err != nil {
		return err
	}
	if err := f.stands(check); err != nil {
		return p.askChoice(c, http.StatusConflict, consent{}, err)
	}
	layout := p.Layout(c, v.Locale.T("choice.check"), "replacements")
	layout.Path = replacementURL(r.Key, "choose") // this page is the answer to a POST
	return page.Render(c, http.StatusOK, choiceCheckPage(newReplacementWords(v).choiceCheck(r, o, check, f, layout)))
}

// stands returns an error that says what has changed since the page was read.
func (f consent) stands(now replacement.Check) error {
	keys := make([]string, len(now.Losses))
	for i, x := range now.Losses {
		keys[i] = x.Key
	}
	switch {
	case !slices.Equal(slices.Sorted(slices.Values(keys)), slices.Sorted(slices.Values(f.losses))):
		return replacement.ErrLossesChanged
	case f.offer && now.Offer != replacement.OfferOpen:
		return replacement.ErrOfferEnded
	case now.CarriedOut:
		return replacement.ErrCarriedOut
	}
	return nil
}

// asked returns the replacement in the address with what is the customer's own and what is so before choosing it.
func (p *Pages) asked(c echo.Context) (r migration.Replacement, o own, check replacement.Check, err error) {
	if r, o, err = p.found(c); err != nil {
		return r, o, check, err
	}
	v := page.Of(c)
	check, err = p.Choices.Check(c.Request().Context(), v.Who(), v.Programme, r.Key)
	return r, o, check, err
}

// Choose makes the choice. What has changed since the customer read it is shown again.
func (p *Pages) Choose(c echo.Context) error {
	f, err := readConsent(c)
	if err != nil {
		return err
	}
	accept, err := f.checked(c.Param("key"))
	if err != nil {
		return p.askChoice(c, http.StatusUnprocessableEntity, f, err)
	}
	v := page.Of(c)
	_, err = p.Choices.Choose(c.Request().Context(), v.Who(), v.Programme, accept)
	switch {
	case errors.Is(err, replacement.ErrLossesChanged), errors.Is(err, replacement.ErrOfferEnded), errors.Is(err, replacement.ErrCarriedOut):
		return p.askChoice(c, http.StatusConflict, consent{}, err)
	case err != nil:
		return err
	}
	return page.Redirect(c, replacementURL(c.Param("key"), "done"))
}

// askChoice shows the form of a choice; refused is why it comes back, nil at first.
func (p *Pages) askChoice(c echo.Context, status int, f consent, refused error) error {
	v := page.Of(c)
	r, o, check, err := p.asked(c)
	if err != nil {
		return err
	}
	layout := p.Layout(c, "", "replacements")
	layout.Path = replacementURL(r.Key, "choose")
	return page.Render(c, status, choosePage(newReplacementWords(v).choose(r, o, check, f, refused, layout)))
}

// ShowChosen confirms a choice, with its code, the hand-over and what comes next. It stays there to come back to.
func (p *Pages) ShowChosen(c echo.Context) error {
	v := page.Of(c)
	r, o, err := p.found(c)
	if err != nil {
		return err
	}
	if mine, ok := o.chosen(v.Programme); !ok || mine.Key != r.Key {
		return page.Redirect(c, replacementURL(r.Key))
	}
	return page.Render(c, http.StatusOK, chosenPage(newReplacementWords(v).done(r, o, p.Layout(c, "", "replacements"))))
}

// layoutOf is the shell of a page that may be the answer to a POST.
func (p *Pages) layoutOf(c echo.Context, title, path string) ui.Page {
	layout := p.Layout(c, title, "replacements")
	layout.Path, layout.Narrow = path, true
	return layout
}
