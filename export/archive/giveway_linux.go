package archive

import (
	"runtime"
	"syscall"
)

// lower is by how much compressing steps back behind the process's other work, in steps of nice(2).
const lower = 9

// lowerThread lets whatever else the processor has to do go before the calling goroutine, until that ends: its thread is given up with
// it. Where the system does not allow it, nothing changes.
func lowerThread() {
	runtime.LockOSThread()
	thread := syscall.Gettid()
	if raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, thread); err == nil {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, thread, min(19, 20-raw+lower)) // the system call counts down from 20
	}
}
