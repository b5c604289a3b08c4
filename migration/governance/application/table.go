package application

import (
	"strconv"
	"strings"
	"time"

	"offramp/migration"
)

// Bounds of a table that people enter: small enough to be read on paper.
const (
	MaxLines   = 2000 // characters
	maxColumns = 8
	maxRows    = 40
	maxSource  = 200
)

// Tables are what people enter, in the order of the report.
var Tables = []string{"risks", "budget", "measures", "activity", "money", "complaints", "competitors"}

// Table is one table that people enter.
type Table struct {
	Key, Lines, Source string
	Day                migration.Day // what it says is of
	Version            int           // 0: nobody entered anything
	ChangedBy          string
	ChangedAt          time.Time
}

// AsOf is the day as forms and the database write it; empty: none.
func (t Table) AsOf() string {
	if t.Day.IsZero() {
		return ""
	}
	return t.Day.String()
}

// Rows are the cells, the head first. Nothing entered: none.
func (t Table) Rows() (rows [][]string) {
	for _, line := range strings.Split(t.Lines, "\n") {
		if line = strings.Trim(strings.TrimSpace(line), "|"); line == "" {
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// checked is the table as it is stored. A tab, as spreadsheets put between copied cells, and the full-width bar separate too. ErrInput
// names faulty fields.
func (t Table) checked(day string, today migration.Day) (Table, error) {
	t.Source = strings.Join(strings.Fields(t.Source), " ")
	t.Lines = strings.TrimSpace(strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", "|", "｜", "|").Replace(t.Lines))
	if t.Lines == "" { // taken away
		return Table{Key: t.Key}, nil
	}
	wrong := ErrInput
	if key, args := t.fault(); key != "" {
		wrong = wrong.Field("lines", key, args)
	}
	if n := len([]rune(t.Source)); n == 0 || n > maxSource {
		wrong = wrong.Field("source", "application.no_source", nil)
	}
	var err error
	if t.Day, err = migration.ParseDay(strings.TrimSpace(day)); err != nil {
		wrong = wrong.Field("day", "application.no_day", nil)
	} else if t.Day.After(today) {
		wrong = wrong.Field("day", "application.day_ahead", nil)
	}
	if len(wrong.Fields) > 0 {
		return Table{}, wrong
	}
	return t, nil
}

// fault is what is wrong with the lines; empty: nothing.
func (t Table) fault() (key string, args map[string]any) {
	rows := t.Rows()
	if len([]rune(t.Lines)) > MaxLines || len(rows) > maxRows {
		return "application.table_long", map[string]any{"Rows": strconv.Itoa(maxRows), "Characters": strconv.Itoa(MaxLines)}
	}
	if len(rows) < 2 || len(rows[0]) < 2 || len(rows[0]) > maxColumns {
		return "application.table_small", map[string]any{"Columns": strconv.Itoa(maxColumns)}
	}
	for i, row := range rows {
		at := map[string]any{"Row": strconv.Itoa(i + 1), "Cells": strconv.Itoa(len(row)), "Head": strconv.Itoa(len(rows[0]))}
		if len(row) != len(rows[0]) {
			return "application.table_cells", at
		}
		if row[0] == "" {
			return "application.table_name", at
		}
		if t.Key != "risks" {
			continue
		}
		if len(row) < 3 {
			return "application.risk_head", at
		}
		for _, cell := range row { // a risk without a plan or an owner is none that was thought about
			if cell == "" {
				return "application.risk_empty", at
			}
		}
	}
	return "", nil
}
