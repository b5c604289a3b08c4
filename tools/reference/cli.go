package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// commandNames are the commands of the binary, in the order of its help.
var commandNames = []string{"serve", "work", "schema up", "schema status", "apply", "import", "verify", "doctor", "version"}

// built calls use with the path of a fresh production binary.
func built(use func(binary string) error) error {
	dir, err := os.MkdirTemp("", "offramp-reference-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "offramp")
	if out, err := exec.Command("go", "build", "-o", binary, "./cmd/offramp").CombinedOutput(); err != nil { // ends with the build
		return fmt.Errorf("build: %w: %s", err, out)
	}
	return use(binary)
}

// commandLine renders the help of every command, as the binary prints it.
func commandLine(binary string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Command line\n\nOne binary, configured by [environment variables](configuration.md). Exit status: 0 done, 1 failed, 2 misused.\n")
	for _, name := range commandNames {
		out, err := exec.Command(binary, append(strings.Fields(name), "--help")...).Output() // our own binary
		if err != nil {
			return nil, fmt.Errorf("offramp %s --help: %w", name, err)
		}
		fmt.Fprintf(&b, "\n## offramp %s\n```\n%s\n```\n", name, strings.TrimSpace(string(out)))
	}
	return b.Bytes(), nil
}
