package migration

import (
	"errors"
	"fmt"
	"strings"
)

// Level says how grave a finding is.
type Level string

// An error keeps a programme file from being stored. A warning is shown and may be right.
const (
	LevelError   Level = "error"
	LevelWarning Level = "warning"
)

// Finding is one thing that is wrong, or looks wrong, in a programme file. Message says what to mend, in English, the
// language of operators.
type Finding struct {
	Line    int // from 1; 0: the file as a whole
	Column  int // from 1, in characters
	Path    string
	Message string
	Level   Level
}

// String writes a finding the way compilers do, so that editors can jump to it.
func (f Finding) String() string {
	text := f.Message
	if f.Path != "" {
		text = f.Path + ": " + text
	}
	if f.Level == LevelWarning {
		text = "warning: " + text
	}
	if f.Line == 0 {
		return text
	}
	return fmt.Sprintf("%d:%d: %s", f.Line, f.Column, text)
}

// Findings are all findings of one file, in its order.
type Findings []Finding

// Error lists the findings, one a line.
func (fs Findings) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// Errors returns the findings that keep the file from being stored.
func (fs Findings) Errors() Findings { return fs.of(LevelError) }

// Warnings returns the findings that do not.
func (fs Findings) Warnings() Findings { return fs.of(LevelWarning) }

func (fs Findings) of(level Level) Findings {
	var some Findings
	for _, f := range fs {
		if f.Level == level {
			some = append(some, f)
		}
	}
	return some
}

// FindingsOf returns what ReadProgramme found wrong, from the error that it returned or that was wrapped since.
func FindingsOf(err error) Findings {
	var fs Findings
	errors.As(err, &fs)
	return fs
}
