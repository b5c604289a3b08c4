package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"offramp/deploy/local/process"
)

// Offramp is a process of the product itself: a web side or a worker.
type Offramp struct {
	child *process.Child
}

// StartOfframp runs the product's binary with a command such as serve or work. env is the whole environment; log takes what
// the process prints. It ends with the process that started it.
func StartOfframp(binary string, arguments, env []string, log io.Writer) (*Offramp, error) {
	cmd := exec.Command(binary, arguments...) // our own binary, which outlives any request's context
	cmd.Env = env
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = process.Attributes(syscall.SIGKILL)
	c, err := process.Start(cmd)
	if err != nil {
		return nil, err
	}
	return &Offramp{child: c}, nil
}

// Pid is the process's id.
func (o *Offramp) Pid() int { return o.child.Cmd.Process.Pid }

// Done is closed when the process has ended.
func (o *Offramp) Done() <-chan struct{} { return o.child.Done }

// Stop asks the process to finish what it is at, and kills it when patience ends.
func (o *Offramp) Stop(patience time.Duration) error { return o.child.Stop(patience, syscall.SIGTERM) }

// Kill ends the process at once, as a power cut would.
func (o *Offramp) Kill() error {
	err := o.child.Cmd.Process.Kill()
	<-o.child.Done
	return err
}

// RunOfframp runs a command of the product to its end and returns what it printed.
func RunOfframp(ctx context.Context, binary string, arguments, env []string) (string, error) {
	cmd := exec.CommandContext(ctx, binary, arguments...) // our own binary
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("offramp %s: %w\n%s", strings.Join(arguments, " "), err, out)
	}
	return string(out), nil
}

// Await polls an address until it answers with 200, the process ends, or ctx does.
func (o *Offramp) Await(ctx context.Context, url string) error {
	client := &http.Client{Timeout: 2 * time.Second}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-o.Done():
			return fmt.Errorf("offramp ended before it answered: %w", o.child.Err)
		case <-ctx.Done():
			return fmt.Errorf("offramp does not answer at %s: %w", url, ctx.Err())
		case <-tick.C:
		}
	}
}

// Environment is a set of variables for the product's processes.
type Environment map[string]string

// List returns the variables as exec wants them, with the few that any process needs.
func (e Environment) List() []string {
	list := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	for name, value := range e {
		list = append(list, name+"="+value)
	}
	return list
}

// With returns a copy with more variables.
func (e Environment) With(more map[string]string) Environment {
	c := make(Environment, len(e)+len(more))
	for k, v := range e {
		c[k] = v
	}
	for k, v := range more {
		c[k] = v
	}
	return c
}
