package postgres

import (
	"os"
	"path/filepath"
	"strconv"
)

// isPostgresOn reports whether the process is a PostgreSQL server working in the data directory. A process id alone
// proves nothing: after a crash it may belong to anybody.
func isPostgresOn(pid int, data string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	here, err := filepath.EvalSymlinks(data)
	return err == nil && cwd == here
}
