package http

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"time"
)

// A converter appends a JSON value, which is not null, in the text form of its column's type. It fails when the value is
// not of that type. It never rounds: what it cannot keep, it refuses.
type converter func(dst, value []byte) ([]byte, bool)

// converters gives each of a Column's types its converter.
var converters = map[string]converter{
	"text":      asText,
	"integer":   matching(regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)),
	"number":    matching(regexp.MustCompile(`^(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity)$`)),
	"boolean":   asBoolean,
	"date":      fromString(asDate),
	"time":      fromString(asTime),
	"timestamp": fromString(asTimestamp),
	"instant":   fromString(asInstant),
	"duration":  fromString(asDuration),
	"binary":    fromString(asBinary),
	"json":      asJSON,
	"uuid":      fromString(asUUID),
}

// asText takes anything: a string's text, and everything else as JSON writes it.
func asText(dst, value []byte) ([]byte, bool) {
	if value[0] == '"' {
		return appendText(dst, value)
	}
	return asJSON(dst, value)
}

func asJSON(dst, value []byte) ([]byte, bool) {
	b := bytes.NewBuffer(dst)
	err := json.Compact(b, value)
	return b.Bytes(), err == nil
}

// matching takes a number as it is written, or a string with the same in it, as APIs write what JavaScript would round.
func matching(form *regexp.Regexp) converter {
	return func(dst, value []byte) ([]byte, bool) {
		if value[0] == '"' {
			value = value[1 : len(value)-1] // an escape in it does not match
		}
		return append(dst, value...), form.Match(value)
	}
}

func asBoolean(dst, value []byte) ([]byte, bool) {
	return append(dst, value[0]), value[0] == 't' || value[0] == 'f'
}

// fromString makes a converter for what JSON has no type for.
func fromString(convert func(dst []byte, s string) ([]byte, bool)) converter {
	return func(dst, value []byte) ([]byte, bool) {
		if value[0] != '"' {
			return dst, false
		}
		text, ok := appendText(nil, value)
		if !ok {
			return dst, false
		}
		return convert(dst, string(text))
	}
}

func asDate(dst []byte, s string) ([]byte, bool) {
	t, err := time.Parse(time.DateOnly, s)
	return append(dst, s...), err == nil && t.Year() > 0
}

// moment is a date and a time of day, a time of day alone, and what may follow.
var (
	moment = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?(?:([Zz])|([+-]\d\d):?(\d\d))?$`)
	clock  = regexp.MustCompile(`^(\d\d:\d\d)(:\d\d)?(\.\d+)?(?:([Zz])|([+-]\d\d):?(\d\d))?$`)
)

func asTime(dst []byte, s string) ([]byte, bool) {
	m := clock.FindStringSubmatch(s)
	if m == nil || m[2] == "" && m[3] != "" {
		return dst, false
	}
	if m[2] == "" {
		m[2] = ":00"
	}
	if _, err := time.Parse(time.TimeOnly, m[1]+m[2]); err != nil {
		return dst, false
	}
	dst = appendFraction(append(append(dst, m[1]...), m[2]...), m[3])
	switch {
	case m[4] != "":
		dst = append(dst, "+00"...)
	case m[5] != "":
		if dst = append(dst, m[5]...); m[6] != "00" {
			dst = append(append(dst, ':'), m[6]...)
		}
	}
	return dst, true
}

// asTimestamp takes a moment without a zone.
func asTimestamp(dst []byte, s string) ([]byte, bool) {
	m := moment.FindStringSubmatch(s)
	if m == nil || m[4] != "" || m[5] != "" {
		return dst, false
	}
	t, err := time.Parse(time.DateTime, m[1]+" "+m[2])
	if err != nil || t.Year() < 1 {
		return dst, false
	}
	return appendFraction(t.AppendFormat(dst, time.DateTime), m[3]), true
}

// asInstant takes a moment with a zone. The fraction, which no zone changes, is kept to its last digit.
// Source: RFC 3339, section 5.6.
func asInstant(dst []byte, s string) ([]byte, bool) {
	m := moment.FindStringSubmatch(s)
	if m == nil || m[4] == "" && m[5] == "" {
		return dst, false
	}
	zone := "Z"
	if m[5] != "" {
		zone = m[5] + ":" + m[6]
	}
	t, err := time.Parse(time.RFC3339, m[1]+"T"+m[2]+zone)
	if t = t.UTC(); err != nil || t.Year() < 1 || t.Year() > 9999 {
		return dst, false
	}
	return append(appendFraction(t.AppendFormat(dst, time.DateTime), m[3]), "+00"...), true
}

// appendFraction appends a fraction of a second without the zeros at its end, as databases write it.
func appendFraction(dst []byte, fraction string) []byte {
	return append(dst, bytes.TrimRight(bytes.TrimRight([]byte(fraction), "0"), ".")...)
}

// iso8601 is a duration.
// Source: ISO 8601-1:2019, 5.5.2, with fractions and signs as PostgreSQL writes them.
var iso8601 = regexp.MustCompile(`^-?P(-?\d+([.]\d+)?[YMWD])*(T(-?\d+([.]\d+)?[HMS])+)?$`)

func asDuration(dst []byte, s string) ([]byte, bool) {
	return append(dst, s...), iso8601.MatchString(s) && s[len(s)-1] != 'P'
}

// asBinary takes base64 of either alphabet, with or without its padding.
// Source: RFC 4648, sections 4 and 5.
func asBinary(dst []byte, s string) ([]byte, bool) {
	b := bytes.TrimRight([]byte(s), "=")
	for i, c := range b {
		switch c {
		case '-':
			b[i] = '+'
		case '_':
			b[i] = '/'
		}
	}
	raw, err := base64.RawStdEncoding.AppendDecode(nil, b)
	return hex.AppendEncode(append(dst, `\x`...), raw), err == nil
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$`)

func asUUID(dst []byte, s string) ([]byte, bool) {
	return append(dst, bytes.ToLower([]byte(s))...), uuidForm.MatchString(s)
}
