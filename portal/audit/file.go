package audit

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"

	"github.com/labstack/echo/v4"

	"offramp/internal/audit"
	"offramp/internal/spreadsheet"
	"offramp/portal/page"
)

// DownloadLog sends the entries that a filter leaves, newest first, as a table for people. Where there are more than one file holds,
// its last line says so.
func (p *Pages) DownloadLog(c echo.Context) error {
	v, ctx := page.Of(c), c.Request().Context()
	f, err := readFilter(c)
	if err != nil {
		return err
	}
	exact, err := f.exact(ctx, v, p.Customers)
	if err != nil {
		return err
	}
	return page.WriteFile(c, "audit.csv", page.CSV, func(to io.Writer) error { return p.writeLog(ctx, v, exact, to) })
}

func (p *Pages) writeLog(ctx context.Context, v *page.Visit, exact audit.Filter, to io.Writer) error {
	w := spreadsheet.NewWriter(to)
	if err := w.Write(texts("seq", "at", "actor", "actor_kind", "act", "act_key", "object", "customer_id", "detail", "hash", "recorded_at", "recorded_by", "session")); err != nil {
		return err
	}
	more, err := p.Log.Export(ctx, v.Session.IdentityID, exact, func(r audit.Row) error {
		detail := ""
		if len(r.Detail) > 0 {
			text, err := json.Marshal(r.Detail)
			if err != nil {
				return err
			}
			detail = string(text)
		}
		written := ""
		if !r.Recorded.At.IsZero() {
			written = r.Recorded.At.UTC().Format("2006-01-02T15:04:05.000000Z07:00")
		}
		cells := texts(strconv.FormatInt(r.Seq, 10), r.At.UTC().Format("2006-01-02T15:04:05.000000Z07:00"), r.Actor, r.ActorKind, act(v.Locale, r.Act), r.Act, r.Object, r.CustomerID, detail, hex.EncodeToString(r.Hash),
			written, r.Recorded.By, r.Recorded.Session)
		cells[0].Number = true
		return w.Write(cells)
	})
	if err != nil {
		return err
	}
	if more {
		if err := w.Write(texts(v.Locale.T("console.audit.older"))); err != nil {
			return err
		}
	}
	return w.Flush()
}

func texts(list ...string) []spreadsheet.Cell {
	cells := make([]spreadsheet.Cell, len(list))
	for i, text := range list {
		cells[i].Text = text
	}
	return cells
}
