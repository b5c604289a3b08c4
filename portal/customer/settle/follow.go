package settle

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/account"
	"offramp/portal/document"
	"offramp/portal/page"
)

// ShowSubmitted confirms that a request has arrived; it can be opened again.
func (p *Pages) ShowSubmitted(c echo.Context) error {
	v := page.Of(c)
	r, _, err := p.Refunds.Get(c.Request().Context(), v.Who(), c.Param("ref"))
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, submittedPage(buildSubmitted(v, r, p.layout(c, v.Locale.T("settle.submitted")), p.code(c))))
}

// ShowRefund is where one request stands.
func (p *Pages) ShowRefund(c echo.Context) error { return p.follow(c, http.StatusOK, words{}) }

// words are what the customer wrote into one of the forms, and why it came back.
type words struct {
	field   string // answer, objection or document
	text    string
	refused error
}

func (p *Pages) follow(c echo.Context, status int, w words) error {
	v := page.Of(c)
	r, history, err := p.Refunds.Get(c.Request().Context(), v.Who(), c.Param("ref"))
	if err != nil {
		return err
	}
	var documents []refund.Document
	if v.Owner() { // others see no papers of the account
		if documents, err = p.Refunds.Documents(c.Request().Context(), v.Who(), r.Ref); err != nil {
			return err
		}
	}
	layout := p.layout(c, v.Locale.T("settle.one", "Reference", r.Ref))
	layout.Path = refundURL(r.Ref)
	return page.Render(c, status, refundPage(buildRefund(v, r, history, documents, w, layout, p.code(c))))
}

// Answer answers finance's question, with a document where one was chosen.
func (p *Pages) Answer(c echo.Context) error {
	return p.say(c, "answer", "flash.settle_answered", func(version int, text string, file *page.File) (err error) {
		ctx, who := c.Request().Context(), page.Of(c).Who()
		if file == nil {
			_, err = p.Refunds.Answer(ctx, who, c.Param("ref"), version, text)
			return err
		}
		_, err = p.Refunds.AnswerWith(ctx, who, c.Param("ref"), version, text, document.Upload(file, true))
		return err
	})
}

// Object objects to a refusal.
func (p *Pages) Object(c echo.Context) error {
	return p.say(c, "objection", "flash.settle_objected", func(version int, text string, _ *page.File) error {
		_, err := p.Refunds.Object(c.Request().Context(), page.Of(c).Who(), c.Param("ref"), version, text)
		return err
	})
}

// Withdraw takes a request back.
func (p *Pages) Withdraw(c echo.Context) error {
	return p.say(c, "", "flash.settle_withdrawn", func(version int, _ string, _ *page.File) error {
		v := page.Of(c)
		_, err := p.Refunds.Withdraw(c.Request().Context(), v.Who(), v.Programme, c.Param("ref"), version)
		return err
	})
}

// say reads a form about one refund and acts upon the version that its reader has seen. What cannot be taken comes back with
// what was written.
func (p *Pages) say(c echo.Context, field, done string, act func(version int, text string, file *page.File) error) error {
	form, file, err := page.ReadFormWithFile(c, document.Field, page.Line("version", 10), page.Text("answer", refund.MaxText), page.Text("objection", refund.MaxText))
	if err != nil && !fieldFaults(err) {
		return err
	}
	version, bad := strconv.Atoi(form.Get("version"))
	if bad != nil || version < 1 {
		return page.ErrForm
	}
	if err == nil {
		err = act(version, form.Get(field), file)
	}
	if err == nil {
		return p.Flash(c, refundURL(c.Param("ref")), "ok", done)
	}
	if status, ok := document.Refused(c, err); ok {
		return p.follow(c, status, words{field: field, text: form.Get(field), refused: err})
	}
	return err
}

// ShowCorrect asks for another account after a payment came back, or when finance has a question.
func (p *Pages) ShowCorrect(c echo.Context) error {
	return p.askCorrect(c, http.StatusOK, account.Account{}, nil)
}

func (p *Pages) askCorrect(c echo.Context, status int, sent account.Account, refused error) error {
	v := page.Of(c)
	r, _, err := p.Refunds.Get(c.Request().Context(), v.Who(), c.Param("ref"))
	if err != nil {
		return err
	}
	if !r.MayCorrect() {
		return refund.ErrMoved
	}
	if refused == nil && !v.Session.SteppedUp(v.Now, auth.StepUpFor) {
		return p.askCredentials(c, refundURL(r.Ref)+"/account", false)
	}
	view := buildAccount(v, refundURL(r.Ref)+"/account", refundURL(r.Ref), r.Account, sent, refused, p.layout(c, v.Locale.T("settle.correct.ask")))
	view.correct(v, r)
	return page.Render(c, status, accountPage(view))
}

// Correct gives a refund another account.
func (p *Pages) Correct(c echo.Context) error {
	v := page.Of(c)
	if !v.Session.SteppedUp(v.Now, patience) {
		return p.askCredentials(c, refundURL(c.Param("ref"))+"/account", true)
	}
	form, err := page.ReadForm(c, append([]page.Input{page.Line("version", 10)}, accountInputs...)...)
	if err != nil && !fieldFaults(err) {
		return err
	}
	version, bad := strconv.Atoi(form.Get("version"))
	if bad != nil || version < 1 {
		return page.ErrForm
	}
	if err == nil {
		_, err = p.Refunds.CorrectDetails(c.Request().Context(), v.Who(), v.Programme, c.Param("ref"), version, readAccount(form))
	}
	if fieldFaults(err) {
		return p.askCorrect(c, badStatus(err), readAccount(form), err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, refundURL(c.Param("ref")), "ok", "flash.settle_corrected")
}
