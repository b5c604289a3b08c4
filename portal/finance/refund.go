package finance

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration/refund"
	"offramp/migration/refund/payout/account"
	"offramp/portal/page"
)

// ShowRefund is one refund with all that is known of it.
func (p *Pages) ShowRefund(c echo.Context) error {
	form, err := page.ReadQuery(c, page.Line("in", 1000))
	if err != nil {
		return err
	}
	return p.showRefund(c, http.StatusOK, decision{in: form.Get("in")})
}

// behind is the refund that follows in the queue from which one was opened; empty where there is none, or where the filter cannot be
// read any more.
func (p *Pages) behind(c echo.Context, ref, in string) (string, error) {
	if in == "" {
		return "", nil
	}
	filter, err := queryOf(page.Of(c), in)
	if err != nil {
		return "", nil
	}
	return p.Refunds.Next(c.Request().Context(), staff(c), filter, ref)
}

// decision is what was typed into one of the forms, and why it came back.
type decision struct {
	act      string // question, decline or document: the form that was sent
	text     string
	shown    bool // of a document
	reason   string
	refused  error
	revealed *account.Account
	in       string // the queue's filter from which the refund was opened
}

func (p *Pages) showRefund(c echo.Context, status int, d decision) error {
	v, ctx := page.Of(c), c.Request().Context()
	file, err := p.Refunds.Open(ctx, staff(c), v.Programme, c.Param("ref"))
	if err != nil {
		return err
	}
	ids := []string{file.RequestedBy, file.ReviewedBy, file.ApprovedBy, file.SecondApprovedBy, file.ReleasedBy}
	for _, h := range file.History {
		ids = append(ids, h.Actor)
	}
	for _, one := range file.Documents {
		ids = append(ids, one.By, one.RemovedBy)
	}
	names, err := p.names(ctx, staff(c), ids...)
	if err != nil {
		return err
	}
	next, err := p.behind(c, file.Ref, d.in)
	if err != nil {
		return err
	}
	layout := p.layout(c, file.Ref, "refunds")
	layout.Path = refundURL(file.Ref) // also after a POST
	view := buildRefund(v, file, names, d, layout)
	view.placed(v, d.in, next)
	return page.Render(c, status, refundPage(view))
}

// Review finds a refund in order.
func (p *Pages) Review(c echo.Context) error {
	return p.decide(c, decision{}, "flash.refund_reviewed", func(ref string, version int, _ page.Form) error {
		_, err := p.Refunds.Review(c.Request().Context(), staff(c), ref, version)
		return err
	})
}

// Approve approves a refund, or approves it a second time.
func (p *Pages) Approve(c echo.Context) error {
	return p.decide(c, decision{}, "flash.refund_approved", func(ref string, version int, _ page.Form) error {
		_, err := p.Refunds.Approve(c.Request().Context(), staff(c), page.Of(c).Programme, ref, version)
		return err
	})
}

// SendBack asks the customer a question.
func (p *Pages) SendBack(c echo.Context) error {
	return p.decide(c, decision{act: "question"}, "flash.refund_questioned", func(ref string, version int, form page.Form) error {
		_, err := p.Refunds.SendBack(c.Request().Context(), staff(c), ref, version, form.Get("question"))
		return err
	})
}

// Decline refuses a refund with a reason.
func (p *Pages) Decline(c echo.Context) error {
	return p.decide(c, decision{act: "decline"}, "flash.refund_declined", func(ref string, version int, form page.Form) error {
		_, err := p.Refunds.Decline(c.Request().Context(), staff(c), page.Of(c).Programme, ref, version, refund.Reason(form.Get("reason")), form.Get("text"))
		return err
	})
}

// TryAgain plans a new attempt at what failed for a reason that is ours.
func (p *Pages) TryAgain(c echo.Context) error {
	return p.decide(c, decision{}, "flash.refund_again", func(ref string, version int, _ page.Form) error {
		_, err := p.Refunds.TryAgain(c.Request().Context(), staff(c), ref, version)
		return err
	})
}

