package postgres

import (
	"os"
	"syscall"

	"offramp/deploy/local/process"
)

// attributes make the server run as the account, and end with its parent by the signal death.
func (a account) attributes(death syscall.Signal) *syscall.SysProcAttr {
	attr := process.Attributes(death)
	switch {
	case a.namespace:
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: namespaceID, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: namespaceID, HostID: os.Getegid(), Size: 1}}
	case a.switches:
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// namespaceID is who root becomes inside a user namespace: anyone but 0.
const namespaceID = 1000

const namespaces = true

// owner says whose a file is.
func owner(info os.FileInfo) (uid, gid int) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(s.Uid), int(s.Gid)
	}
	return -1, -1
}
