package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// mysqlKinds follows the server's table of error codes. What is not here is Invalid.
// Source: MySQL Server Error Message Reference; MariaDB Error Code Reference.
var mysqlKinds = map[uint16]Kind{
	1205: Locked, 1213: Locked, 1317: Locked, 1969: Locked, 3024: Locked, 3572: Locked, // lock wait, deadlock, interrupted, time limits
	1044: Denied, 1045: Denied, 1049: Denied, 1130: Denied, 1142: Denied, 1143: Denied, 1227: Denied, 1370: Denied, 1698: Denied, 1820: Denied, 1862: Denied, 4151: Denied,
	1051: Schema, 1054: Schema, 1060: Schema, 1109: Schema, 1146: Schema, 1305: Schema, 1356: Schema, 1630: Schema, // table, column, function, view
	1040: Unavailable, 1041: Unavailable, 1053: Unavailable, 1077: Unavailable, 1079: Unavailable, 1080: Unavailable, 1129: Unavailable,
	1152: Unavailable, 1158: Unavailable, 1159: Unavailable, 1160: Unavailable, 1161: Unavailable, 1184: Unavailable, 1203: Unavailable,
	1226: Unavailable, 1927: Unavailable, 1021: Unavailable, 1030: Unavailable, 1114: Unavailable, 1180: Unavailable,
	1412: Inconsistent, // the table's definition has changed since the snapshot
}

// mysqlQuotes are errors of state 42 that may hold a value all the same: of a regular expression, and what a function raises.
var mysqlQuotes = map[uint16]bool{1139: true, 1643: true, 1644: true, 1645: true}

// classifyMySQL turns an error of the driver into ours. A cancelled context stays itself.
func classifyMySQL(ctx context.Context, dataset string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	var server *mysql.MySQLError
	if errors.As(err, &server) {
		kind, ok := mysqlKinds[server.Number]
		if !ok {
			kind = Invalid
		}
		if !ok && (!strings.HasPrefix(string(server.SQLState[:]), "42") || mysqlQuotes[server.Number]) { // 42 is about the text of the query
			text := fmt.Sprintf("error %d, SQLSTATE %s; the server's message may quote a row and is not repeated: run the query to see it", server.Number, server.SQLState[:])
			err = &quiet{text: text, cause: err}
		}
		return &Error{Kind: kind, Dataset: dataset, Cause: err}
	}
	for _, refused := range []error{mysql.ErrNativePassword, mysql.ErrOldPassword, mysql.ErrCleartextPassword, mysql.ErrUnknownPlugin, mysql.ErrNoTLS} {
		if errors.Is(err, refused) {
			return &Error{Kind: Denied, Dataset: dataset, Cause: fmt.Errorf("signing in: %w", err)}
		}
	}
	return &Error{Kind: Unavailable, Dataset: dataset, Cause: err}
}
