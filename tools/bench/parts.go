package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"time"
)

// partOf names a process of the stage by its command line, and any other by its program.
func partOf(pid int, program string) string {
	if pid == os.Getpid() {
		return "bench"
	}
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline") // it may have ended
	words := strings.Split(string(bytes.ReplaceAll(text, []byte{0}, []byte{' '})), " ")
	switch name := filepath.Base(strings.TrimSuffix(words[0], ":")); {
	case strings.HasPrefix(name, "postgres"):
		return "PostgreSQL"
	case slices.Contains(words, "work"):
		return "worker"
	case slices.Contains(words, "serve"):
		return "portal"
	case name == filepath.Base(os.Args[0]):
		return "S3"
	}
	return program
}

// each divides what was used since an earlier look by a number of exports, and says it in one line.
func (u usage) each(before usage, many int) string {
	var words []string
	sum := time.Duration(0)
	names := slices.SortedFunc(maps.Keys(u), func(a, b string) int { return cmp.Compare(u[b]-before[b], u[a]-before[a]) })
	for _, name := range names {
		if used := u[name] - before[name]; used > 0 {
			sum += used
			words = append(words, fmt.Sprintf("%s %.1f", name, used.Seconds()*1000/float64(many)))
		}
	}
	return fmt.Sprintf("%.1f ms of CPU each: %s", sum.Seconds()*1000/float64(many), strings.Join(words, ", "))
}

// profiled writes a profile of this process's CPU while do runs, if a folder for it was asked for.
func profiled(name string, do func() error) error {
	if *profiles == "" {
		return do()
	}
	f, err := os.Create(filepath.Join(*profiles, name+".pprof"))
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	err = do()
	pprof.StopCPUProfile()
	return cmp.Or(err, f.Close())
}

// logStatements has PostgreSQL write every statement with its duration into its log, and keeps what was written while do ran.
func (g *ground) logStatements(ctx context.Context, name string, do func() error) error {
	if *profiles == "" || !*statements {
		return do()
	}
	turn := func(limit string) error {
		for _, sql := range []string{"ALTER SYSTEM SET log_line_prefix = '%m %a %p '", "ALTER SYSTEM SET log_min_duration_statement = " + limit, "SELECT pg_reload_conf()"} {
			if _, err := g.super.Exec(ctx, sql); err != nil {
				return err
			}
		}
		time.Sleep(300 * time.Millisecond) // until every server process has seen it
		return nil
	}
	if err := turn("0"); err != nil {
		return err
	}
	log := filepath.Join(g.dir, "postgres", "postgres.log")
	before, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	if err := turn("-1"); err != nil {
		return err
	}
	after, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*profiles, name+".log"), after[len(before):], 0o600)
}
