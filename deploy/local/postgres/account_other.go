//go:build !linux

package postgres

import (
	"os"
	"syscall"

	"offramp/deploy/local/process"
)

// attributes are the same for everybody: elsewhere the demo runs as an ordinary user.
func (a account) attributes(death syscall.Signal) *syscall.SysProcAttr {
	return process.Attributes(death)
}

const namespaces = false

func owner(os.FileInfo) (uid, gid int) { return -1, -1 }
