package refund

import (
	"io"

	"offramp/internal/spreadsheet"
)

func newSheet(format Format, w io.Writer) (spreadsheet.Sheet, error) {
	switch format {
	case CSV:
		return spreadsheet.NewCSV(w), nil
	case XLSX:
		return spreadsheet.NewXLSX(w), nil
	}
	return nil, ErrFilter.Field("format", "refund.filter.format", nil)
}
