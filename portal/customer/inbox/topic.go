package inbox

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration/notice/reader"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// PeoplePath is where it is decided which people of a customer get what.
const PeoplePath = Path + "/people"

// mostPeople bounds how many people of one customer are decided about at once.
const mostPeople = 500

// ShowPeople shows who gets what.
func (p *Pages) ShowPeople(c echo.Context) error {
	list, err := p.Readers.People(c.Request().Context(), page.Of(c).Who())
	if err != nil {
		return err
	}
	return p.renderPeople(c, http.StatusOK, list, nil)
}

// SavePeople records who gets what.
func (p *Pages) SavePeople(c echo.Context) error {
	ctx, v := c.Request().Context(), page.Of(c)
	form, err := page.ReadForm(c, page.Choices(reader.Dates, mostPeople), page.Choices(reader.Exports, mostPeople), page.Choices(reader.Money, mostPeople))
	if err != nil {
		return err
	}
	gets := map[string][]string{}
	for _, topic := range reader.Topics {
		gets[topic] = form.All(topic)
	}
	err = p.Readers.Decide(ctx, v.Who(), gets)
	if f, ok := fault.As(err); ok && len(f.Fields) > 0 {
		list, e := p.Readers.People(ctx, v.Who())
		if e != nil {
			return e
		}
		for i := range list { // as it was sent
			for _, topic := range reader.Topics {
				list[i].Gets[topic] = slices.Contains(gets[topic], list[i].ID)
			}
		}
		return p.renderPeople(c, http.StatusUnprocessableEntity, list, err)
	}
	if err != nil {
		return err
	}
	return p.Flash(c, Path, "ok", "flash.topics_saved")
}

// peopleView is the page.
type peopleView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	topics  []ui.Choices
	save    ui.Button
}

func (p *Pages) renderPeople(c echo.Context, status int, list []reader.Person, refused error) error {
	v := page.Of(c)
	l, wrong := v.Locale, v.Faults(refused)
	w := peopleView{
		layout: p.Layout(c, l.T("topic.title"), "inbox"), heading: ui.Heading{Title: l.T("topic.title"), Lead: l.T("topic.lead")},
		save: ui.Button{Label: l.T("inbox.save"), Kind: ui.Primary},
	}
	w.layout.Narrow, w.layout.Errors, w.layout.Path = true, len(wrong) > 0, PeoplePath
	for _, topic := range reader.Topics {
		choice := ui.Choices{Field: ui.Field{Locale: l, ID: topic, Label: l.T("topic." + topic), Hint: l.T("topic." + topic + ".hint"), Error: wrong[topic]}}
		for _, one := range list {
			hint := one.Email
			if hint == "" {
				hint = l.T("topic.no_address")
			}
			choice.Options = append(choice.Options, ui.Option{Value: one.ID, Label: one.Name, Hint: hint, Selected: one.Gets[topic]})
		}
		if wrong[topic] != "" {
			w.errors = append(w.errors, ui.FieldError{FieldID: topic, Text: wrong[topic]})
		}
		w.topics = append(w.topics, choice)
	}
	return page.Render(c, status, peoplePage(w))
}
