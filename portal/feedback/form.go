// Package feedback holds the form that customers answer once they are calm, and for programme managers what was answered and who was not
// asked yet.
package feedback

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/migration"
	"offramp/migration/feedback"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// FormPath is where the form is.
const FormPath = feedback.Path + ":token"

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Feedback *feedback.Service
}

// Show is the form: what it is for, then one question a page, then what will be sent. Looking records nothing: a score in a mail is a
// link to here, and mail scanners follow links.
func (p *Pages) Show(c echo.Context) error {
	query, err := page.ReadQuery(c, page.Line("page", 3), page.Line("score", 3))
	if err != nil {
		return err
	}
	f, err := p.Feedback.Open(c.Request().Context(), c.Param("token"))
	if err != nil {
		return p.gone(c, err)
	}
	v := formView{form: f, token: c.Param("token"), at: pageOf(query.Get("page"), len(f.Questions)), chosen: "?"}
	if score := query.Get("score"); feedback.IsScore(score) {
		for i, q := range f.Questions {
			if q.Kind == migration.AskNPS {
				v.at, v.chosen = i+1, score
			}
		}
	}
	return p.show(c, http.StatusOK, v)
}

// pageOf reads a page's number: 0 opens the form, n+1 ends it.
func pageOf(s string, n int) int {
	at, err := strconv.Atoi(s)
	if err != nil || at < 0 || at > n+1 {
		return 0
	}
	return at
}

// Answer keeps the answer of one page, or sends the form in.
func (p *Pages) Answer(c echo.Context) error {
	ctx, token := c.Request().Context(), c.Param("token")
	form, err := page.ReadForm(c, page.Line("page", 3), page.Text("answer", feedback.MaxText), page.Line("go", 10))
	faults := page.Of(c).Faults(err)
	if err != nil && faults == nil {
		return err
	}
	f, err := p.Feedback.Open(ctx, token)
	if err != nil {
		return p.gone(c, err)
	}
	v := formView{form: f, token: token, at: pageOf(form.Get("page"), len(f.Questions)), chosen: form.Get("answer"), faults: faults}
	if f.Answered {
		return p.show(c, http.StatusOK, v)
	}
	if form.Get("go") == "send" {
		err = p.Feedback.Finish(ctx, token, page.Of(c).Locale.Tag())
		v.at = len(f.Questions) + 1
		if errors.Is(err, feedback.ErrEmpty) {
			v.faults = map[string]string{"answer": page.Of(c).Locale.T("feedback.empty")}
			return p.show(c, http.StatusUnprocessableEntity, v)
		}
		return p.went(c, token, 0, err)
	}
	if v.at > 0 && v.at <= len(f.Questions) && faults == nil {
		err = p.Feedback.Save(ctx, token, f.Questions[v.at-1].Key, form.Get("answer"))
		if v.faults = page.Of(c).Faults(err); v.faults == nil && err != nil {
			return p.went(c, token, 0, err)
		}
	}
	if v.faults != nil {
		return p.show(c, http.StatusUnprocessableEntity, v)
	}
	return p.went(c, token, v.at+1, nil)
}

// went leads on; where the form was sent in meanwhile, to what it says then.
func (p *Pages) went(c echo.Context, token string, at int, err error) error {
	if err != nil && !errors.Is(err, feedback.ErrAnswered) {
		return err
	}
	return c.Redirect(http.StatusSeeOther, pageURL(token, at))
}

func pageURL(token string, at int) string {
	if at == 0 {
		return feedback.Path + token
	}
	return feedback.Path + token + "?page=" + strconv.Itoa(at)
}

// gone says in plain words why a link leads nowhere.
func (p *Pages) gone(c echo.Context, err error) error {
	if !errors.Is(err, feedback.ErrUnknown) {
		return err
	}
	l := page.Of(c).Locale
	v := endView{heading: ui.Heading{Title: l.T("feedback.gone"), Lead: l.T("feedback.gone.text")}}
	v.layout = p.Layout(c, v.heading.Title, "")
	v.layout.Path = "/"
	v.layout.Narrow, v.layout.NoIndex = true, true
	return page.Render(c, http.StatusNotFound, endPage(v))
}

// formView is one page of the form.
type formView struct {
	layout ui.Page
	form   feedback.Form
	token  string
	at     int
	chosen string // what was typed, or the score of the link; "?" for what is kept
	faults map[string]string

	heading ui.Heading
	told    []string
	errors  []ui.FieldError
	back    string
	url     string
	scores  *ui.Choices
	text    *ui.Area
	rows    []ui.SummaryRow
	button  ui.Button
	start   *ui.Link
}

// endView says what has become of a form.
type endView struct {
	layout  ui.Page
	heading ui.Heading
	told    []string
	rows    []ui.SummaryRow
}

