package finance

import (
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/fault"
	"offramp/migration/refund"
	"offramp/portal/page"
)

const (
	importsShown = 100
	linesShown   = 500
)

// ShowImports lists the files of bank results that were brought in.
func (p *Pages) ShowImports(c echo.Context) error { return p.showImports(c, http.StatusOK, nil) }

func (p *Pages) showImports(c echo.Context, status int, refused error) error {
	v, ctx := page.Of(c), c.Request().Context()
	imports, err := p.Refunds.Imports(ctx, staff(c), importsShown+1)
	if err != nil {
		return err
	}
	var ids []string
	for _, i := range imports {
		ids = append(ids, i.ImportedBy)
	}
	names, err := p.names(ctx, staff(c), ids...)
	if err != nil {
		return err
	}
	return page.Render(c, status, importsPage(buildImports(v, imports, names, refused, p.layout(c, v.Locale.T("finance.bank"), "reconciliation"))))
}

// TakeImport reads a file of bank results and settles what it matches.
func (p *Pages) TakeImport(c echo.Context) error {
	name, file, err := page.ReadUpload(c, "file")
	if err == nil {
		var i refund.Import
		if i, err = p.Refunds.ImportResults(c.Request().Context(), staff(c), name, file); err == nil {
			return p.Flash(c, importURL(i.ID), "ok", "flash.refund_imported")
		}
	}
	f, ok := fault.As(err)
	switch {
	case ok && f.Kind == fault.Conflict:
		return p.showImports(c, http.StatusConflict, err)
	case ok && len(f.Fields) > 0:
		return p.showImports(c, http.StatusUnprocessableEntity, err)
	}
	return err
}

// ShowImport is one file with its lines, of one queue or of all.
func (p *Pages) ShowImport(c echo.Context) error {
	form, err := page.ReadQuery(c, page.Line("queue", 20))
	if err != nil {
		return err
	}
	return p.showImport(c, http.StatusOK, form.Get("queue"), lineFault{})
}

// lineFault is what was typed about a line, or a task, and why it came back.
type lineFault struct {
	line    string // id
	ref     string
	note    string
	refused error
}

func (p *Pages) showImport(c echo.Context, status int, queue string, bad lineFault) error {
	v, ctx := page.Of(c), c.Request().Context()
	if !knownQueue(queue) {
		queue = ""
	}
	i, lines, err := p.Refunds.OpenImport(ctx, staff(c), c.Param("id"), refund.Queue(queue), linesShown)
	if err != nil {
		return err
	}
	ids := []string{i.ImportedBy}
	for _, line := range lines {
		ids = append(ids, line.SettledBy)
	}
	names, err := p.names(ctx, staff(c), ids...)
	if err != nil {
		return err
	}
	layout := p.layout(c, i.Name, "reconciliation")
	layout.Path = importURL(i.ID)
	return page.Render(c, status, importPage(buildImport(v, importLines{i, lines, queue, names, bad}, layout)))
}

// queues are the kinds of lines, in the order in which they are looked at.
var queues = []refund.Queue{refund.QueueDiffering, refund.QueueReturned, refund.QueueUnmatched, refund.QueueMatched}

func knownQueue(q string) bool {
	for _, known := range queues {
		if string(known) == q {
			return true
		}
	}
	return false
}

// MatchLine ties a line to a refund by hand.
func (p *Pages) MatchLine(c echo.Context) error {
	return p.settleLine(c, "flash.refund_line_matched", func(f page.Form) error {
		_, err := p.Refunds.MatchResult(c.Request().Context(), staff(c), c.Param("line"), f.Get("ref"), f.Get("note"))
		return err
	})
}

// SettleLine takes a line off its queue with a note.
func (p *Pages) SettleLine(c echo.Context) error {
	return p.settleLine(c, "flash.refund_line_settled", func(f page.Form) error {
		_, err := p.Refunds.SettleResult(c.Request().Context(), staff(c), c.Param("line"), f.Get("note"))
		return err
	})
}

// ReopenLine puts a line back on its queue.
func (p *Pages) ReopenLine(c echo.Context) error {
	return p.settleLine(c, "flash.refund_line_reopened", func(page.Form) error {
		_, err := p.Refunds.ReopenResult(c.Request().Context(), staff(c), c.Param("line"))
		return err
	})
}

func (p *Pages) settleLine(c echo.Context, done string, act func(page.Form) error) error {
	form, err := page.ReadForm(c, page.Line("ref", 40), page.Line("note", 500))
	if f, ok := fault.As(err); err != nil && (!ok || len(f.Fields) == 0) {
		return err
	}
	if err == nil {
		err = act(form)
	}
	if err == nil {
		return p.Flash(c, importURL(c.Param("id")), "ok", done)
	}
	bad := lineFault{line: c.Param("line"), ref: form.Get("ref"), note: form.Get("note"), refused: err}
	switch f, ok := fault.As(err); {
	case ok && f.Kind == fault.Conflict:
		return p.showImport(c, http.StatusConflict, "", bad)
	case ok && f.Kind == fault.NotFound && bad.ref != "": // the refund, most likely: said beside the field
		bad.refused = errFilter.Field("ref", "refund.not_found", nil)
		return p.showImport(c, http.StatusUnprocessableEntity, "", bad)
	case ok && len(f.Fields) > 0:
		return p.showImport(c, http.StatusUnprocessableEntity, "", bad)
	}
	return err
}

// lineID makes the ids of a line's controls.
func lineID(line int, what string) string { return "line-" + strconv.Itoa(line) + "-" + what }
