package settle

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/bank"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/account"
	"offramp/portal/page"
)

// ShowMethod asks how to settle.
func (p *Pages) ShowMethod(c echo.Context) error { return p.askMethod(c, http.StatusOK, nil, nil) }

// methodForm is what the question about the method was answered with.
type methodForm struct{ method, replacement string }

func (p *Pages) askMethod(c echo.Context, status int, sent *methodForm, refused error) error {
	code, err := currency(c)
	if err != nil {
		return err
	}
	v, ctx := page.Of(c), c.Request().Context()
	o, err := p.offer(c, code)
	if err != nil {
		return err
	}
	if sent == nil {
		draft, err := p.Refunds.Draft(ctx, v.Who(), code)
		if err != nil {
			return err
		}
		sent = &methodForm{string(draft.Method), draft.Replacement}
		if sent.replacement == "" {
			if sent.replacement, err = p.chosen(c); err != nil {
				return err
			}
		}
	}
	return page.Render(c, status, methodPage(buildMethod(v, o, *sent, refused, p.layout(c, v.Locale.T("settle.method.ask")))))
}

// chosen is the replacement of step 3; empty where none was chosen.
func (p *Pages) chosen(c echo.Context) (string, error) {
	v := page.Of(c)
	j, err := p.Customers.Journey(c.Request().Context(), v.Scope(), v.Who().CustomerID)
	if err != nil || j.Detail.Choice == nil {
		return "", err
	}
	return j.Detail.Choice.Replacement, nil
}

// ChooseMethod keeps the answer and goes on to what it needs.
func (p *Pages) ChooseMethod(c echo.Context) error {
	code, err := currency(c)
	if err != nil {
		return err
	}
	v := page.Of(c)
	form, err := page.ReadForm(c, page.Line("method", 20), page.Line("replacement", 60))
	sent, draft := &methodForm{form.Get("method"), form.Get("replacement")}, refund.Draft{}
	if err == nil {
		replacement := sent.replacement
		if refund.Method(sent.method) != refund.Credit {
			replacement = ""
		}
		draft, err = p.Refunds.ChooseMethod(c.Request().Context(), v.Who(), v.Programme, code, refund.Method(sent.method), replacement)
	}
	switch {
	case fieldFaults(err):
		return p.askMethod(c, http.StatusUnprocessableEntity, sent, err)
	case err != nil:
		return err
	}
	o, err := p.offer(c, code)
	if err != nil {
		return err
	}
	if o.WantsAccount(draft) {
		return page.Redirect(c, requestURL(code, "bank"))
	}
	return page.Redirect(c, requestURL(code, "check"))
}

// accountInputs are the fields of a bank account.
var accountInputs = []page.Input{page.Line("kind", 10), page.Line("number", 80), page.Line("holder", 200), page.Line("bank", 40), page.Line("branch", 200), page.Line("written", 200)}

// readAccount reads the form. A name that was asked about is written as its bearer has agreed.
func readAccount(f page.Form) account.Account {
	a := account.Account{Kind: account.Kind(f.Get("kind")), Number: f.Get("number"), Holder: f.Get("holder"), Bank: f.Get("bank"), BankName: f.Get("branch")}
	if agreed := f.Get("written"); agreed != "" {
		if written, ok := bank.Latin(strings.TrimSpace(a.Holder), a.Country()); ok && written == agreed {
			a.Holder = written
		}
	}
	return a
}

// ShowAccount asks for the bank account of a request that is being filled in.
func (p *Pages) ShowAccount(c echo.Context) error {
	return p.askAccount(c, http.StatusOK, account.Account{}, nil)
}

func (p *Pages) askAccount(c echo.Context, status int, sent account.Account, refused error) error {
	code, err := currency(c)
	if err != nil {
		return err
	}
	v := page.Of(c)
	if _, err := p.offer(c, code); err != nil {
		return err
	}
	if refused == nil && !v.Session.SteppedUp(v.Now, auth.StepUpFor) {
		return p.askCredentials(c, requestURL(code, "bank"), false)
	}
	draft, err := p.Refunds.Draft(c.Request().Context(), v.Who(), code)
	if err != nil {
		return err
	}
	view := buildAccount(v, requestURL(code, "bank"), requestURL(code, "method"), draft.Account, sent, refused, p.layout(c, v.Locale.T("settle.bank.ask")))
	return page.Render(c, status, accountPage(view))
}

// patience is how long credentials count while somebody fills in the form: nobody loses what they typed for being slow.
const patience = auth.StepUpFor + 20*time.Minute