func (p *Pages) show(c echo.Context, status int, v formView) error {
	l := page.Of(c).Locale
	layout := func(title string) ui.Page {
		u := p.Layout(c, title, "")
		u.Path, u.Narrow, u.NoIndex = pageURL(v.token, v.at), true, true
		return u
	}
	if v.form.Answered {
		e := endView{layout: layout(l.T("feedback.done")), heading: ui.Heading{Title: l.T("feedback.done"), Lead: l.T("feedback.done.text")}}
		if v.form.Anonymous {
			e.told = []string{l.T("feedback.done.anonymous")}
		} else {
			e.told, e.rows = []string{l.T("feedback.done.named")}, p.rows(c, v, false)
		}
		return page.Render(c, status, endPage(e))
	}
	v.url = feedback.Path + v.token
	switch n := len(v.form.Questions); {
	case v.at == 0:
		p.begin(c, &v)
	case v.at == n+1:
		v.heading = ui.Heading{Title: l.T("feedback.check"), Lead: l.T("feedback.check.text")}
		v.back, v.rows = pageURL(v.token, n), p.rows(c, v, true)
		v.told = []string{p.promise(c, v)}
		v.button = ui.Button{Label: l.T("feedback.send"), Kind: ui.Primary, Name: "go", Value: "send"}
	default:
		p.ask(c, &v)
	}
	v.layout = layout(v.heading.Title)
	if text := v.faults["answer"]; text != "" {
		v.errors, v.layout.Errors = []ui.FieldError{{FieldID: "answer", Text: text}}, true
	}
	return page.Render(c, status, formPage(v))
}

// begin says what the form is for and how long it takes.
func (p *Pages) begin(c echo.Context, v *formView) {
	l := page.Of(c).Locale
	product := l.Pick(page.Of(c).Programme.Product.Name)
	v.heading = ui.Heading{Title: l.T("feedback.title", "Product", product), Lead: l.T("feedback.lead", "Product", product)}
	v.told = []string{l.N("feedback.length", len(v.form.Questions), "Count", l.Number(int64(len(v.form.Questions)))), p.promise(c, *v), l.T("feedback.once")}
	label, next := "feedback.start", 1
	if len(v.form.Answers) > 0 {
		label = "feedback.go_on"
		for next <= len(v.form.Questions) && v.form.Answers[v.form.Questions[next-1].Key] != "" {
			next++
		}
	}
	v.start = &ui.Link{Label: l.T(label), URL: pageURL(v.token, next)}
}

// promise says what becomes of the answers.
func (p *Pages) promise(c echo.Context, v formView) string {
	if v.form.Anonymous {
		return page.Of(c).Locale.T("feedback.anonymous")
	}
	return page.Of(c).Locale.T("feedback.named")
}

// ask is one question.
func (p *Pages) ask(c echo.Context, v *formView) {
	l, n := page.Of(c).Locale, int64(len(v.form.Questions))
	q := v.form.Questions[v.at-1]
	v.back = pageURL(v.token, v.at-1)
	v.heading = ui.Heading{Title: feedback.AskOf(l, page.Of(c).Programme, q), Eyebrow: l.T("feedback.page", "At", l.Number(int64(v.at)), "All", l.Number(n))}
	value := v.chosen
	if value == "?" {
		value = v.form.Answers[q.Key]
	}
	field := ui.Field{Locale: l, ID: "answer", Label: v.heading.Title, Error: v.faults["answer"], Hint: l.T("feedback.skip")}
	if q.Kind == migration.AskNPS {
		field.Hint = l.T("feedback.scale")
		s := ui.Choices{Field: field, Question: true}
		for score := range 11 {
			text := strconv.Itoa(score)
			s.Options = append(s.Options, ui.Option{Value: text, Label: text, Selected: text == value})
		}
		s.Options = append(s.Options, ui.Option{Label: l.T("feedback.no_answer")})
		v.scores = &s
	} else {
		field.Label = l.T("feedback.answer")
		if v.form.Anonymous {
			field.Hint = l.T("feedback.no_names")
		}
		v.text = &ui.Area{Field: field, Value: value, Rows: 6}
	}
	v.button = ui.Button{Label: l.T("feedback.next"), Kind: ui.Primary}
}

// rows are the answers, with a way to change each.
func (p *Pages) rows(c echo.Context, v formView, change bool) (rows []ui.SummaryRow) {
	l := page.Of(c).Locale
	for i, q := range v.form.Questions {
		row := ui.SummaryRow{Key: feedback.AskOf(l, page.Of(c).Programme, q), Value: v.form.Answers[q.Key]}
		if row.Value == "" {
			row.Value = l.T("feedback.skipped")
		}
		if change {
			row.ChangeURL = pageURL(v.token, i+1)
		}
		rows = append(rows, row)
	}
	return rows
}
