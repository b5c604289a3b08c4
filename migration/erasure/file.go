package erasure

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// File is a ledger in a file of lines, which is only appended to. It is read whole: a line has some hundred bytes.
type File string

type line struct {
	Name  string `json:"name"`
	Entry string `json:"entry"`
}

// Keep appends an entry and waits until the disk has it. One that the file has already is not written again.
func (f File) Keep(ctx context.Context, name string, body []byte) (err error) {
	there := false
	if err := f.After(ctx, "", func(n string, b []byte) error {
		if n == name && string(b) != string(body) {
			return fmt.Errorf("the file of erasures has another entry %s", name)
		}
		there = there || n == name
		return nil
	}); err != nil || there {
		return err
	}
	text, err := json.Marshal(line{Name: name, Entry: string(body)})
	if err != nil {
		return err
	}
	out, err := os.OpenFile(string(f), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the file of erasures: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if end, err := f.cut(); err != nil {
		return err
	} else if end {
		text = append([]byte{'\n'}, text...)
	}
	if _, err := out.Write(append(text, '\n')); err != nil {
		return fmt.Errorf("write the file of erasures: %w", err)
	}
	return out.Sync()
}

// cut reports whether the last line was cut by a death of the machine.
func (f File) cut() (bool, error) {
	in, err := os.Open(string(f))
	if err != nil {
		return false, err
	}
	defer func() { _ = in.Close() }()
	info, err := in.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	var last [1]byte
	_, err = in.ReadAt(last[:], info.Size()-1)
	return last[0] != '\n', err
}

// After calls fn for each entry behind a name. A line that a death of the machine cut is passed over: its order was not kept, and came
// again whole. Any other line that cannot be read is an error.
func (f File) After(_ context.Context, name string, fn func(name string, body []byte) error) error {
	in, err := os.Open(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the file of erasures: %w", err)
	}
	defer func() { _ = in.Close() }()
	scanner := bufio.NewScanner(in)
	scanner.Buffer(nil, 1<<20)
	cut := ""
	for scanner.Scan() {
		if !strings.HasPrefix(scanner.Text(), cut) {
			return fmt.Errorf("a line in the file of erasures cannot be read: %q", cut)
		}
		var l line
		if json.Unmarshal(scanner.Bytes(), &l) != nil {
			cut = scanner.Text()
			continue
		}
		cut = ""
		if l.Name > name {
			if err := fn(l.Name, []byte(l.Entry)); err != nil {
				return err
			}
		}
	}
	return scanner.Err()
}
