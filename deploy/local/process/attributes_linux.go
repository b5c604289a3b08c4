package process

import "syscall"

// Attributes make a child end with its parent, by the signal death, and keep the terminal's Ctrl-C from it: the parent
// stops its children in the right order.
func Attributes(death syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: death, Setpgid: true}
}
