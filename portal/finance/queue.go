package finance

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration/refund"
	"offramp/portal/page"
	"offramp/portal/ui"
)

// ShowQueue lists refunds by a filter, with the figures of the whole above them.
func (p *Pages) ShowQueue(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	q, filter, refused := p.readQuery(c)
	if f, ok := fault.As(refused); refused != nil && (!ok || len(f.Fields) == 0) {
		return refused
	}
	figures, err := p.Refunds.Figures(ctx, staff(c), v.Programme)
	if err != nil {
		return err
	}
	list := queueList{query: q, figures: figures}
	if refused == nil {
		list.page, refused = p.Refunds.Queue(ctx, staff(c), filter, q.after)
	}
	if refused == nil && q.exact && list.page.AtLeast {
		list.page.Totals, list.page.AtLeast, refused = p.Refunds.Totals(ctx, staff(c), filter)
		list.stopped = list.page.AtLeast
	}
	status := http.StatusOK
	if f, ok := fault.As(refused); ok && len(f.Fields) > 0 {
		list.refused, status = refused, http.StatusUnprocessableEntity
	} else if refused != nil {
		return refused
	}
	var ids []string
	for _, r := range list.page.Rows {
		ids = append(ids, r.ReviewedBy, r.ApprovedBy)
	}
	if list.names, err = p.names(ctx, staff(c), ids...); err != nil {
		return err
	}
	return page.Render(c, status, queuePage(buildQueue(v, list, p.layout(c, v.Locale.T("finance.queue"), "refunds"))))
}

// ShowTotals is the part of the queue's page that has the totals of all of a filter: the page asks for it where counting takes longer
// than listing.
func (p *Pages) ShowTotals(c echo.Context) error {
	q, filter, err := p.readQuery(c)
	if err != nil {
		return err
	}
	totals, atLeast, err := p.Refunds.Totals(c.Request().Context(), staff(c), filter)
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, totalsPart(buildTotals(page.Of(c), q, totals, atLeast, true)))
}

// DownloadQueue sends every refund of exactly the filter as a file.
func (p *Pages) DownloadQueue(format refund.Format) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := page.Of(c)
		_, filter, err := p.readQuery(c)
		if err != nil {
			return err
		}
		name := "refunds-" + v.Now.In(v.Programme.Zone).Format("2006-01-02-1504") + "." + string(format)
		return page.WriteFile(c, name, kinds[format], func(w io.Writer) error {
			return p.Refunds.WriteQueue(c.Request().Context(), staff(c), filter, format, fileWords(v), w)
		})
	}
}

// kinds are the media types of files.
var kinds = map[refund.Format]string{refund.CSV: page.CSV, refund.XLSX: page.XLSX}

// ApproveSelected shows what was selected with its sums, and approves it once that is confirmed; each row has its result.
func (p *Pages) ApproveSelected(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	form, err := page.ReadForm(c, page.Choices("ref", refund.BulkLimit), page.Line("confirmed", 3), page.Line("all", 3), page.Line("back", 1000))
	if err != nil {
		return err
	}
	choices, err := readChoices(form.All("ref"))
	if err != nil {
		return err
	}
	back := backTo(form.Get("back"))
	if form.Get("all") == "yes" {
		return p.askForAll(c, form.Get("back"), back)
	}
	if len(choices) == 0 {
		return p.Flash(c, back, "warn", "flash.refund_none_selected")
	}
	if form.Get("confirmed") != "yes" {
		rows, err := p.selected(c, choices)
		if err != nil {
			return err
		}
		return page.Render(c, http.StatusOK, bulkPage(buildBulk(v, rows, choices, back, p.layout(c, v.Locale.T("finance.bulk"), "refunds"))))
	}
	results, err := p.Refunds.BulkApprove(ctx, staff(c), v.Programme, choices)
	if err != nil {
		return err
	}
	return page.Render(c, http.StatusOK, resultsPage(buildResults(v, results, back, p.layout(c, v.Locale.T("finance.results"), "refunds"))))
}

// askForAll shows everything of the queue's filter that this member of staff can approve, before any of it is.
func (p *Pages) askForAll(c echo.Context, text, back string) error {
	v := page.Of(c)
	filter, err := queryOf(v, text)
	if err != nil {
		return err
	}
	rows, more, err := p.Refunds.Approvable(c.Request().Context(), staff(c), filter, func(r refund.Row) bool { return cannotApprove(v, r) == "" })
	if err != nil {
		return err
	}
	var choices []refund.Choice
	for _, r := range rows {
		choices = append(choices, refund.Choice{Ref: r.Ref, Version: r.Version})
	}
	if len(choices) == 0 {
		return p.Flash(c, back, "warn", "flash.refund_none_to_approve")
	}
	view := buildBulk(v, rows, choices, back, p.layout(c, v.Locale.T("finance.bulk"), "refunds"))
	if more {
		limit := v.Locale.Number(refund.BulkLimit)
		view.part = &ui.Banner{Tone: "warn", Title: v.Locale.T("finance.bulk.part", "Limit", limit), Text: v.Locale.T("finance.bulk.part.text", "Limit", limit)}
	}
	return page.Render(c, http.StatusOK, bulkPage(view))
}

// selected reads the rows that were selected, in the order of the selection.
func (p *Pages) selected(c echo.Context, choices []refund.Choice) ([]refund.Row, error) {
	refs := make([]string, len(choices))
	for i, one := range choices {
		refs[i] = one.Ref
	}
	return p.Refunds.Rows(c.Request().Context(), staff(c), refs)
}

// readChoices reads "RF-2026-000318:4": a reference with the version that was looked at.
func readChoices(values []string) ([]refund.Choice, error) {
	choices := make([]refund.Choice, 0, len(values))
	for _, value := range values {
		ref, text, ok := strings.Cut(value, ":")
		version, err := strconv.Atoi(text)
		if !ok || err != nil || version < 1 {
			return nil, page.ErrForm
		}
		choices = append(choices, refund.Choice{Ref: ref, Version: version})
	}
	return choices, nil
}

// backTo leads back to the queue as it was filtered. Only the queue's own address is followed.
func backTo(query string) string {
	if query == "" || strings.ContainsAny(query, "#\\") {
		return QueuePath
	}
	return QueuePath + "?" + query
}
