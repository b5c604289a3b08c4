package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventually waits until something holds.
func eventually(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("timed out: %s", what)
		}
	}
}

// processes are all of the machine that run, by id. One that has ended may stay in the table for as long as nobody asks for its
// status; it is left out.
func processes(t *testing.T) map[int]int {
	t.Helper()
	parents := map[int]int{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		_, rest, _ := bytes.Cut(content, []byte(") "))
		var state string
		var parent int
		if _, err := fmt.Sscan(string(rest), &state, &parent); err != nil || state == "Z" {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			parents[pid] = parent
		}
	}
	return parents
}

// tree is a process with everything that it started, and what each was called with.
func tree(t *testing.T, root int) map[int]string {
	t.Helper()
	parents := processes(t)
	found := map[int]string{}
	for pid := range parents {
		for at, ok := pid, true; ok && at > 1; at, ok = parents[at] {
			if at == root {
				found[pid] = calledWith(pid)
			}
		}
	}
	return found
}

// alive are those of the processes that still run. An id may have become another's meanwhile, which is called otherwise.
func alive(t *testing.T, what map[int]string) (pids []int) {
	t.Helper()
	running := processes(t)
	for pid, line := range what {
		if _, runs := running[pid]; runs && calledWith(pid) == line {
			pids = append(pids, pid)
		}
	}
	return pids
}

func calledWith(pid int) string {
	line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " "))
}

// gone waits until none of the processes runs.
func gone(t *testing.T, what map[int]string) {
	t.Helper()
	eventually(t, 20*time.Second, "the demo's processes end", func() bool { return len(alive(t, what)) == 0 })
}

// build makes the two binaries side by side, as make does.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "offramp/cmd/demo", "offramp/cmd/offramp").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "demo")
}

// demo is one run of the demonstration.
type demo struct {
	cmd    *exec.Cmd
	out    *bytes.Buffer
	done   chan error
	report report
	took   time.Duration
	tree   map[int]string
}

// launch runs the command: the demo, or a shell that starts it.
func launch(t *testing.T, dir, ready string, command ...string) *demo {
	t.Helper()
	d := &demo{cmd: exec.CommandContext(context.WithoutCancel(t.Context()), command[0], command[1:]...), out: &bytes.Buffer{}, done: make(chan error, 1)}
	d.cmd.Env = append(
		os.Environ(), "OFFRAMP_DEMO_DIR="+dir, "OFFRAMP_DEMO_ADDR=127.0.0.1:0", "OFFRAMP_DEMO_READY="+ready,
		"OFFRAMP_DEMO_ROWS=500", "OFFRAMP_DEMO_NOW=",
	)
	d.cmd.Stdout, d.cmd.Stderr = d.out, d.out
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.done <- d.cmd.Wait() }()
	t.Cleanup(func() { // nothing is left to do, unless the test has failed
		_ = d.cmd.Process.Kill()
		for _, pid := range alive(t, d.tree) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return d
}

// start is launch until everything answers.
func start(t *testing.T, dir string, command ...string) *demo {
	t.Helper()
	ready := filepath.Join(t.TempDir(), "ready.json")
	began := time.Now()
	d := launch(t, dir, ready, command...)
	eventually(t, 2*time.Minute, "the demo is ready", func() bool {
		select {
		case err := <-d.done:
			t.Fatalf("it ended: %v\n%s", err, d.out)
		default:
		}
		_, err := os.Stat(ready)
		return err == nil
	})
	d.took = time.Since(began)
	d.report = readReport(t, ready)
	if d.tree = tree(t, d.cmd.Process.Pid); len(d.tree) < 6 { // the demo, PostgreSQL with its own, S3, the portal, two workers
		t.Errorf("only these run: %v", d.tree)
	}
	return d
}

// end sends a signal to the command and waits until it has ended.
func (d *demo) end(t *testing.T, signal syscall.Signal) error {
	t.Helper()
	if err := d.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-d.done:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end")
		return nil
	}
}