// decide reads a form, acts upon the version that its reader has seen, and goes back to the refund: with what was typed when
// it was refused.
func (p *Pages) decide(c echo.Context, d decision, done string, act func(ref string, version int, form page.Form) error) error {
	form, err := page.ReadForm(c, page.Line("version", 10), page.Line("in", 1000), page.Line("next", 3), page.Text("question", refund.MaxText), page.Line("reason", 40), page.Text("text", refund.MaxText))
	if f, ok := fault.As(err); err != nil && (!ok || len(f.Fields) == 0) {
		return err
	}
	version, bad := strconv.Atoi(form.Get("version"))
	if bad != nil || version < 1 {
		return page.ErrForm // every form of ours names the version that was looked at
	}
	if err == nil {
		err = act(c.Param("ref"), version, form)
	}
	d.in = form.Get("in")
	if err == nil {
		return p.goOn(c, form, done)
	}
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	d.text, d.reason, d.refused = form.Get("text"), form.Get("reason"), err
	if d.act == "question" {
		d.text = form.Get("question")
	}
	switch {
	case f.Kind == fault.Conflict:
		return p.showRefund(c, http.StatusConflict, d)
	case f.Kind == fault.Forbidden:
		return p.showRefund(c, http.StatusForbidden, d)
	case len(f.Fields) > 0:
		return p.showRefund(c, http.StatusUnprocessableEntity, d)
	}
	return err
}

// goOn leads on after a decision: back to the refund, or, where that was asked for, to the next one of the queue.
func (p *Pages) goOn(c echo.Context, form page.Form, done string) error {
	in := form.Get("in")
	if form.Get("next") != "yes" || in == "" {
		return p.Flash(c, refundIn(c.Param("ref"), in), "ok", done)
	}
	next, err := p.behind(c, c.Param("ref"), in)
	if err != nil {
		return err
	}
	if next == "" {
		return p.Flash(c, backTo(in), "ok", "flash.refund_reviewed_last")
	}
	return p.Flash(c, refundIn(next, in), "ok", done)
}

// RevealAccount shows the refund with the whole bank account. It is the answer to the POST itself, so that the number is in
// no history and each look at it is recorded.
func (p *Pages) RevealAccount(c echo.Context) error {
	if _, err := page.ReadForm(c); err != nil {
		return err
	}
	a, err := p.Refunds.Reveal(c.Request().Context(), staff(c), c.Param("ref"))
	if err != nil {
		return err
	}
	return p.showRefund(c, http.StatusOK, decision{revealed: &a})
}

// ShowTasks lists what a human in finance has to look at.
func (p *Pages) ShowTasks(c echo.Context) error { return p.showTasks(c, http.StatusOK, lineFault{}) }

// showTasks lists the tasks; refused is why the note about one of them came back.
func (p *Pages) showTasks(c echo.Context, status int, bad lineFault) error {
	v := page.Of(c)
	tasks, err := p.Refunds.Tasks(c.Request().Context(), staff(c), tasksShown+1)
	if err != nil {
		return err
	}
	layout := p.layout(c, v.Locale.T("finance.tasks"), "refunds")
	layout.Path = TasksPath
	return page.Render(c, status, tasksPage(buildTasks(v, tasks, bad, layout)))
}

const tasksShown = 200

// FinishTask takes a task off the list.
func (p *Pages) FinishTask(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("note", 500))
	if err == nil {
		err = p.Refunds.FinishTask(c.Request().Context(), staff(c), c.Param("id"), form.Get("note"))
	}
	if f, ok := fault.As(err); ok && len(f.Fields) > 0 {
		return p.showTasks(c, http.StatusUnprocessableEntity, lineFault{line: c.Param("id"), note: form.Get("note"), refused: err})
	}
	if err != nil {
		return err
	}
	return p.Flash(c, TasksPath, "ok", "flash.refund_task_done")
}
