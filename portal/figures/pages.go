package figures

import (
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/internal/spreadsheet"
	"offramp/migration"
	count "offramp/migration/figures"
	"offramp/portal/console"
	"offramp/portal/page"
)

// Path is where the pages are.
const Path = "/console/figures"

// shownWeeks is how many weeks are shown where nothing else is asked for.
const shownWeeks = 12

// Pages are the handlers. Safe for concurrent use.
type Pages struct {
	*page.Kit
	Figures   *count.Service
	Customers *migration.Service
}

// Show leads to the first report.
func (p *Pages) Show(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, Path+"/"+count.Specs[0].Key)
}

// asked is what a reader wants to see.
type asked struct {
	key      string
	from, to string
}

// read reads a report. A fault of a field comes back beside what was asked for.
func (p *Pages) read(c echo.Context) (asked, count.Report, error) {
	v := page.Of(c)
	a := asked{key: c.Param("report")}
	form, err := page.ReadQuery(c, page.Line("from", 10), page.Line("to", 10))
	a.from, a.to = form.Get("from"), form.Get("to")
	if err != nil {
		return a, count.Report{}, err
	}
	if !form.Has("from") && !form.Has("to") {
		a.from = page.DayValue(count.Monday(v.Now, v.Programme.Zone).AddDays(-7 * (shownWeeks - 1)))
	}
	from, err := dayOf("from", a.from)
	if err != nil {
		return a, count.Report{}, err
	}
	to, err := dayOf("to", a.to)
	if err != nil {
		return a, count.Report{}, err
	}
	r, err := p.Figures.Read(c.Request().Context(), v.Session.IdentityID, a.key, from, to)
	return a, r, err
}

func dayOf(field, text string) (migration.Day, error) {
	if text == "" {
		return migration.Day{}, nil
	}
	day, err := migration.ParseDay(text)
	if err != nil {
		return migration.Day{}, count.ErrPeriod.Field(field, "figures.bad_day", nil)
	}
	return day, nil
}

// ShowReport shows one report.
func (p *Pages) ShowReport(c echo.Context) error {
	v, status := page.Of(c), http.StatusOK
	a, r, refused := p.read(c)
	if refused != nil {
		if f, ok := fault.As(refused); !ok || len(f.Fields) == 0 {
			return refused
		}
		status = http.StatusUnprocessableEntity
	}
	spec, err := count.SpecOf(a.key)
	if err != nil {
		return err
	}
	layout := console.Layout(p.Kit, c, v.Locale.T("figures.title"), "figures")
	return page.Render(c, status, reportPage(build(v, spec, a, r, refused, layout)))
}

// Download sends the table that is shown as a file.
func (p *Pages) Download(kind string) echo.HandlerFunc {
	return func(c echo.Context) error {
		a, r, err := p.read(c)
		if err != nil {
			return err
		}
		mediaType, sheet := page.CSV, spreadsheet.NewCSV
		if kind == "xlsx" {
			mediaType, sheet = page.XLSX, spreadsheet.NewXLSX
		}
		return page.WriteFile(c, a.key+"."+kind, mediaType, func(w io.Writer) error {
			s := sheet(w)
			return s.End(write(s, tableOf(page.Of(c), r)))
		})
	}
}

func write(sheet spreadsheet.Sheet, t table) error {
	if err := sheet.Begin(t.title); err != nil {
		return err
	}
	head := make([]spreadsheet.Cell, len(t.head))
	for i, h := range t.head {
		head[i] = spreadsheet.Heading(h.label)
	}
	if err := sheet.Row(head); err != nil {
		return err
	}
	for _, row := range t.rows {
		cells := make([]spreadsheet.Cell, len(row))
		for i, c := range row {
			cells[i] = c.file
		}
		if err := sheet.Row(cells); err != nil {
			return err
		}
	}
	return nil
}
