// Package process starts the programs of the demonstration and the tests as child processes, which end with their
// parent, and finds ports for them.
package process

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Child is a process that was started here. Done is closed when it has ended; Err is why, and may be read after that
// only.
type Child struct {
	Cmd  *exec.Cmd
	Done chan struct{}
	Err  error
}

// Start starts cmd and waits for it on one operating system thread, which lives exactly as long as the child does:
// Linux sends the parent-death signal when the thread that forked ends, and Go may end any other thread at will.
func Start(cmd *exec.Cmd) (*Child, error) {
	c := &Child{Cmd: cmd, Done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		c.Err = cmd.Wait()
		close(c.Done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return c, nil
}

// Stop sends the signals one after another until the child has ended, giving it patience after each, and kills it in
// the end.
func (c *Child) Stop(patience time.Duration, signals ...os.Signal) error {
	for _, s := range append(signals, syscall.SIGKILL) {
		if err := c.Cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop %s: %w", c.Cmd.Path, err)
		}
		select {
		case <-c.Done:
			return nil
		case <-time.After(patience):
		}
	}
	return fmt.Errorf("stop %s: process %d does not end", c.Cmd.Path, c.Cmd.Process.Pid)
}

// FreePort asks the kernel for a TCP port that is free now. Someone else may take it before the caller does, so the
// caller checks who answers there, and tries again.
func FreePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// PortFree reports whether a server could listen on the port now.
func PortFree(ctx context.Context, port int) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// Tail keeps the end of a log, where the reason stands.
func Tail(log []byte) string {
	const most = 2000
	if len(log) > most {
		log = log[len(log)-most:]
	}
	return strings.TrimSpace(string(log))
}
