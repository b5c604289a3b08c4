package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"offramp/deploy/local"
	"offramp/export"
	"offramp/migration"
)

// bound is what a worker may hold in memory where it is bounded, as a container is: heap, stacks, buffers of sockets and the
// pages of its program's file.
const bound = 64 << 20

// errNoGroups is told where the system does not let us bound a process.
var errNoGroups = errors.New("this system has no control groups for memory that we may write to")

// group is a control group of the system that bounds memory. Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
type group struct{ dir string }

// newGroup makes a group below our own that may hold so many bytes and swap nothing.
func newGroup(limit int64) (*group, error) {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoGroups, err)
	}
	name := fmt.Sprintf("offramp-bench-%d", os.Getpid())
	var g *group
	var settings [][2]string
	for text := range strings.Lines(string(own)) {
		part := strings.SplitN(strings.TrimSpace(text), ":", 3)
		switch {
		case len(part) == 3 && part[1] == "memory":
			g = &group{filepath.Join("/sys/fs/cgroup/memory", part[2], name)}
			settings = [][2]string{{"memory.limit_in_bytes", fmt.Sprint(limit)}, {"memory.memsw.limit_in_bytes", fmt.Sprint(limit)}}
		case len(part) == 3 && part[1] == "" && g == nil:
			g = &group{filepath.Join("/sys/fs/cgroup", part[2], name)}
			settings = [][2]string{{"memory.max", fmt.Sprint(limit)}, {"memory.swap.max", "0"}}
		}
	}
	if g == nil {
		return nil, errNoGroups
	}
	if err := os.Mkdir(g.dir, 0o750); err != nil {
		return nil, fmt.Errorf("%w: %w", errNoGroups, err)
	}
	for i, s := range settings {
		if err := os.WriteFile(filepath.Join(g.dir, s[0]), []byte(s[1]), 0o600); err != nil && (i == 0 || !errors.Is(err, os.ErrNotExist)) {
			return nil, errors.Join(fmt.Errorf("%w: %w", errNoGroups, err), g.remove())
		}
	}
	return g, nil
}

// start runs a program as a member of the group from its first byte on.
func (g *group) start(program string, arguments, env []string, log io.Writer) (*local.Offramp, error) {
	inside := []string{"-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(g.dir, "cgroup.procs"), program}
	return local.StartOfframp("sh", append(inside, arguments...), env, log)
}

// remove takes the group away, whose members have ended. The system needs a moment to see the last one go.
func (g *group) remove() error {
	return until(context.Background(), time.Second, func() (bool, error) { return os.Remove(g.dir) == nil, nil })
}

// benchBounded makes the large export by a worker that is bounded, and by one that is not, in turns.
func benchBounded(ctx context.Context, g *ground, rounds int) error {
	who, service, err := g.requester(ctx)
	if err != nil {
		return err
	}
	var took [2][]time.Duration
	for range rounds {
		for i, limit := range []int64{bound, 0} {
			one, err := g.withinOnce(ctx, who, service, limit)
			if errors.Is(err, errNoGroups) {
				fmt.Printf("export by a worker that may hold %d MiB: not measured: %v\n", bound>>20, err)
				return nil
			}
			if err != nil {
				return err
			}
			took[i] = append(took[i], one)
		}
	}
	ours, free := median(took[0]), median(took[1])
	line(fmt.Sprintf("export by a worker that may hold %d MiB, against one that is not bounded", bound>>20), inSeconds(ours), inSeconds(free), free.Seconds()/ours.Seconds(), ">= 0.90")
	return nil
}

// withinOnce makes one export by a worker that may hold so many bytes; 0: as many as it wants.
func (g *ground) withinOnce(ctx context.Context, who migration.Who, s *export.Service, limit int64) (took time.Duration, err error) {
	start := local.StartOfframp
	if limit > 0 {
		group, err := newGroup(limit)
		if err != nil {
			return 0, err
		}
		defer func() { err = errors.Join(err, group.remove()) }()
		start = group.start
	}
	worker, err := g.coldWorker(ctx, start, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, worker.Stop(10*time.Second)) }()
	took, _, err = g.exportOnce(ctx, who, s)
	return took, err
}

// starter starts a program as [local.StartOfframp] does.
type starter func(program string, arguments, env []string, log io.Writer) (*local.Offramp, error)

// coldWorker starts one worker, with more in its environment, and waits until it has nothing to do. Its program is a copy that it
// shares with nobody and of which no page is in memory yet, as in a container of its own.
func (g *ground) coldWorker(ctx context.Context, start starter, more map[string]string) (*local.Offramp, error) {
	program, err := g.coldProgram()
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(filepath.Dir(program)) }() // it runs on without its name
	started := time.Now()
	env := g.stack.Env.With(map[string]string{"OFFRAMP_WORK_ID": "bench", "OFFRAMP_WEB_METRICS": "off"}).With(more)
	worker, err := start(program, []string{"work"}, env.List(), io.Discard)
	if err != nil {
		return nil, err
	}
	if err := g.settled(ctx, started); err != nil {
		return nil, errors.Join(fmt.Errorf("the worker does not come to rest: %w", err), worker.Stop(10*time.Second))
	}
	return worker, nil
}

// coldProgram copies the product's program to a folder of its own and has the system forget the copy's pages.
func (g *ground) coldProgram() (string, error) {
	content, err := os.ReadFile(g.binary)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(g.binary), "cold-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, filepath.Base(g.binary))
	f, err := os.OpenFile(program, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED), f.Close()); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return program, nil
}
