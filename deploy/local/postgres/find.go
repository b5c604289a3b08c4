package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
)

// binEnv names a folder with PostgreSQL's programs, when they are in none of the usual ones.
const binEnv = "OFFRAMP_POSTGRES_BIN"

// usualPlaces are where packages put PostgreSQL's programs: Debian, Red Hat, Homebrew, Postgres.app.
var usualPlaces = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// findPostgres returns the folder of initdb and postgres: the one that the environment names, an installed one (newest
// first), one on PATH, or a downloaded one.
func findPostgres(ctx context.Context, cache string, progress func(string)) (string, error) {
	if dir := os.Getenv(binEnv); dir != "" {
		if !hasPostgres(dir) {
			return "", fmt.Errorf("%s is %s, but there are no initdb and postgres in it", binEnv, dir)
		}
		return dir, nil
	}
	if dir := installedPostgres(); dir != "" {
		return dir, nil
	}
	dir, err := downloadPostgres(ctx, cache, progress)
	if err != nil {
		const mend = "no PostgreSQL on this machine: install it with: sudo apt-get install -y postgresql (it need not be running), or set %s to its bin folder"
		return "", errors.Join(fmt.Errorf(mend, binEnv), err)
	}
	return dir, nil
}

func installedPostgres() string {
	for _, place := range usualPlaces {
		dirs, _ := filepath.Glob(place)
		slices.Sort(dirs)
		for _, dir := range slices.Backward(dirs) {
			if hasPostgres(dir) {
				return dir
			}
		}
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil && hasPostgres(filepath.Dir(real)) {
			return filepath.Dir(real)
		}
	}
	return ""
}

func hasPostgres(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}
