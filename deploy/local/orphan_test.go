package local

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestNothingOutlivesItsParent starts servers from a process that is then killed.
func TestNothingOutlivesItsParent(t *testing.T) {
	const parent = "OFFRAMP_TEST_PARENT"
	if dir := os.Getenv(parent); dir != "" {
		p, s := startPostgres(t, dir), startS3(t, S3Options{Dir: filepath.Join(dir, "s3")})
		fmt.Printf("running %d %d\n", p.child.cmd.Process.Pid, s.child.cmd.Process.Pid)
		select {}
	}
	if !namespaces {
		t.Skip("needs the parent-death signal of Linux")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingOutlivesItsParent$", "-test.v") // this test itself
	cmd.Env = append(os.Environ(), parent+"="+reachableDir(t))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var postgres, s3 int
	for lines := bufio.NewScanner(out); s3 == 0 && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "running %d %d", &postgres, &s3)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if s3 == 0 {
		t.Fatal("the parent did not start its servers")
	}
	for name, pid := range map[string]int{"PostgreSQL": postgres, "the S3 server": s3} {
		eventually(t, name+" ends", func() bool { return !runs(pid) })
	}
}

// runs reports whether the process runs. One that has ended may stay in the table for as long as nobody asks for its status,
// as in a container without an init.
func runs(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, ok := bytes.Cut(stat, []byte(") "))
	return err == nil && ok && state[0] != 'Z'
}
