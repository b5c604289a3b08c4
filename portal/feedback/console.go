package feedback

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"
	"github.com/xuri/excelize/v2"

	"offramp/internal/locale"
	"offramp/internal/spreadsheet"
	"offramp/migration"
	"offramp/migration/feedback"
	"offramp/portal/console"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// Where staff's pages are.
const (
	Path        = "/console/feedback"
	WaitingPath = Path + "/waiting"
)

// reasons are why somebody was not asked yet, those first that somebody can do something about.
var reasons = []string{"help", "export", "refund", "suppressed", "no_address", "moving", "calm", "soon", "declined", "same_person"}

func by(c echo.Context) string { return page.Of(c).Session.IdentityID }

// resultsView is what was answered.
type resultsView struct {
	layout   ui.Page
	heading  ui.Heading
	links    []ui.Link
	told     []string
	sections []section
}

// section is one question, on the page and in files alike.
type section struct {
	id, title, meta string
	notes           []string
	table           ui.Table
	texts           []string
}

// ShowResults is what was answered, as far as it can be told.
func (p *Pages) ShowResults(c echo.Context) error {
	v := page.Of(c)
	l := v.Locale
	r, err := p.Feedback.Results(c.Request().Context(), by(c))
	layout := console.Layout(p.Kit, c, l.T("feedback.results"), "feedback")
	if errors.Is(err, feedback.ErrNone) {
		return page.Render(c, http.StatusOK, nonePage(ui.Empty{ID: "none", Title: l.T("feedback.none.title"), Text: l.T("feedback.none.text")}, layout))
	}
	if err != nil {
		return err
	}
	view := resultsView{
		layout:   layout,
		heading:  ui.Heading{Title: l.T("feedback.results"), Lead: l.T("feedback.results.lead")},
		links:    []ui.Link{{Label: l.T("feedback.waiting"), URL: WaitingPath}, {Label: l.T("feedback.csv"), URL: Path + ".csv"}, {Label: l.T("feedback.xlsx"), URL: Path + ".xlsx"}},
		sections: sectionsOf(v, r),
	}
	if r.Anonymous {
		view.told = append(view.told, l.T("feedback.results.anonymous"))
	}
	if r.Held {
		view.told = append(view.told, l.T("feedback.results.held"))
	}
	return page.Render(c, http.StatusOK, resultsPage(view))
}

// sectionsOf writes results down: pages and files show the same.
func sectionsOf(v *page.Visit, r feedback.Results) []section {
	l := v.Locale
	first := section{id: "response", title: l.T("feedback.response"), table: figures(l, "response")}
	if r.Few {
		first.notes = []string{l.T("feedback.few.response")}
	} else {
		first.meta = l.T("feedback.n", "N", l.Number(int64(r.Response.N)))
		first.table.Rows = []ui.Row{shareRow(l, "answered", r.Response)}
	}
	list := []section{first}
	for i, o := range r.Outcomes {
		s := section{id: "question-" + strconv.Itoa(i+1), title: feedback.AskOf(l, v.Programme, o.Question), table: figures(l, o.Question.Key)}
		switch {
		case o.Few:
			s.notes = []string{l.T("feedback.few")}
		case o.Question.Kind == migration.AskNPS:
			s.meta = l.T("feedback.n", "N", l.Number(int64(o.N)))
			s.scores(l, o.NPS)
		default:
			s.meta, s.texts = l.T("feedback.n", "N", l.Number(int64(o.N))), o.Texts
		}
		list = append(list, s)
	}
	return list
}

func figures(l *locale.Locale, id string) ui.Table {
	t := ui.Table{ID: "figures-" + id, Caption: l.T("feedback.figures"), Plain: true}
	for _, name := range []string{"what", "of", "count", "rate", "interval"} {
		t.Columns = append(t.Columns, ui.Column{Label: l.T("feedback.column." + name), Numeric: name != "what", Key: name == "rate"})
	}
	return t
}

// scores are the three groups and, where there are enough, the one number.
func (s *section) scores(l *locale.Locale, n feedback.NPS) {
	s.table.Rows = []ui.Row{shareRow(l, "promoters", n.Promoters), shareRow(l, "passives", n.Passives), shareRow(l, "detractors", n.Detractors)}
	switch {
	case n.Shown:
		s.table.Rows = append(s.table.Rows, ui.Row{Cells: []ui.Cell{
			{Text: l.T("feedback.row.nps")},
			{Text: l.Number(int64(n.N))},
			{Text: ""},
			{Text: fmt.Sprintf("%+.0f", n.Score)},
			{Text: l.T("feedback.interval", "Low", fmt.Sprintf("%+.0f", n.Low), "Top", fmt.Sprintf("%+.0f", n.Top))},
		}})
	case n.N < feedback.Headline:
		s.notes = []string{l.T("feedback.no_headline", "Least", feedback.Headline)}
	default:
		s.notes = []string{l.T("feedback.hidden_headline")}
	}
}

func shareRow(l *locale.Locale, name string, s feedback.Share) ui.Row {
	cells := []ui.Cell{{Text: l.T("feedback.row." + name)}, {Text: l.Number(int64(s.N))}}
	if s.Hidden {
		hidden := l.T("feedback.hidden")
		return ui.Row{Cells: append(cells, ui.Cell{Text: hidden}, ui.Cell{Text: hidden}, ui.Cell{Text: hidden})}
	}
	return ui.Row{Cells: append(cells, ui.Cell{Text: l.Number(int64(s.Count))}, ui.Cell{Text: percent(s.Rate)},
		ui.Cell{Text: l.T("feedback.interval", "Low", percent(s.Low), "Top", percent(s.Top))})}
}

