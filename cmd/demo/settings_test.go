package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSettingsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, says string }{
		{"OFFRAMP_DEMO_ADDR", "8080", "must be host:port, such as 127.0.0.1:8080"},
		{"OFFRAMP_DEMO_ADDR", "0.0.0.0:8080", "listens on this machine only, such as 127.0.0.1:8080"},
		{"OFFRAMP_DEMO_ADDR", "example.com:8080", "listens on this machine only"},
		{"OFFRAMP_DEMO_ADDR", ":8080", "listens on this machine only"},
		{"OFFRAMP_DEMO_NOW", "tomorrow", "must be an instant such as 2026-11-21T10:24:00+08:00"},
		{"OFFRAMP_DEMO_ROWS", "many", "must be a number of rows"},
		{"OFFRAMP_DEMO_DIR", "/dev/null/demo", "make the demo's folder"},
	} {
		env := map[string]string{"OFFRAMP_DEMO_DIR": t.TempDir(), c.name: c.value}
		_, err := readSettings(func(name string) string { return env[name] })
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
		if err != nil && c.name != "OFFRAMP_DEMO_DIR" && !strings.Contains(err.Error(), c.name+" is ") {
			t.Errorf("%s=%s: the variable is not named: %v", c.name, c.value, err)
		}
	}
}

func TestAnAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	err = addressFree(t.Context(), address)
	if err == nil || err.Error() != address+" is taken by another program: choose a free address with OFFRAMP_DEMO_ADDR=127.0.0.1:0 make demo" {
		t.Error(err)
	}
	_ = l.Close()
	if err := addressFree(t.Context(), address); err != nil {
		t.Error(err)
	}
}

func TestOneDemoAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockFolder(dir); err == nil || !strings.Contains(err.Error(), "another demo is running on "+dir+": stop it first, or set OFFRAMP_DEMO_DIR") {
		t.Error(err)
	}
	_ = first.Close()
	second, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	_ = second.Close()
}

func TestTheClockIsKeptBetweenRuns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := time.Date(2027, 1, 10, 9, 0, 0, 0, time.UTC)
	shift, err := clockShift(dir, start.Format(time.RFC3339))
	if err != nil || time.Until(start.Add(-shift)).Abs() > time.Minute {
		t.Fatalf("%s, %v", shift, err)
	}
	again, err := clockShift(dir, "")
	if err != nil || again != shift {
		t.Errorf("the second run shifts by %s, the first by %s; %v", again, shift, err)
	}
	later, err := clockShift(dir, start.AddDate(0, 0, 5).Format(time.RFC3339))
	if err != nil || (later-shift).Round(time.Hour) != 5*24*time.Hour {
		t.Errorf("set anew it shifts by %s, before by %s; %v", later, shift, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "clock-shift"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clockShift(dir, ""); err == nil || !strings.Contains(err.Error(), "make demo-reset") {
		t.Error(err)
	}
}
