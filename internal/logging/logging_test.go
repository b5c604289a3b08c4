package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"offramp/internal/logging"
)

// canaries are what must never be read in a log.
var canaries = []string{
	"canary.person@example.com", "канарейка@пример.рф", "canary%40example.org", "CANARYSIGNATURE", "CANARYTOKEN", "CANARYSECRET",
	"eyJCANARY.eyJCANARY.CANARYSIG", "CANARYPASSWORD", "CANARYCOOKIE", "whsec_CANARY", "AKIACANARYCANARYCANA", "CANARYBYNAME",
}

type contact struct {
	Name  string
	Email string
	Note  string
}

func TestP07_LogsHoldNoTokenAddressOrSignature(t *testing.T) {
	var out bytes.Buffer
	log := logging.New(&out, slog.LevelDebug)
	presigned := "https://s3.example.com/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIACANARYCANARYCANA%2F20261121&X-Amz-Signature=CANARYSIGNATURE"
	header := http.Header{"Authorization": {"Bearer CANARYTOKEN"}, "Cookie": {"__Host-session=CANARYCOOKIE"}}

	log.Info("mail to canary.person@example.com failed")
	log.Info("m", "to", "канарейка@пример.рф", "path", "/search?q=canary%40example.org")
	log.Warn("m", "error", fmt.Errorf("get: %w", &url.Error{Op: "Get", URL: presigned, Err: io.EOF}))
	log.Error("m", "error", errors.New("dial postgres://app:CANARYPASSWORD@db.example.com/offramp: refused"))
	log.Info("m", "authorization", "x CANARYTOKEN", slog.Group("cookie", "value", "CANARYCOOKIE"), "id_token", 12345, "access-key", "CANARYTOKEN")
	log.Info("m", "header", "Authorization: Bearer CANARYTOKEN", "url", "/callback?code=CANARYTOKEN&state=x&session_token=CANARYTOKEN")
	log.Info("m", "headers", header, "contact", contact{"Ann", "canary.person@example.com", "write to canary.person@example.com"})
	log.Info("m", "pointer", &contact{Email: "canary.person@example.com"}, "list", []string{"canary.person@example.com"})
	log.Info("m", "nested", map[string]any{"a": []any{map[string]string{"accessKey": "CANARYBYNAME"}}})
	log.Info("m", "jwt", "eyJCANARY.eyJCANARY.CANARYSIG", "hook", "whsec_CANARY", "env", "OFFRAMP_S3_SECRET_KEY=CANARYSECRET")
	log.With("email", "canary.person@example.com").WithGroup("request").Info("m", "referer", presigned, "setCookie", "CANARYCOOKIE")

	for _, canary := range canaries {
		for _, line := range strings.Split(out.String(), "\n") {
			if strings.Contains(line, canary) {
				t.Errorf("%s is in %s", canary, line)
			}
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

func TestWhatIsNotSecretStays(t *testing.T) {
	var out bytes.Buffer
	log := logging.New(&out, slog.LevelInfo)
	log.Info("request", "method", "GET", "route", "/exports/:id", "status", 200, "state", "ready", "rows", 17, "incident", "4F7K")
	log.Info("job failed", "error", errors.New(`relation "tasks" does not exist (SQLSTATE 42P01)`), "counts", map[string]int{"tasks": 3})
	for _, want := range []string{`"route":"/exports/:id"`, `"status":200`, `"state":"ready"`, `"incident":"4F7K"`, `\"tasks\" does not exist (SQLSTATE 42P01)`, `"counts":{"tasks":3}`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s is not in %s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "redacted") {
		t.Errorf("struck out too much: %s", out.String())
	}
}

func TestLevel(t *testing.T) {
	for name, want := range map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError, "": slog.LevelInfo, "loud": slog.LevelInfo} {
		if got := logging.Level(name); got != want {
			t.Errorf("%q is %v, want %v", name, got, want)
		}
	}
}

func FuzzScrub(f *testing.F) {
	for _, canary := range canaries {
		f.Add(canary)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := logging.Scrub("to canary.person@example.com " + s)
		if strings.Contains(once, "canary.person@example.com") {
			t.Errorf("%q", once)
		}
	})
}

func BenchmarkScrubOfAnOrdinaryText(b *testing.B) {
	for b.Loop() {
		logging.Scrub("/exports/EX-10001/progress")
	}
}

// TestLinesCannotBeForgedAndAreInUTC logs what somebody else typed, on a machine of another zone.
func TestLinesCannotBeForgedAndAreInUTC(t *testing.T) {
	var out bytes.Buffer
	here := time.FixedZone("UTC+8", 8*60*60)
	r := slog.NewRecord(time.Date(2026, time.December, 1, 7, 30, 0, 0, here), slog.LevelInfo, "refused\n{\"msg\":\"forged\"}", 0)
	r.Add("route", "/plan\r\n{\"msg\":\"forged\"}", "reason", errors.New("a\u2028b\x1b[2Jc\nd"))
	if err := logging.New(&out, slog.LevelInfo).Handler().Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var line struct {
		Time, Msg string
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || strings.Count(out.String(), "\n") != 1 || strings.Contains(out.String(), "\x1b") {
		t.Errorf("%v: %q", err, out.String())
	}
	if line.Time != "2026-11-30T23:30:00Z" || !strings.HasPrefix(line.Msg, "refused") {
		t.Errorf("%+v", line)
	}
}
