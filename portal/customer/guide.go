package customer

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"offramp/export"
	"offramp/migration"
	"offramp/migration/replacement"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// guided returns the replacement in the address, if it has a guide.
func (p *Pages) guided(c echo.Context) (r migration.Replacement, o own, err error) {
	if r, o, err = p.found(c); err == nil && r.Guide == nil {
		err = replacement.ErrNotFound
	}
	return r, o, err
}

// ShowGuide is the guide to a replacement as a list to tick off.
func (p *Pages) ShowGuide(c echo.Context) error {
	r, o, err := p.guided(c)
	if err != nil {
		return err
	}
	w := newReplacementWords(page.Of(c))
	view := w.guide(r, o, p.Layout(c, "", "replacements"))
	if r.Import != nil {
		list, _, err := p.Exports.List(c.Request().Context(), w.v.Who(), 0, exportsShown)
		if err != nil {
			return err
		}
		view.files = w.importFiles(r, list)
	}
	return page.Render(c, http.StatusOK, guidePage(view))
}

// TickStep ticks a step of the guide off, or takes the tick back.
func (p *Pages) TickStep(c echo.Context) error {
	form, err := page.ReadForm(c, page.Line("step", 100), page.Line("done", 3))
	if err != nil {
		return err
	}
	v, key := page.Of(c), c.Param("key")
	if err := p.Choices.SetTick(c.Request().Context(), v.Who(), v.Programme, key, form.Get("step"), form.Get("done") == "yes"); err != nil {
		return err
	}
	r, _ := v.Programme.Replacement(key)
	return page.Redirect(c, replacementURL(key, "guide")+"#"+stepID(r, form.Get("step")))
}

// ShareGuide is the guide on one page to print or to send to colleagues. It holds nothing that is the customer's alone.
func (p *Pages) ShareGuide(c echo.Context) error {
	r, _, err := p.guided(c)
	if err != nil {
		return err
	}
	address := p.URL(replacementURL(r.Key, "guide"))
	return page.Render(c, http.StatusOK, sharePage(newReplacementWords(page.Of(c)).share(r, address, p.Layout(c, "", "replacements"))))
}

// guideView is a guide with what is done of it.
type guideView struct {
	layout  ui.Page
	back    string
	heading ui.Heading
	bar     ui.Progress
	video   *ui.Link
	files   *ui.Banner // where the files for the import are, or how to get them; nil: it reads none
	steps   []guideStep
	share   ui.Link
}

// guideStep is one step of a guide.
type guideStep struct {
	card ui.Card
	lang string
	text templ.Component // nil: the title says it all
	done string          // by whom and when; empty: not yet
	tick ui.Action
}

// stepID is where a step stands on the guide's page.
func stepID(r migration.Replacement, key string) string {
	for i, step := range r.Guide.Steps {
		if step.Key == key {
			return fmt.Sprintf("step-%d", i+1)
		}
	}
	return "main"
}

// guide words the list.
func (w replacementWords) guide(r migration.Replacement, o own, layout ui.Page) guideView {
	l, name := w.l, w.name(r)
	done, all := progressOf(r, o.Ticks[r.Key])
	view := guideView{layout: layout, back: replacementURL(r.Key), heading: ui.Heading{Eyebrow: l.T("step.choose"), Title: l.T("guide.title", "Product", name), Lead: l.T("guide.lead")}}
	view.layout.Title, view.layout.Narrow = view.heading.Title, true
	view.bar = ui.Progress{ID: "done", Label: l.T("guide.progress", "Done", done, "All", all), Percent: done * 100 / max(1, all)}
	if r.Guide.Video != "" {
		view.video = &ui.Link{Label: l.T("guide.video"), URL: r.Guide.Video}
	}
	view.share = ui.Link{Label: l.T("guide.share"), URL: replacementURL(r.Key, "guide", "share")}
	for i, step := range r.Guide.Steps {
		view.steps = append(view.steps, w.step(r, o, i, step))
	}
	return view
}

