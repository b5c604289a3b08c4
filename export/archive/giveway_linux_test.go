package archive

import (
	"runtime"
	"syscall"
	"testing"
)

func TestGivingWayIsTheGoroutinesAlone(t *testing.T) {
	nice := func() int {
		raw, err := syscall.Getpriority(syscall.PRIO_PROCESS, syscall.Gettid())
		if err != nil {
			t.Error(err)
		}
		return 20 - raw
	}
	before := nice()
	lowered := make(chan int)
	go func() {
		giveWay(func(int) {})
		lowered <- nice()
	}()
	if got := <-lowered; got != min(19, before+lower) {
		t.Errorf("nice %d, before %d", got, before)
	}
	for range 64 { // no thread that stayed behind is low
		got := make(chan int)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			got <- nice()
		}()
		if n := <-got; n != before {
			t.Fatalf("nice %d afterwards, before %d", n, before)
		}
	}
}
