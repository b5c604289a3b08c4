package source

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// mysqlTypes maps types to a Column's Type. What is not here is text: TIME too, since it may be negative or longer than a
// day, and what MariaDB sends as text itself, such as JSON and UUID. TINYINT(1) is an integer: it may hold any.
var mysqlTypes = map[string]string{
	"TINYINT": "integer", "SMALLINT": "integer", "MEDIUMINT": "integer", "INT": "integer", "BIGINT": "integer",
	"YEAR": "integer", "BIT": "integer",
	"DECIMAL": "number", "DOUBLE": "number",
	"DATE": "date", "DATETIME": "timestamp", "TIMESTAMP": "instant",
	"JSON":   "json",
	"BINARY": "binary", "VARBINARY": "binary", "TINYBLOB": "binary", "BLOB": "binary", "MEDIUMBLOB": "binary", "LONGBLOB": "binary",
	"GEOMETRY": "binary", "VECTOR": "binary",
}

// mysqlColumns names the columns, and how each one's values become their text form; nil: they are it.
func mysqlColumns(q Query, rows *sql.Rows) ([]Column, []func(to, value []byte) []byte, error) {
	found, err := rows.ColumnTypes()
	if err != nil || len(found) == 0 {
		return nil, nil, &Error{Kind: Invalid, Dataset: q.Dataset, Cause: errors.New("the query returns no columns")}
	}
	columns, shapes := make([]Column, len(found)), make([]func(to, value []byte) []byte, len(found))
	for i, f := range found {
		name := strings.TrimPrefix(f.DatabaseTypeName(), "UNSIGNED ")
		if name == "FLOAT" {
			return nil, nil, &Error{Kind: Schema, Dataset: q.Dataset, Cause: fmt.Errorf("column %q is FLOAT, which the server rounds to six digits when it writes it: select %[1]s + 0e0 as %[1]s", f.Name())}
		}
		kind, ok := mysqlTypes[name]
		if !ok {
			kind = "text"
		}
		columns[i] = Column{Name: f.Name(), Type: kind}
		switch {
		case name == "BIT":
			shapes[i] = appendBits
		case name == "DECIMAL":
			shapes[i] = appendNumber
		case kind == "binary":
			shapes[i] = appendHex
		case kind == "instant":
			shapes[i] = appendInstant
		}
	}
	return columns, shapes, nil
}

func appendBits(to, value []byte) []byte {
	var n uint64
	for _, b := range value {
		n = n<<8 | uint64(b)
	}
	return strconv.AppendUint(to, n, 10)
}

// appendNumber leaves out the zeros that ZEROFILL puts before a number.
func appendNumber(to, value []byte) []byte {
	for len(value) > 1 && value[0] == '0' && value[1] != '.' {
		value = value[1:]
	}
	return append(to, value...)
}

func appendHex(to, value []byte) []byte { return hex.AppendEncode(append(to, '\\', 'x'), value) }

func appendInstant(to, value []byte) []byte { return append(append(to, value...), "+00"...) }
