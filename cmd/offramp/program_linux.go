package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// shedProgram has the system forget the pages of the program's file that the start has brought into memory, and bring
// from now on no more than is used. Left alone, Linux reads on around each page that is touched (8 MiB on some
// machines) and maps all of what it has in one piece: nearly the whole file then counts as the process's memory, and
// where that is bounded, as in a container, the system throws out and reads again without end. What cannot be had is
// left as it is.
//
// Source: madvise(2), posix_fadvise(2), proc_pid_smaps(5).
func shedProgram() {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	name, err := os.Readlink(file.Name())
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }()
	for _, m := range programMappings(maps, name) {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_RANDOM)
		if m.own == 0 { // else what was written there would be lost
			_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
		}
	}
	_ = unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)
}

// mapping is a part of the program's file in the process's memory.
type mapping struct {
	from, to uintptr // addresses
	own      int     // KiB that differ from the file
}

// programMappings finds the mappings of a file that nobody can write to.
func programMappings(smaps io.Reader, name string) (all []mapping) {
	var m mapping
	ours := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		text := lines.Text()
		var from, to uintptr
		var rights string
		if n, _ := fmt.Sscanf(text, "%x-%x %4s ", &from, &to, &rights); n == 3 {
			m, ours = mapping{from: from, to: to}, strings.HasSuffix(text, " "+name) && !strings.Contains(rights, "w")
			continue
		}
		if n, _ := fmt.Sscanf(text, "Anonymous: %d kB", &m.own); n == 1 && ours {
			all = append(all, m)
		}
	}
	return all
}
