package customer

import (
	"errors"
	"net/http"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/migration"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// declaration is what the form of step 5 says.
type declaration struct{ declare, override bool }

// errNotDeclared: a box was not ticked.
var errNotDeclared = fault.New(fault.Invalid, "fault.input")

// checked returns an error that names the boxes to tick.
func (f declaration) checked(open bool) error {
	refusal := errNotDeclared
	if open && !f.override {
		refusal = refusal.Field("override", "confirm.override.missing", nil)
	}
	if !f.declare {
		refusal = refusal.Field("declare", "confirm.declare.missing", nil)
	}
	if len(refusal.Fields) > 0 {
		return refusal
	}
	return nil
}

// ShowConfirm is step 5: what is done and what is open, what follows, and the declaration.
func (p *Pages) ShowConfirm(c echo.Context) error {
	return p.askConfirm(c, http.StatusOK, declaration{}, nil)
}

// ConfirmMove completes step 5.
func (p *Pages) ConfirmMove(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("declare", 3), page.Line("override", 3))
	if err != nil {
		return err
	}
	v, f := page.Of(c), declaration{form.Get("declare") == "yes", form.Get("override") == "yes"}
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	if err := f.checked(len(plan.Journey.OpenSteps()) > 0); err != nil {
		return p.askConfirm(c, http.StatusUnprocessableEntity, f, err)
	}
	err = p.Customers.Confirm(c.Request().Context(), v.Who(), f.override)
	if errors.Is(err, migration.ErrStepsOpen) { // a step was opened between the page and now
		return p.askConfirm(c, http.StatusConflict, f, declaration{declare: f.declare}.checked(true))
	}
	if err != nil {
		return err
	}
	return page.Redirect(c, "/confirm/done")
}

func (p *Pages) askConfirm(c echo.Context, status int, f declaration, refused error) error {
	v := page.Of(c)
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	if plan.Journey.Status[migration.StepConfirm] == migration.Completed {
		return page.Redirect(c, "/confirm/done")
	}
	layout := p.Layout(c, v.Locale.T("step.confirm"), "plan")
	layout.Path = "/confirm"
	return page.Render(c, status, confirmPage(buildConfirm(v, plan, f, refused, layout)))
}

// ShowConfirmed says that the customer has moved, and what comes now. It stays there to come back to.
func (p *Pages) ShowConfirmed(c echo.Context) error {
	v := page.Of(c)
	plan, err := p.plan(c)
	if err != nil {
		return err
	}
	if plan.Journey.Status[migration.StepConfirm] != migration.Completed {
		return page.Redirect(c, "/confirm")
	}
	layout, code := p.AsPaper(c, p.Layout(c, v.Locale.T("confirm.done"), "plan")), page.SupportCode(p.Secret, v.Who().CustomerID)
	return page.Render(c, http.StatusOK, confirmedPage(buildConfirmed(v, plan, layout, code)))
}

// confirmView is step 5.
type confirmView struct {
	layout   ui.Page
	heading  ui.Heading
	errors   []ui.FieldError
	steps    []openStep
	after    []string
	open     bool
	override ui.Field
	declare  ui.Field
	ticked   declaration
	send     *ui.Button // nil: only the owner may
}

// openStep is one of steps 2 to 4 with what is left to do.
type openStep struct {
	name, hint string
	status     templ.Component
	link       *ui.Link // nil: nothing is left to do
}

// buildConfirm words step 5; refused is why the form comes back, nil at first.
func buildConfirm(v *page.Visit, plan migration.Plan, f declaration, refused error, layout ui.Page) confirmView {
	l, d := v.Locale, newDated(v, plan.Extensions)
	said := exportWords{dated: d, v: v}.fieldErrors(refused)
	view := confirmView{layout: layout, ticked: f, open: len(plan.Journey.OpenSteps()) > 0, errors: said.list("override", "declare"), heading: ui.Heading{
		Eyebrow: l.T("plan.title"), Title: l.T("step.confirm"), Lead: l.T("confirm.lead", "Product", l.Pick(v.Programme.Product.Name)),
	}}
	view.layout.Narrow, view.layout.Errors = true, len(view.errors) > 0
	s := steps{v: v, j: plan.Journey, d: d}
	for _, step := range []migration.Step{migration.StepExport, migration.StepChoose, migration.StepSettle} {
		status := plan.Journey.Status[step]
		one := openStep{name: l.T("step." + string(step)), hint: s.hint(step, status), status: ui.Status(l, "", string(status))}
		if status != migration.Completed && status != migration.NotNeeded && status != migration.CannotStart && urls[step] != "" {
			one.link = &ui.Link{Label: l.T("confirm.step.go"), Hidden: one.name, URL: urls[step]}
		}
		view.steps = append(view.steps, one)
	}
	view.after = consequences(l, d)
	view.override = ui.Field{Locale: l, ID: "override", Label: l.T("confirm.override"), Hint: l.T("confirm.override.hint"), Error: said["override"]}
	view.declare = ui.Field{Locale: l, ID: "declare", Label: l.T("confirm.declare", "Product", l.Pick(v.Programme.Product.Name)), Error: said["declare"]}
	if v.Owner() {
		view.send = &ui.Button{Label: l.T("confirm.send"), Kind: ui.Primary}
	}
	return view
}

// consequences are what follows from the confirmation, and what does not.
func consequences(l *locale.Locale, d dated) []string {
	list := []string{l.T("confirm.after.reminders"), l.T("confirm.after.final")}
	if day := d.day(migration.ExportDeadline); day != "" && d.open(migration.ExportDeadline) {
		list = append(list, l.T("confirm.after.export", "Date", day))
	}
	if day := d.day(migration.Erasure); day != "" {
		list = append(list, l.T("confirm.after.erasure", "Date", day))
	}
	return list
}

// confirmedView says that the customer has moved.
type confirmedView struct {
	layout ui.Page
	panel  ui.Confirmation
	rows   []ui.SummaryRow
	after  []string
	home   ui.Link
	help   ui.Help
}

func buildConfirmed(v *page.Visit, plan migration.Plan, layout ui.Page, code string) confirmedView {
	l, d := v.Locale, newDated(v, plan.Extensions)
	view := confirmedView{layout: layout, panel: ui.Confirmation{Locale: l, Title: l.T("confirm.done")}, home: ui.Link{Label: l.T("nav.plan"), URL: "/plan"}, help: help(v, code)}
	view.layout.Narrow = true
	if at := plan.Journey.Detail.ConfirmedAt; at != nil {
		view.rows = append(view.rows, ui.SummaryRow{Key: l.T("confirm.at"), Value: v.When(*at)})
	}
	if date, ok := migration.Find(d.dates, migration.Erasure); ok {
		view.rows = append(view.rows, ui.SummaryRow{Key: l.T("confirm.certificate"), Value: l.T("confirm.certificate.text", "Date", d.OurFullDay(date.Minute))})
	}
	for _, step := range plan.Journey.OpenSteps() {
		view.after = append(view.after, l.T("confirm.left", "Step", l.T("step."+string(step))))
	}
	view.after = append(view.after, consequences(l, d)...)
	return view
}
