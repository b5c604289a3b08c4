package customer

import (
	"context"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// decline is a way to decide otherwise than by a product.
type decline struct {
	name    string // none or later: in addresses and message keys
	reasons []string
}

var (
	none  = decline{"none", replacement.NoneReasons}
	later = decline{"later", replacement.LaterReasons}
)

func (d decline) url() string { return "/replacements/" + d.name }

// ShowNone asks why none of the replacements.
func (p *Pages) ShowNone(c echo.Context) error {
	return p.askDecline(c, none, replacement.Decline{}, nil)
}

// ShowLater asks what a decision waits for.
func (p *Pages) ShowLater(c echo.Context) error {
	return p.askDecline(c, later, replacement.Decline{}, nil)
}

// ChooseNone records that the customer chooses none of the replacements.
func (p *Pages) ChooseNone(c echo.Context) error {
	return p.decide(c, none, p.Choices.ChooseNone, "flash.chosen_none")
}

// ChooseLater records that the customer has not decided.
func (p *Pages) ChooseLater(c echo.Context) error {
	return p.decide(c, later, p.Choices.Defer, "flash.chosen_later")
}

type decider func(context.Context, migration.Who, *migration.Programme, replacement.Decline) (replacement.Choice, error)

func (p *Pages) decide(c echo.Context, d decline, record decider, done string) error {
	form, err := page.ReadForm(c, page.Line("reason", 40), page.Text("text", replacement.MaxText))
	why := replacement.Decline{Reason: form.Get("reason"), Text: form.Get("text")}
	v := page.Of(c)
	if err == nil {
		_, err = record(c.Request().Context(), v.Who(), v.Programme, why)
	}
	if refused, ok := fault.As(err); ok && len(refused.Fields) > 0 {
		return p.askDecline(c, d, why, err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, "/replacements", "ok", done)
}

func (p *Pages) askDecline(c echo.Context, d decline, why replacement.Decline, refused error) error {
	o, err := p.own(c)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if refused != nil {
		status = http.StatusUnprocessableEntity
	}
	layout := p.layoutOf(c, page.Of(c).Locale.T("choice."+d.name), d.url())
	return page.Render(c, status, declinePage(newReplacementWords(page.Of(c)).decline(d, why, o, refused, layout)))
}

// ShowUndo asks whether the decision is to be taken back.
func (p *Pages) ShowUndo(c echo.Context) error {
	o, err := p.own(c)
	if err != nil {
		return err
	}
	v := page.Of(c)
	return page.Render(c, http.StatusOK, undoPage(newReplacementWords(v).undo(o, p.layoutOf(c, v.Locale.T("choice.undo"), "/replacements/undo"))))
}

// Undo takes the decision back.
func (p *Pages) Undo(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	if err := p.Choices.Undo(c.Request().Context(), page.Of(c).Who()); err != nil {
		return err
	}
	return p.Flash(c, "/replacements", "ok", "flash.choice_undone")
}

// declineView asks for a reason.
type declineView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	news    []ui.Banner
	action  string
	reason  ui.Choices
	text    ui.Area
	send    *ui.Button // nil: this reader cannot decide now
}

// decline words the form; refused is why it comes back, nil at first.
func (w replacementWords) decline(d decline, why replacement.Decline, o own, refused error, layout ui.Page) declineView {
	l, x := w.l, w.forms()
	said := x.fieldErrors(refused)
	view := declineView{layout: layout, action: d.url(), errors: said.list("reason", "text"), heading: ui.Heading{
		Eyebrow: l.T("step.choose"), Title: l.T("choice." + d.name), Lead: l.T("choice." + d.name + ".lead"),
	}}
	view.layout.Errors = len(view.errors) > 0
	view.reason = ui.Choices{Field: x.field(said, "reason", "choice.reason."+d.name)}
	for _, key := range d.reasons {
		view.reason.Options = append(view.reason.Options, ui.Option{Value: key, Label: l.T("replacement.reason." + key), Selected: why.Reason == key})
	}
	view.text = ui.Area{Field: x.field(said, "text", "choice.reason.text"), Value: why.Text, Rows: 4, MaxLength: replacement.MaxText}
	view.text.Hint, view.text.Optional = l.T("choice.reason.text.hint"), true
	switch {
	case !w.p.StepsInEffect().Choose:
		view.news = []ui.Banner{{Tone: "info", Title: l.T("choice.closed")}}
		return view
	case o.Choice != nil && !o.Choice.Changeable():
		view.news = []ui.Banner{{Tone: "info", Title: l.T("choice.carried_out")}}
		return view
	case !w.v.Owner():
		view.news = []ui.Banner{{Tone: "info", Title: l.T("choice.owner_only")}}
		return view
	case o.Choice != nil:
		view.news = []ui.Banner{*w.decided(o)}
	}
	view.send = &ui.Button{Label: l.T("choice." + d.name + ".send"), Kind: ui.Primary}
	return view
}

// declineCard offers to decide otherwise than by a product.
func (w replacementWords) declineCard(o own) templ.Component {
	l := w.l
	switch {
	case !w.p.StepsInEffect().Choose:
		return declineLinks(l.T("choice.decline"), l.T("choice.closed"), nil)
	case !w.v.Owner():
		return declineLinks(l.T("choice.decline"), l.T("choice.owner_only"), nil)
	case o.Choice != nil && !o.Choice.Changeable():
		return declineLinks(l.T("choice.decline"), l.T("choice.carried_out"), nil)
	}
	return declineLinks(l.T("choice.decline"), l.T("choice.decline.text"), []ui.Link{
		{Label: l.T("choice.none"), URL: none.url()}, {Label: l.T("choice.later"), URL: later.url()},
	})
}
