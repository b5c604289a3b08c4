//go:build !linux

package process

import "syscall"

// Attributes are none where there is no parent-death signal: a killed demo leaves its servers to be stopped by hand,
// and the next start says how.
func Attributes(syscall.Signal) *syscall.SysProcAttr { return nil }