func percent(rate float64) string { return strconv.FormatFloat(100*rate, 'f', 1, 64) + "%" }

// lines are what the files hold: what the page shows, each line beginning with its question.
func (p *Pages) lines(c echo.Context) (list [][]string, err error) {
	v := page.Of(c)
	r, err := p.Feedback.Results(c.Request().Context(), by(c))
	if err != nil {
		return nil, err
	}
	head := []string{v.Locale.T("feedback.column.question")}
	for _, column := range figures(v.Locale, "").Columns {
		head = append(head, column.Label)
	}
	list = [][]string{head}
	for _, s := range sectionsOf(v, r) {
		for _, row := range s.table.Rows {
			line := []string{s.title}
			for _, cell := range row.Cells {
				line = append(line, cell.Text)
			}
			list = append(list, line)
		}
		if len(s.texts) > 0 {
			list = append(list, []string{s.title, s.meta})
		}
		for _, text := range append(s.notes, s.texts...) {
			list = append(list, []string{s.title, text})
		}
	}
	return list, nil
}

// DownloadCSV sends what the page shows as CSV.
func (p *Pages) DownloadCSV(c echo.Context) error {
	list, err := p.lines(c)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := spreadsheet.NewWriter(&b)
	for _, line := range list {
		var cells []spreadsheet.Cell
		for _, text := range line {
			cells = append(cells, spreadsheet.Cell{Text: text})
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return page.SendFile(c, "feedback.csv", page.CSV, &b)
}

// DownloadXLSX sends the same as a workbook. Texts are texts there: none is run.
func (p *Pages) DownloadXLSX(c echo.Context) error {
	list, err := p.lines(c)
	if err != nil {
		return err
	}
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	for i, line := range list {
		for j, text := range line {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err == nil {
				err = f.SetCellStr("Sheet1", cell, text)
			}
			if err != nil {
				return fmt.Errorf("write feedback as a workbook: %w", err)
			}
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		return fmt.Errorf("write feedback as a workbook: %w", err)
	}
	return page.SendFile(c, "feedback.xlsx", page.XLSX, b)
}

// waitingView is who was not asked yet.
type waitingView struct {
	layout  ui.Page
	heading ui.Heading
	reasons ui.Selection
	none    *ui.Empty
	table   ui.Table
	pages   ui.Pages
}

// ShowWaiting lists who was not asked yet, and why not.
func (p *Pages) ShowWaiting(c echo.Context) error {
	v := page.Of(c)
	l := v.Locale
	query, err := page.ReadQuery(c, page.Line("why", 20), page.Line("after", 64))
	if err != nil {
		return err
	}
	why := query.Get("why")
	list, counts, err := p.Feedback.Waits(c.Request().Context(), by(c), why, query.Get("after"))
	if err != nil {
		return err
	}
	view := waitingView{
		layout:  console.Layout(p.Kit, c, l.T("feedback.waiting"), "feedback"),
		heading: ui.Heading{Title: l.T("feedback.waiting"), Lead: l.T("feedback.waiting.lead")},
		reasons: ui.Selection{Field: ui.Field{Locale: l, ID: "why", Label: l.T("feedback.column.why")}},
		table:   ui.Table{ID: "waiting", Caption: l.T("feedback.waiting")},
		pages:   ui.Pages{Locale: l},
	}
	all := 0
	for _, n := range counts {
		all += n
	}
	option := func(value, label string, n int) {
		view.reasons.Options = append(view.reasons.Options, ui.Option{Value: value, Label: l.T("feedback.counted", "Name", label, "Count", l.Number(int64(n))), Selected: value == why})
	}
	option("", l.T("feedback.why.all"), all)
	for _, key := range reasons {
		if counts[key] > 0 || key == why {
			option(key, l.T("feedback.why."+key), counts[key])
		}
	}
	if len(list) > feedback.WaitingAtOnce {
		list = list[:feedback.WaitingAtOnce]
		values := url.Values{"after": {list[len(list)-1].ContactID}}
		if why != "" {
			values.Set("why", why)
		}
		view.pages.NextURL = WaitingPath + "?" + values.Encode()
	}
	if query.Get("after") != "" {
		view.pages.PreviousURL = WaitingPath + "?" + url.Values{"why": {why}}.Encode()
	}
	if len(list) == 0 {
		view.none = &ui.Empty{ID: "nobody", Title: l.T("feedback.waiting.none"), Text: l.T("feedback.waiting.none.text")}
	}
	for _, name := range []string{"customer", "contact", "why"} {
		view.table.Columns = append(view.table.Columns, ui.Column{Label: l.T("feedback.column." + name), Wide: name == "why"})
	}
	for _, w := range list {
		view.table.Rows = append(view.table.Rows, ui.Row{Cells: []ui.Cell{{Text: w.Customer, Note: w.Ref}, {Text: w.Name}, {Text: l.T("feedback.why." + w.Why)}}})
	}
	return page.Render(c, http.StatusOK, waitingPage(view))
}
