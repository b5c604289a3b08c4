package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

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
	names, err := commandNames(binary)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		out, err := exec.Command(binary, append(strings.Fields(name), "--help")...).Output() // our own binary
		if err != nil {
			return nil, fmt.Errorf("offramp %s --help: %w", name, err)
		}
		fmt.Fprintf(&b, "\n## offramp %s\n```\n%s\n```\n", name, strings.TrimSpace(string(out)))
	}
	return b.Bytes(), nil
}

// commandNames are the commands of the binary, as its own help lists them: a line that begins with two spaces names one, and what
// stands behind two more spaces says what it does.
func commandNames(binary string) (names []string, err error) {
	out, err := exec.Command(binary, "--help").Output() // our own binary
	if err != nil {
		return nil, fmt.Errorf("offramp --help: %w", err)
	}
	_, list, _ := strings.Cut(string(out), "\nCommands:\n")
	for line := range strings.Lines(list) {
		name, _, described := strings.Cut(strings.TrimPrefix(line, "  "), "  ")
		if strings.HasPrefix(line, "  ") && described && name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("offramp --help names no commands")
	}
	return names, nil
}
