package local

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// runAs makes a child of cmd's that ends with us (signal) and does not get the terminal's Ctrl-C, which is ours to handle in
// the right order.
func (a account) attributes(death syscall.Signal) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: death, Setpgid: true}
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

// isPostgresOn reports whether the process is a PostgreSQL server working in the data directory. A process id alone proves
// nothing: after a crash it may belong to anybody.
func isPostgresOn(pid int, data string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	here, err := filepath.EvalSymlinks(data)
	return err == nil && cwd == here
}
