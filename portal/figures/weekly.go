package figures

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"offramp/auth"
	"offramp/internal/fault"
	"offramp/migration"
	count "offramp/migration/figures"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// WeeklyPath is where the reports of weeks are.
const WeeklyPath = Path + "/weekly"

// ShowWeekly lists the reports of the latest weeks.
func (p *Pages) ShowWeekly(c echo.Context) error { return p.showWeekly(c, http.StatusOK, refused{}) }

// refused is a decision that was refused: which week's, and what was written.
type refused struct {
	week, note string
	err        error
}

func (p *Pages) showWeekly(c echo.Context, status int, r refused) error {
	v, ctx := page.Of(c), c.Request().Context()
	list, err := p.Figures.Weeklies(ctx, v.Session.IdentityID)
	if err != nil {
		return err
	}
	var ids []string
	for _, w := range list {
		if w.DecidedBy != "" && !slices.Contains(ids, w.DecidedBy) {
			ids = append(ids, w.DecidedBy)
		}
	}
	names, err := p.Customers.Names(ctx, v.Session.IdentityID, ids)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("figures.weekly"), "figures")
	return page.Render(c, status, weeklyPage(buildWeekly(v, list, names, r, layout)))
}

// DecideWeekly sends a draft to colleagues, or drops it.
func (p *Pages) DecideWeekly(send bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := page.Of(c)
		form, err := page.ReadForm(c, page.Text("note", count.MaxNote))
		if err == nil {
			week, bad := migration.ParseDay(c.Param("week"))
			if bad != nil {
				return count.ErrNoWeek
			}
			err = p.Figures.Send(c.Request().Context(), v.Session.IdentityID, week, form.Get("note"), send)
		}
		if f, ok := fault.As(err); ok && len(f.Fields) > 0 {
			return p.showWeekly(c, http.StatusUnprocessableEntity, refused{c.Param("week"), form.Get("note"), err})
		}
		if err != nil {
			return err
		}
		said := "flash.weekly_dropped"
		if send {
			said = "flash.weekly_sent"
		}
		return p.Flash(c, WeeklyPath, "ok", said)
	}
}

// weeklyView is the list of the reports.
type weeklyView struct {
	layout  ui.Page
	heading ui.Heading
	errors  []ui.FieldError
	which   []choice
	none    *ui.Empty
	weeks   []weekCard
}

// weekCard is one report.
type weekCard struct {
	card  ui.Card
	facts []ui.SummaryRow
	parts []weekPart
	note  ui.Area
	send  *ui.Button // nil: it is decided, or the reader may not
	sent  string     // where send and drop lead
	drop  ui.Button
}

// weekPart is what one department gets.
type weekPart struct{ title, text string }

func buildWeekly(v *page.Visit, list []count.Weekly, names map[string]string, r refused, layout ui.Page) weeklyView {
	l := v.Locale
	view := weeklyView{layout: layout, heading: ui.Heading{Title: l.T("figures.title"), Lead: l.T("figures.weekly.lead")}, which: which(v, "weekly")}
	if len(list) == 0 {
		view.none = &ui.Empty{ID: "none", Title: l.T("figures.weekly.none"), Text: l.T("figures.weekly.none.text")}
	}
	for _, w := range list {
		id := page.DayValue(w.Week)
		card := weekCard{
			card: ui.Card{ID: "week-" + id, Title: l.T("figures.weekly.of", "Day", v.DayOf(w.Week)), Aside: ui.Tag("", tone(w.State), l.T("figures.weekly.state."+w.State))},
			sent: WeeklyPath + "/" + id, drop: ui.Button{Label: l.T("figures.weekly.drop")},
			note: ui.Area{Field: ui.Field{Locale: l, ID: "note-" + id, Name: "note", Label: l.T("figures.weekly.note"), Hint: l.T("figures.weekly.note.hint"), Optional: true}, Rows: 3, MaxLength: count.MaxNote},
		}
		if w.DecidedAt != nil {
			card.facts = []ui.SummaryRow{
				{Key: l.T("figures.weekly.by"), Value: names[w.DecidedBy]}, {Key: l.T("figures.weekly.at"), Value: v.When(*w.DecidedAt)},
			}
			if w.State == count.Sent {
				card.facts = append(card.facts, ui.SummaryRow{Key: l.T("figures.weekly.mails"), Value: l.Number(int64(w.Mails))})
			}
			if w.Note != "" {
				card.facts = append(card.facts, ui.SummaryRow{Key: l.T("figures.weekly.note"), Value: w.Note})
			}
		} else if v.Session.Has(auth.ProgrammeManager) {
			card.send = &ui.Button{Label: l.T("figures.weekly.send"), Kind: ui.Primary}
		}
		if r.week == id {
			card.note.Value, card.note.Error = r.note, v.Faults(r.err)["note"]
			view.errors = append(view.errors, ui.FieldError{FieldID: card.note.ID, Text: card.note.Error})
			view.layout.Errors = true
		}
		for _, d := range count.Departments {
			if text := l.Pick(w.Content[d]); text != "" {
				card.parts = append(card.parts, weekPart{l.T("workspace.department." + d), text})
			}
		}
		view.weeks = append(view.weeks, card)
	}
	return view
}

func tone(state string) ui.Tone {
	switch state {
	case count.Draft:
		return console.Ours
	case count.Sent:
		return console.Done
	}
	return console.Over
}