// importFiles says where the files are that a replacement reads: in a ready export, in one that is being made, or nowhere yet.
func (w replacementWords) importFiles(r migration.Replacement, list []export.Export) *ui.Banner {
	l, name := w.l, w.name(r)
	b := &ui.Banner{
		Tone: "info", Title: l.T("guide.files", "Product", name), Text: l.T("guide.files.none", "Product", name),
		Link: &ui.Link{Label: l.T("guide.files.none.go"), URL: "/exports/new"},
	}
	for _, e := range list {
		key := ""
		switch {
		case e.Selection.Replacement != r.Key:
		case e.State == export.Ready:
			key = "guide.files.ready"
		case e.Live():
			key = "guide.files.running"
		}
		if key != "" {
			b.Text = l.T(key, "Reference", e.Reference())
			b.Link = &ui.Link{Label: l.T(key + ".go"), URL: exportURL(e)}
			return b
		}
	}
	return b
}

func (w replacementWords) step(r migration.Replacement, o own, i int, step migration.GuideStep) guideStep {
	l, title := w.l, w.say(step.Title)
	s := guideStep{card: ui.Card{ID: stepID(r, step.Key), Title: l.T("guide.step", "Number", i+1, "Title", title.text)}, lang: title.lang}
	s.tick = ui.Action{URL: replacementURL(r.Key, "guide"), Hidden: []ui.Pair{{Name: "step", Value: step.Key}, {Name: "done", Value: "yes"}}, Button: ui.Button{Label: l.T("guide.done"), Icon: ui.IconCheck}}
	if text := l.Pick(step.Text); text != "" {
		s.text = ui.Markdown(text, below)
	}
	s.card.Aside = ui.Tag("", ui.ToneNotStarted, l.T("guide.open"))
	if t, ok := o.Ticks[r.Key][step.Key]; ok {
		s.card.Aside = ui.Tag("", ui.ToneCompleted, l.T("guide.is_done"))
		s.done = l.T("guide.done_by", "Who", t.Name, "When", w.moment(t.At))
		s.tick.Hidden[1].Value, s.tick.Button = "no", ui.Button{Label: l.T("guide.undo"), Kind: ui.Quiet}
	}
	return s
}

// shareView is the guide for colleagues.
type shareView struct {
	layout  ui.Page
	back    string
	heading ui.Heading
	mail    ui.Link
	text    string // to copy
	steps   []sharedStep
	video   *ui.Link
	address string
}

// sharedStep is one step of a guide on paper.
type sharedStep struct {
	title phrase
	text  templ.Component
}

// maxMail bounds the text of a mail that a link prepares: some programs cut longer addresses off.
const maxMail = 1500

// share words the guide for colleagues. address is where they tick it off once they are signed in.
func (w replacementWords) share(r migration.Replacement, address string, layout ui.Page) shareView {
	l, name := w.l, w.name(r)
	view := shareView{layout: layout, back: replacementURL(r.Key, "guide"), address: address, heading: ui.Heading{
		Eyebrow: l.T("guide.share"), Title: l.T("guide.title", "Product", name), Lead: l.T("guide.share.lead", "Product", l.Pick(w.p.Product.Name), "Replacement", name, "Date", w.day(migration.ServiceEnd)),
	}}
	view.layout.Title, view.layout.Narrow = view.heading.Title, true
	if r.Guide.Video != "" {
		view.video = &ui.Link{Label: l.T("guide.video"), URL: r.Guide.Video}
	}
	var text strings.Builder
	text.WriteString(view.heading.Lead + "\n\n")
	for i, step := range r.Guide.Steps {
		s := sharedStep{title: w.say(step.Title)}
		if body := l.Pick(step.Text); body != "" {
			s.text = ui.Markdown(body, below+1)
		}
		view.steps = append(view.steps, s)
		fmt.Fprintf(&text, "%d. %s\n", i+1, s.title.text)
	}
	text.WriteString("\n" + address + "\n")
	view.text = text.String()
	view.mail = ui.Link{Label: l.T("guide.mail"), URL: mailto(view.heading.Title, view.text, view.heading.Lead+"\n\n"+address)}
	return view
}

// mailto prepares a mail to nobody yet; short stands in for a body that is too long for some programs.
func mailto(subject, body, short string) string {
	escape := func(s string) string {
		return strings.ReplaceAll(url.QueryEscape(strings.ReplaceAll(s, "\n", "\r\n")), "+", "%20")
	}
	if len(escape(body)) > maxMail {
		body = short
	}
	return "mailto:?subject=" + escape(subject) + "&body=" + escape(body)
}
