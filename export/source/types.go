package source

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// types maps PostgreSQL's types to a Column's Type. What is not here is text. A domain arrives as its base type.
var types = map[uint32]string{
	pgtype.BoolOID:        "boolean",
	pgtype.Int2OID:        "integer",
	pgtype.Int4OID:        "integer",
	pgtype.Int8OID:        "integer",
	pgtype.OIDOID:         "integer",
	pgtype.Float4OID:      "number",
	pgtype.Float8OID:      "number",
	pgtype.NumericOID:     "number",
	pgtype.DateOID:        "date",
	pgtype.TimeOID:        "time",
	pgtype.TimetzOID:      "time",
	pgtype.TimestampOID:   "timestamp",
	pgtype.TimestamptzOID: "instant",
	pgtype.IntervalOID:    "duration",
	pgtype.ByteaOID:       "binary",
	pgtype.JSONOID:        "json",
	pgtype.JSONBOID:       "json",
	pgtype.UUIDOID:        "uuid",
}

func columnsOf(fields []pgconn.FieldDescription) []Column {
	columns := make([]Column, len(fields))
	for i, f := range fields {
		t, ok := types[f.DataTypeOID]
		if !ok {
			t = "text"
		}
		columns[i] = Column{Name: f.Name, Type: t}
	}
	return columns
}

// compare holds the columns found against the declared ones and names each difference. Two columns of one name are
// refused, since a JSON object could only keep one of them.
func compare(dataset string, declared, found []Column) error {
	var faults []string
	seen := make(map[string]int, len(found))
	for i, c := range found {
		if _, twice := seen[c.Name]; twice {
			faults = append(faults, fmt.Sprintf("column %q appears twice", c.Name))
		}
		seen[c.Name] = i
	}
	if len(declared) > 0 {
		faults = append(faults, differences(declared, found, seen)...)
	}
	if len(faults) == 0 {
		return nil
	}
	return &Error{Kind: Schema, Dataset: dataset, Cause: fmt.Errorf("%s", strings.Join(faults, "; "))}
}

func differences(declared, found []Column, at map[string]int) []string {
	var faults []string
	want := make(map[string]bool, len(declared))
	for i, d := range declared {
		want[d.Name] = true
		j, ok := at[d.Name]
		switch {
		case !ok:
			faults = append(faults, fmt.Sprintf("column %q is missing", d.Name))
		case d.Type != "" && d.Type != found[j].Type:
			faults = append(faults, fmt.Sprintf("column %q is now %s, declared as %s", d.Name, found[j].Type, d.Type))
		case i != j && len(declared) == len(found):
			faults = append(faults, fmt.Sprintf("column %q is now at place %d, declared at %d", d.Name, j+1, i+1))
		}
	}
	extra := false
	for _, f := range found {
		if !want[f.Name] {
			extra = true
			faults = append(faults, fmt.Sprintf("column %q is not declared", f.Name))
		}
	}
	if extra {
		faults = append(faults, "columns must list every column that the query returns, or be left out")
	}
	return faults
}
