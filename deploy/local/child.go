package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// child is a process of ours. done is closed when it has ended; err is why, and is read after done only.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// startChild starts cmd and waits for it on one operating system thread, which lives exactly as long as the child does: Linux
// sends the parent-death signal when the thread that forked ends, and Go may end any other thread at will.
func startChild(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		c.err = cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return c, nil
}

// stop sends the signals one after another until the child has ended, giving it patience after each, and kills it in the end.
func (c *child) stop(patience time.Duration, signals ...os.Signal) error {
	for _, s := range append(signals, syscall.SIGKILL) {
		if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("stop %s: %w", c.cmd.Path, err)
		}
		select {
		case <-c.done:
			return nil
		case <-time.After(patience):
		}
	}
	return fmt.Errorf("stop %s: process %d does not end", c.cmd.Path, c.cmd.Process.Pid)
}

// freePort asks the kernel for a TCP port that is free now. Someone else may take it before the caller does, so the caller
// checks who answers there, and tries again.
func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// portFree reports whether a server could listen on the port now.
func portFree(ctx context.Context, port int) bool {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}
