package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"offramp/deploy/local/postgres"
)

// slot is a place for one worker process, which is started again as often as it dies.
type slot struct {
	*ground
	place int

	mu    sync.Mutex
	name  string // of the process
	cmd   *exec.Cmd
	cause string // why we killed it
	runs  int
}

func newSlot(g *ground, place int) *slot { return &slot{ground: g, place: place} }

func (s *slot) is(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.name == name && name != ""
}

// kill ends the process, if there is one.
func (s *slot) kill(cause string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil && s.cause == "" {
		s.cause = cause
		_ = s.cmd.Process.Kill()
	}
}

func (s *slot) terminate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGTERM)
	}
}

// keep runs one process after the other, each with a dose while things may fail, until ctx ends.
func (s *slot) keep(ctx context.Context) error {
	for ctx.Err() == nil {
		if err := s.once(ctx); err != nil {
			return fmt.Errorf("worker %d: %w", s.place+1, err)
		}
	}
	return nil
}

func (s *slot) once(ctx context.Context) error {
	s.world.RLock() // no worker starts while the world stands still
	o := s.next()
	out, err := s.start(o)
	s.world.RUnlock()
	if err != nil {
		return err
	}
	end := make(chan error, 1)
	go func() { end <- s.wait(out) }()
	patience := time.Duration(1500+s.n(4000)) * time.Millisecond
	for {
		select {
		case err := <-end:
			return err
		case <-ctx.Done():
			s.terminate()
			return <-end
		case <-time.After(patience):
			if s.bad.Load() {
				s.kill("at any moment")
			} else if o.Point != "" {
				s.kill("for its dose") // it would die when nothing may any more
			}
		}
	}
}

// next is the order of the next process. Three in four die at a named point.
func (s *slot) next() order {
	s.mu.Lock()
	s.runs++
	o := order{
		ID: fmt.Sprintf("%d-%d", s.place+1, s.runs), Database: s.postgres.URL(database, postgres.AppRole), Clock: s.clock.file.Name(),
		ProviderKey: s.provider.Key, Address: s.provider.URL,
	}
	s.mu.Unlock()
	if s.bad.Load() && s.n(4) > 0 {
		o.Point, o.After = points[s.n(len(points))], s.n(4)
	}
	return o
}

func (s *slot) start(o order) (io.Reader, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), orderVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // it ends with us
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name, s.cmd, s.cause = o.ID, cmd, ""
	return out, nil
}

// wait waits for the end of the process and notes how it died.
func (s *slot) wait(out io.Reader) error {
	words := ""
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if at, ok := strings.CutPrefix(lines.Text(), "died "); ok {
			words = at
		}
	}
	err := s.cmd.Wait()
	s.mu.Lock()
	cause := s.cause
	s.cmd, s.name = nil, ""
	s.mu.Unlock()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	status, _ := exit.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGKILL {
		return err
	}
	if words == "" {
		words = cause
	}
	s.ground.mu.Lock()
	defer s.ground.mu.Unlock()
	s.counts["killed "+words]++
	s.dead++
	return nil
}
