package finance

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration/refund"
	"offramp/portal/page"
)

// errMonth is a month that cannot be read.
var errMonth = fault.New(fault.Invalid, "fault.input")

// readMonth reads the month from the address, such as 2026-11; without one it is the current month in the programme's zone.
func readMonth(c echo.Context) (text string, m refund.Month, err error) {
	v := page.Of(c)
	form, err := page.ReadQuery(c, page.Line("month", 7), page.Line("part", 10))
	if err != nil {
		return form.Get("month"), refund.Month{}, err
	}
	now := v.Now.In(v.Programme.Zone)
	if text = form.Get("month"); text == "" {
		text = now.Format("2006-01")
	}
	at, err := time.Parse("2006-01", text)
	if err != nil || at.Year() < 2000 || at.Year() > now.Year()+1 {
		return text, refund.Month{}, errMonth.Field("month", "finance.report.bad_month", nil)
	}
	return text, refund.Month{Year: at.Year(), Month: at.Month()}, nil
}

// ShowReports sums up a month.
func (p *Pages) ShowReports(c echo.Context) error {
	v := page.Of(c)
	text, month, refused := readMonth(c)
	if f, ok := fault.As(refused); refused != nil && (!ok || len(f.Fields) == 0) {
		return refused
	}
	var closed refund.Close
	status := http.StatusOK
	if refused != nil {
		status = http.StatusUnprocessableEntity
	} else {
		var err error
		if closed, err = p.Refunds.CloseMonth(c.Request().Context(), staff(c), v.Programme.Zone, month); err != nil {
			return err
		}
	}
	return page.Render(c, status, reportPage(buildReport(v, text, closed, refused, p.layout(c, v.Locale.T("finance.reports"), "reports"))))
}

// DownloadReport sends a month with every posting behind it as a file.
func (p *Pages) DownloadReport(format refund.Format) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := page.Of(c)
		_, month, err := readMonth(c)
		if err != nil {
			return err
		}
		part, name := refund.Summary, fmt.Sprintf("refunds-%04d-%02d", month.Year, month.Month)
		if c.QueryParam("part") == string(refund.Postings) {
			part, name = refund.Postings, name+"-postings"
		}
		return page.WriteFile(c, name+"."+string(format), kinds[format], func(w io.Writer) error {
			return p.Refunds.WriteMonth(c.Request().Context(), staff(c), month, format, part, fileWords(v), w)
		})
	}
}

// fileWords are a file's words: the reader's language, the programme's names and clock.
func fileWords(v *page.Visit) refund.FileWords {
	l := v.Locale
	return refund.FileWords{
		Word: func(key string) string { return l.T(key) }, Tier: func(key string) string { return page.TierName(l, v.Programme, key) },
		Zone: v.Programme.Zone, Clock: l.ZoneName(v.Programme.Zone, v.Now),
	}
}
