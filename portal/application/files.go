package application

import (
	"bytes"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"offramp/internal/docx"
	"offramp/internal/locale"
	"offramp/internal/spreadsheet"
	"offramp/portal/page"
)

// DownloadDOCX sends the report for a word processor.
func (p *Pages) DownloadDOCX(c echo.Context) error {
	d, err := p.Reports.Show(c.Request().Context(), by(c))
	if err != nil {
		return err
	}
	v := page.Of(c)
	var file bytes.Buffer
	if _, err := build(v, d).docx(v.Locale, v.Now).WriteTo(&file); err != nil {
		return err
	}
	return send(c, "application.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", &file)
}

// DownloadXLSX sends the tables, a sheet each.
func (p *Pages) DownloadXLSX(c echo.Context) error {
	d, err := p.Reports.Show(c.Request().Context(), by(c))
	if err != nil {
		return err
	}
	var file bytes.Buffer
	sheet := spreadsheet.NewXLSX(&file)
	if err := sheet.End(build(page.Of(c), d).sheets(sheet)); err != nil {
		return err
	}
	return send(c, "application.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &file)
}

func send(c echo.Context, name, kind string, file *bytes.Buffer) error {
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	return c.Blob(http.StatusOK, kind, file.Bytes())
}

func (doc document) docx(l *locale.Locale, at time.Time) *docx.Document {
	f := docx.New(doc.title, l.Tag(), at)
	f.Title(doc.title)
	for _, fact := range doc.facts {
		f.Paragraph(l.T("application.pair", "Name", fact[0], "Value", fact[1]))
	}
	for _, s := range doc.sections {
		f.Heading(1, s.title)
		for _, b := range blocks(s.text) {
			switch b.kind {
			case "heading":
				f.Heading(3, b.text)
			case "item":
				f.Bullet(b.text)
			default:
				f.Paragraph(b.text)
			}
		}
		if s.text == "" && !s.attachment {
			f.Paragraph(l.T("application.unwritten"))
		}
		for _, t := range s.tables {
			f.Heading(2, t.title)
			if len(t.rows) == 0 {
				f.Paragraph(t.none)
				continue
			}
			rows := [][]string{t.head}
			for _, row := range t.rows {
				var cells []string
				for _, c := range row {
					cells = append(cells, c.text)
				}
				rows = append(rows, cells)
			}
			f.Table(rows, t.right)
			f.Note(t.source)
		}
	}
	return f
}

// sheets writes the tables that have rows, with their source below.
func (doc document) sheets(sheet spreadsheet.Sheet) error {
	for _, s := range doc.sections {
		for _, t := range s.tables {
			if len(t.rows) == 0 {
				continue
			}
			if err := sheet.Begin(t.title); err != nil {
				return err
			}
			var head []spreadsheet.Cell
			for _, name := range t.head {
				head = append(head, spreadsheet.Heading(name))
			}
			if err := sheet.Row(head); err != nil {
				return err
			}
			for _, row := range t.rows {
				var cells []spreadsheet.Cell
				for _, c := range row {
					cells = append(cells, c.value)
				}
				if err := sheet.Row(cells); err != nil {
					return err
				}
			}
			if err := sheet.Row([]spreadsheet.Cell{spreadsheet.Said(t.source)}); err != nil {
				return err
			}
		}
	}
	return nil
}
