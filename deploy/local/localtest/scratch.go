package localtest

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// scratch is the directory of this test process, made once.
var scratch = sync.OnceValues(makeScratch)

// tidy waits for the end of its input, that is of the test process, then ends a PostgreSQL that may still be stopping and
// removes the directory. Nothing inside a test process can do that: TestMain belongs to the packages, and a killed process
// runs no deferred calls.
const tidy = `read -r _
pid=$(head -n 1 "$1/postgres/pgdata/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
n=0
while [ "$n" -lt 100 ] && { { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; } || ! rm -rf "$1" 2>/dev/null; }; do
	sleep 0.1
	n=$((n + 1))
done
rm -rf "$1"`

func makeScratch() (string, error) {
	dir, err := os.MkdirTemp(scratchBase(), "offramp-test-")
	if err != nil {
		return "", fmt.Errorf("make scratch directory: %w", err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL's own user passes through
		return "", fmt.Errorf("open scratch directory: %w", err)
	}
	ours, held, err := os.Pipe()
	if err != nil {
		return "", fmt.Errorf("watch scratch directory: %w", err)
	}
	defer func() { _ = ours.Close() }()
	cmd := exec.Command("/bin/sh", "-c", tidy, "sh", dir) // fixed words; it outlives us by intention
	cmd.Stdin = ours
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("watch scratch directory: %w", err)
	}
	watch = held
	return dir, nil
}

// watch is the pipe's end that closes when this process ends. Held in a variable, or the collector would close it earlier.
var watch *os.File //nolint:unused // held, not read