// askCredentials sends the reader through a sign-in with credentials and back to a page; late: a form was sent too long after
// the last one.
func (p *Pages) askCredentials(c echo.Context, back string, late bool) error {
	v, status := page.Of(c), http.StatusOK
	if late {
		status = http.StatusForbidden
	}
	layout := p.layout(c, v.Locale.T("settle.again.title"))
	layout.Path = back
	return page.Render(c, status, credentialsPage(buildCredentials(v, back, late, layout)))
}

// FillAccount keeps the bank account, sealed.
func (p *Pages) FillAccount(c echo.Context) error {
	code, err := currency(c)
	if err != nil {
		return err
	}
	v := page.Of(c)
	if !v.Session.SteppedUp(v.Now, patience) {
		return p.askCredentials(c, requestURL(code, "bank"), true)
	}
	form, err := page.ReadForm(c, accountInputs...)
	if err == nil {
		_, err = p.Refunds.FillAccount(c.Request().Context(), v.Who(), v.Programme, code, readAccount(form))
	}
	if fieldFaults(err) {
		return p.askAccount(c, badStatus(err), readAccount(form), err)
	}
	if err != nil {
		return err
	}
	return page.Redirect(c, requestURL(code, "check"))
}

// ShowCheck shows everything once more before it is sent off.
func (p *Pages) ShowCheck(c echo.Context) error {
	code, err := currency(c)
	if err != nil {
		return err
	}
	v := page.Of(c)
	o, err := p.offer(c, code)
	if err != nil {
		return err
	}
	draft, err := p.Refunds.Draft(c.Request().Context(), v.Who(), code)
	if err != nil {
		return err
	}
	switch {
	case draft.Method == "":
		return page.Redirect(c, requestURL(code, "method"))
	case o.WantsAccount(draft) && draft.Account.Kind == "":
		return page.Redirect(c, requestURL(code, "bank"))
	}
	return page.Render(c, http.StatusOK, checkPage(buildCheck(v, o, draft, nil, p.layout(c, v.Locale.T("settle.check.title")))))
}

// Submit sends the request off. Where the amount has changed since it was shown, both are shown and the customer decides.
func (p *Pages) Submit(c echo.Context) error {
	code, err := currency(c)
	if err != nil {
		return err
	}
	v, ctx := page.Of(c), c.Request().Context()
	form, err := page.ReadForm(c, page.Line("quote", 64), page.Line("rest", 20))
	if err != nil {
		return err
	}
	rest, err := strconv.ParseInt(form.Get("rest"), 10, 64)
	if form.Get("rest") != "" && err != nil {
		return page.ErrForm
	}
	r, err := p.Refunds.Submit(ctx, v.Who(), v.Programme, refund.Submission{Currency: code, QuoteDigest: form.Get("quote"), Rest: rest})
	if errors.Is(err, refund.ErrRest) {
		return p.askAgreement(c, code, err)
	}
	if errors.Is(err, refund.ErrQuoteChanged) {
		changed, ok := refund.ChangedQuote(err)
		if !ok {
			return err
		}
		draft, err := p.Refunds.Draft(ctx, v.Who(), code)
		if err != nil {
			return err
		}
		layout := p.layout(c, v.Locale.T("settle.changed.title"))
		layout.Path = requestURL(code, "check")
		return page.Render(c, http.StatusConflict, checkPage(buildCheck(v, changed.Now, draft, changed, layout)))
	}
	if errors.Is(err, refund.ErrDetails) {
		return p.Flash(c, requestURL(code, "method"), "warn", "flash.settle_choose_again")
	}
	if err != nil {
		return err
	}
	return page.Redirect(c, refundURL(r.Ref)+"/submitted")
}

// askAgreement shows everything once more with what has to be agreed to.
func (p *Pages) askAgreement(c echo.Context, code string, refused error) error {
	v := page.Of(c)
	o, err := p.offer(c, code)
	if err != nil {
		return err
	}
	draft, err := p.Refunds.Draft(c.Request().Context(), v.Who(), code)
	if err != nil {
		return err
	}
	layout := p.layout(c, v.Locale.T("settle.check.title"))
	layout.Path = requestURL(code, "check")
	view := buildCheck(v, o, draft, nil, layout)
	if view.agree != nil {
		view.agree.Error = wrong(v, refused)["rest"]
		view.errors, view.layout.Errors = noted(map[string]string{"rest": view.agree.Error}, "rest"), true
	}
	return page.Render(c, http.StatusUnprocessableEntity, checkPage(view))
}
