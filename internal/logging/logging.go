package logging

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

const redacted = "[redacted]"

// New writes JSON lines of the given level and above to w. Their times are UTC, whatever the machine's zone is.
func New(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: redact}))
}

// Level reads debug, info, warn or error. Anything else is info.
func Level(name string) slog.Level {
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return level
}

// redact is called by slog for every attribute but groups, whose members it gets one by one.
func redact(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		return slog.Time(a.Key, a.Value.Time().UTC())
	}
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
		return a
	}
	if secret(a.Key) || slices.ContainsFunc(groups, secret) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, Scrub(a.Value.String()))
	case slog.KindAny:
		return slog.Attr{Key: a.Key, Value: scrubAny(a.Value.Any())}
	default:
		return a
	}
}

// secretNames are parts of attribute names, without separators, whose values never belong in a log.
var secretNames = []string{
	"token", "secret", "password", "passphrase", "authorization", "cookie", "email", "signature", "credential",
	"apikey", "accesskey", "privatekey", "sessionid", "nonce", "verifier", "recipient",
}

var separators = strings.NewReplacer("-", "", "_", "", ".", "", " ", "")

func secret(name string) bool {
	name = separators.Replace(strings.ToLower(name))
	for _, part := range secretNames {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// scrubAny turns a value that slog would print by itself into one that is safe.
func scrubAny(v any) slog.Value {
	switch v := v.(type) {
	case error:
		return slog.StringValue(Scrub(v.Error()))
	case fmt.Stringer:
		return slog.StringValue(Scrub(v.String()))
	}
	text, err := json.Marshal(v)
	if err != nil {
		return slog.StringValue(Scrub(fmt.Sprintf("%+v", v)))
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return slog.StringValue(Scrub(string(text)))
	}
	return slog.AnyValue(scrubTree(tree))
}

func scrubTree(v any) any {
	switch v := v.(type) {
	case string:
		return Scrub(v)
	case []any:
		for i := range v {
			v[i] = scrubTree(v[i])
		}
	case map[string]any:
		for name := range v {
			if secret(name) {
				v[name] = redacted
			} else {
				v[name] = scrubTree(v[name])
			}
		}
	}
	return v
}
