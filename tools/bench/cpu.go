package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ticks a second in /proc/*/stat. Source: proc(5), sysconf(_SC_CLK_TCK) on Linux.
const ticks = 100

// process is what /proc says of one.
type process struct {
	name   string
	parent int
	used   time.Duration // CPU, with that of children that have ended
}

// usage is CPU by part: the bench itself, the worker, the portal, PostgreSQL, the S3 server, and other programs by name.
type usage map[string]time.Duration

func (u usage) sum() (all time.Duration) {
	for _, d := range u {
		all += d
	}
	return all
}

// since is what was used after another look.
func (u usage) since(before usage) usage {
	out := usage{}
	for name, d := range u {
		if d -= before[name]; d > 0 {
			out[name] = d
		}
	}
	return out
}

// String lists what counts.
func (u usage) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(u)) {
		if u[name] >= 20*time.Millisecond {
			parts = append(parts, fmt.Sprintf("%s %.2f s", name, u[name].Seconds()))
		}
	}
	return strings.Join(parts, ", ")
}

// cpu is how much CPU this program and everything that it started have used so far, by part.
func cpu() (usage, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	u := usage{}
	for pid, p := range all {
		if below(all, pid, os.Getpid()) {
			u[partOf(pid, p.name)] += p.used
		}
	}
	return u, nil
}

// processes are all that run on this machine.
func processes() (map[int]process, error) {
	all := map[int]process{}
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, name := range entries {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		pid, p, err := parse(string(text))
		if err != nil {
			return nil, err
		}
		all[pid] = p
	}
	return all, nil
}

func below(all map[int]process, pid, ancestor int) bool {
	for pid > 1 {
		if pid == ancestor {
			return true
		}
		pid = all[pid].parent
	}
	return false
}

// parse reads one line of /proc/*/stat. The name in parentheses may hold anything.
func parse(stat string) (int, process, error) {
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < 0 {
		return 0, process{}, fmt.Errorf("unexpected line in /proc: %q", stat)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(stat[:open]))
	fields := strings.Fields(stat[end+1:]) // from the third field on
	if err != nil || len(fields) < 15 {
		return 0, process{}, fmt.Errorf("unexpected line in /proc: %q", stat)
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0, process{}, err
	}
	var used int64
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, process{}, err
		}
		used += n
	}
	return pid, process{name: stat[open+1 : end], parent: parent, used: time.Duration(used) * time.Second / ticks}, nil
}
