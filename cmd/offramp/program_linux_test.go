package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyMappingsOfTheProgramThatNobodyWritesToAreShed(t *testing.T) {
	const smaps = `00400000-02139000 r-xp 00000000 fe:00 1  /opt/a b/offramp
Size:              30436 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
02139000-04288000 r--p 01d39000 fe:00 1  /opt/a b/offramp
Anonymous:            12 kB
04288000-043f0000 rw-p 03e88000 fe:00 1  /opt/a b/offramp
Anonymous:           800 kB
043f0000-06441000 rw-p 00000000 00:00 0 
Anonymous:           100 kB
7f0000000000-7f0000001000 r--p 00000000 fe:00 2  /lib/offramp.so
Anonymous:             0 kB
`
	want := []mapping{{from: 0x400000, to: 0x2139000}, {from: 0x2139000, to: 0x4288000, own: 12}}
	if diff := cmp.Diff(want, programMappings(strings.NewReader(smaps), "/opt/a b/offramp"), cmp.AllowUnexported(mapping{})); diff != "" {
		t.Error(diff)
	}
}

// TestTheProgramRunsOnAfterItWasShed sheds this very program and asks the system what became of it.
func TestTheProgramRunsOnAfterItWasShed(t *testing.T) {
	shedProgram()
	content, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	inText := false
	for text := range strings.Lines(string(content)) {
		if strings.HasSuffix(text, " "+name+"\n") {
			inText = strings.Contains(text, " r-xp ")
		}
		if flags, ok := strings.CutPrefix(text, "VmFlags:"); ok && inText {
			if !strings.Contains(flags, " rr ") {
				t.Errorf("the system still reads on around what is used:%s", flags)
			}
			return
		}
	}
	t.Error("the program's own mapping was not found")
}
