package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The days on which the fictional programme is under way; on others the demonstration begins on usualStart.
var (
	firstDay   = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	lastDay    = time.Date(2027, 1, 25, 0, 0, 0, 0, time.UTC)
	usualStart = time.Date(2026, 11, 21, 2, 24, 0, 0, time.UTC)
)

type settings struct {
	dir, address, ready, binary, now string

	rows  int           // of the largest customer; 0: as the product makes it
	shift time.Duration // of the clock; known once the folder is ours
}

func readSettings(getenv func(string) string) (settings, error) {
	s := settings{
		dir: getenv("OFFRAMP_DEMO_DIR"), address: getenv("OFFRAMP_DEMO_ADDR"), ready: getenv("OFFRAMP_DEMO_READY"), now: getenv("OFFRAMP_DEMO_NOW"),
	}
	if s.dir == "" {
		s.dir = ".demo"
	}
	if s.address == "" {
		s.address = "127.0.0.1:8080"
	}
	if err := ourOwn(s.address); err != nil {
		return s, err
	}
	var err error
	if s.now != "" {
		if _, err := time.Parse(time.RFC3339, s.now); err != nil {
			return s, fmt.Errorf("OFFRAMP_DEMO_NOW is %q; it must be an instant such as 2026-11-21T10:24:00+08:00", s.now)
		}
	}
	if rows := getenv("OFFRAMP_DEMO_ROWS"); rows != "" {
		if s.rows, err = strconv.Atoi(rows); err != nil || s.rows < 1 {
			return s, fmt.Errorf("OFFRAMP_DEMO_ROWS is %q; it must be a number of rows such as 2000", rows)
		}
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return s, err
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil { // PostgreSQL runs as another user below it
		return s, fmt.Errorf("make the demo's folder: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	s.binary = filepath.Join(filepath.Dir(self), "offramp")
	if _, err := os.Stat(s.binary); err != nil {
		return s, errors.New("the offramp binary is not beside the demo's; run: make build demo-build")
	}
	return s, nil
}

// ourOwn makes sure that an address is one of this machine that no other reaches.
func ourOwn(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("OFFRAMP_DEMO_ADDR is %q; it must be host:port, such as 127.0.0.1:8080", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("OFFRAMP_DEMO_ADDR is %q; the demonstration has no secrets and listens on this machine only, such as 127.0.0.1:8080", address)
	}
	return nil
}

// addressFree makes sure that the portal can listen, before minutes are spent on starting everything else.
func addressFree(ctx context.Context, address string) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken by another program: choose a free address with OFFRAMP_DEMO_ADDR=127.0.0.1:0 make demo", address)
	case err != nil:
		return fmt.Errorf("nothing can listen on %s; choose another address with OFFRAMP_DEMO_ADDR=127.0.0.1:0 make demo: %w", address, err)
	}
	return l.Close()
}

// clockShift says how far the demonstration's clock runs ahead. It is kept between runs, so that time never runs backwards
// over the data; OFFRAMP_DEMO_NOW sets it anew.
func clockShift(dir, now string) (time.Duration, error) {
	path := filepath.Join(dir, "clock-shift")
	shift := time.Duration(0)
	kept, err := os.ReadFile(path) // our own folder
	today := time.Now()
	switch {
	case now != "":
		start, err := time.Parse(time.RFC3339, now)
		if err != nil {
			return 0, err
		}
		shift = start.Sub(today)
	case err == nil:
		if shift, err = time.ParseDuration(strings.TrimSpace(string(kept))); err != nil {
			return 0, fmt.Errorf("%s is damaged; run: make demo-reset", path)
		}
	case today.Before(firstDay) || today.After(lastDay):
		shift = usualStart.Sub(today)
	}
	return shift, os.WriteFile(path, []byte(shift.String()+"\n"), 0o600)
}

// lockFolder makes sure that one demonstration at a time uses the folder. The lock ends with the process.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) // our own folder
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("another demo is running on %s: stop it first, or set OFFRAMP_DEMO_DIR to another folder", dir)
	}
	return f, nil
}
