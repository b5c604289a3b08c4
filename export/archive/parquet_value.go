package archive

import (
	"bytes"
	"encoding/hex"
	"strconv"

	"github.com/parquet-go/parquet-go"
)

// parquetColumn is how a column is kept in Parquet. What has no exact type there is text, so that nothing is rounded.
// Source: Apache Parquet, "Logical Types".
type parquetColumn struct {
	Column
	node  parquet.Node
	kind  string // as schema.json calls it
	class class
}

func newParquetColumn(c Column) parquetColumn {
	p := parquetColumn{Column: c, class: classes[c.Type]}
	switch c.Type {
	case "integer":
		p.node, p.kind = parquet.Int(64), "INT64"
	case "boolean":
		p.node, p.kind = parquet.Leaf(parquet.BooleanType), "BOOLEAN"
	case "date":
		p.node, p.kind = parquet.Date(), "DATE"
	case "timestamp":
		p.node, p.kind = parquet.TimestampAdjusted(parquet.Microsecond, false), "TIMESTAMP(MICROS, local)"
	case "instant":
		p.node, p.kind = parquet.TimestampAdjusted(parquet.Microsecond, true), "TIMESTAMP(MICROS, UTC)"
	case "uuid":
		p.node, p.kind = parquet.UUID(), "UUID"
	case "json":
		p.node, p.kind = parquet.JSON(), "JSON"
	case "binary":
		p.node, p.kind = parquet.Leaf(parquet.ByteArrayType), "BYTE_ARRAY"
	default: // numbers of any precision, times with a zone, durations, and text
		p.node, p.kind = parquet.String(), "STRING"
	}
	return p
}

// value makes a value, whose bytes are kept in the arena. It fails with *rowError.
func (p parquetColumn) value(arena *[]byte, v []byte) (parquet.Value, error) {
	switch p.Type {
	case "integer":
		n, err := strconv.ParseInt(string(v), 10, 64)
		return parquet.Int64Value(n), p.unless(err == nil)
	case "boolean":
		return parquet.BooleanValue(len(v) == 1 && v[0] == 't'), nil
	case "date":
		days, ok := parseDate(v)
		return parquet.Int32Value(int32(days)), p.unless(ok && int64(int32(days)) == days)
	case "timestamp", "instant":
		micros, ok := parseMoment(v, p.Type == "instant")
		return parquet.Int64Value(micros), p.unless(ok)
	case "uuid":
		return p.uuid(arena, v)
	case "binary":
		mark := len(*arena)
		out, ok := appendRaw(*arena, v)
		if !ok {
			return parquet.Value{}, &rowError{column: p.Name, reason: "not_binary"}
		}
		*arena = out
		return parquet.ByteArrayValue(out[mark:]), nil
	}
	if err := p.sound(p.class, v); err != nil {
		return parquet.Value{}, err
	}
	mark := len(*arena)
	*arena = append(*arena, v...)
	return parquet.ByteArrayValue((*arena)[mark:]), nil
}

// unless returns the error for a value that the column's type in Parquet has no place for.
func (p parquetColumn) unless(ok bool) error {
	if ok {
		return nil
	}
	return &rowError{column: p.Name, reason: "out_of_range", format: true}
}

func (p parquetColumn) uuid(arena *[]byte, v []byte) (parquet.Value, error) {
	const hyphens = "--------"
	ok := len(v) == 36 && v[8] == '-' && v[13] == '-' && v[18] == '-' && v[23] == '-'
	if !ok {
		return parquet.Value{}, p.unless(false)
	}
	mark := len(*arena)
	digits := make([]byte, 0, 32)
	for part := range bytes.SplitSeq(v, []byte(hyphens[:1])) {
		digits = append(digits, part...)
	}
	out, err := hex.AppendDecode(*arena, digits)
	if err != nil || len(out)-mark != 16 || !bytes.Equal(v, bytes.ToLower(v)) {
		return parquet.Value{}, p.unless(false)
	}
	*arena = out
	return parquet.FixedLenByteArrayValue(out[mark:]), nil
}

// appendRaw turns \x6869 into the bytes.
func appendRaw(dst, v []byte) ([]byte, bool) {
	digits, ok := bytes.CutPrefix(v, []byte(`\x`))
	if !ok {
		return dst, false
	}
	out, err := hex.AppendDecode(dst, digits)
	return out, err == nil
}

// parseDate returns the days since 1970-01-01 in the Gregorian calendar, also before it was in use. Words such as infinity
// are no dates.
func parseDate(v []byte) (days int64, ok bool) {
	v, before := bytes.CutSuffix(v, []byte(" BC"))
	i := bytes.IndexByte(v, '-')
	if i < 4 || len(v) != i+6 || v[i+3] != '-' {
		return 0, false
	}
	year, ok1 := parseDigits(v[:i])
	month, ok2 := parseDigits(v[i+1 : i+3])
	day, ok3 := parseDigits(v[i+4:])
	if !ok1 || !ok2 || !ok3 || month < 1 || month > 12 || day < 1 || day > 31 || year > 10_000_000 {
		return 0, false
	}
	if before {
		year = 1 - year
	}
	return civil(year, month, day), true
}

// civil counts the days since 1970-01-01.
// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
func civil(year, month, day int64) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	yearOfEra := year - era*400
	dayOfYear := (153*((month+9)%12)+2)/5 + day - 1
	dayOfEra := yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear
	return era*146097 + dayOfEra - 719468
}

// parseMoment returns the microseconds since 1970-01-01T00:00:00, if that is exactly what v says.
func parseMoment(v []byte, zoned bool) (micros int64, ok bool) {
	v, before := bytes.CutSuffix(v, []byte(" BC"))
	i := bytes.IndexByte(v, ' ')
	if i < 0 {
		return 0, false
	}
	date, clock := v[:i:i], v[i+1:]
	if before {
		date = append(date, " BC"...)
	}
	days, ok := parseDate(date)
	if !ok {
		return 0, false
	}
	if zoned {
		if clock, ok = bytes.CutSuffix(clock, []byte("+00")); !ok {
			return 0, false
		}
	}
	of, ok := parseClock(clock)
	const perDay = 24 * 60 * 60 * 1_000_000
	if !ok || days > maxMicros/perDay-1 || days < -(maxMicros/perDay-1) {
		return 0, false
	}
	return days*perDay + of, true
}

const maxMicros = 1<<63 - 1

// parseClock returns the microseconds since midnight of 14:05:00.5, with at most six digits after the point.
func parseClock(v []byte) (micros int64, ok bool) {
	if len(v) < 8 || v[2] != ':' || v[5] != ':' {
		return 0, false
	}
	hour, ok1 := parseDigits(v[:2])
	minute, ok2 := parseDigits(v[3:5])
	second, ok3 := parseDigits(v[6:8])
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	micros = ((hour*60+minute)*60 + second) * 1_000_000
	if len(v) == 8 {
		return micros, true
	}
	fraction := v[9:]
	part, ok := parseDigits(fraction)
	if v[8] != '.' || !ok || len(fraction) > 6 {
		return 0, false
	}
	for range 6 - len(fraction) {
		part *= 10
	}
	return micros + part, true
}

func parseDigits(v []byte) (n int64, ok bool) {
	if len(v) == 0 || len(v) > 9 {
		return 0, false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
