//go:build !linux

package local

import (
	"os"
	"syscall"
)

// attributes has nothing portable to say: elsewhere the demo runs as an ordinary user, and a killed demo leaves its server to
// be stopped by hand (the next start says how).
func (a account) attributes(syscall.Signal) *syscall.SysProcAttr { return nil }

const namespaces = false

func owner(os.FileInfo) (uid, gid int) { return -1, -1 }

// isPostgresOn leaves the question to PostgreSQL itself.
func isPostgresOn(int, string) bool { return false }
