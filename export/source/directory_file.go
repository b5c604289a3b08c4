package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// openRegular opens a regular file below root and follows no link.
func openRegular(root *os.Root, key string) (*diskFile, error) {
	at, err := descend(root, path.Dir(key))
	if err != nil {
		return nil, err
	}
	defer func() { _ = at.Close() }()
	name := path.Base(key)
	listed, err := at.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !listed.Mode().IsRegular() { // opening a pipe would wait for a writer
		return nil, fmt.Errorf("%w, not a regular file: %s", errLeads, listed.Mode().Type())
	}
	f, err := at.Open(name)
	if err != nil {
		return nil, err
	}
	seen, err := f.Stat()
	if err == nil && !os.SameFile(listed, seen) {
		err = fmt.Errorf("it was replaced: it %w", errLeads)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &diskFile{file: f, seen: seen}, nil
}

// diskFile is a file being read. It must be the same at the end as at the beginning.
type diskFile struct {
	ctx  context.Context
	key  string
	file *os.File
	seen fs.FileInfo
	at   int64
}

// Read implements io.Reader. It gives as many bytes as the file had when it was opened, or fails: the last of them only when
// the file is still the same, since a caller who knows the size asks for nothing behind them.
func (f *diskFile) Read(p []byte) (int, error) {
	if f.ctx.Err() != nil {
		return 0, context.Cause(f.ctx)
	}
	left := f.seen.Size() - f.at
	if left == 0 {
		return 0, io.EOF
	}
	n, err := f.file.Read(p[:min(int64(len(p)), left)])
	f.at += int64(n)
	switch {
	case n > 0 && f.at == f.seen.Size():
		if err := f.same(); err != nil {
			return 0, err
		}
		return n, nil
	case n > 0 || err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		return 0, f.changed("it ends after %d of %d bytes", f.at, f.seen.Size())
	}
	return 0, f.unreadable(err)
}

// unreadable is what a disk says of one file.
func (f *diskFile) unreadable(err error) error {
	return &ObjectError{Key: f.key, Reason: ReasonUnreadable, Cause: ofDirectory(err)}
}

// same looks whether the file was written to while it was read.
func (f *diskFile) same() error {
	now, err := f.file.Stat()
	if err != nil {
		return ofDirectory(err)
	}
	if now.Size() != f.seen.Size() || !now.ModTime().Equal(f.seen.ModTime()) {
		return f.changed("it was written to while it was read")
	}
	return nil
}

func (f *diskFile) changed(format string, args ...any) error {
	return &ObjectError{Key: f.key, Reason: ReasonChanged, Cause: fmt.Errorf(format, args...)}
}

// Close implements io.Closer.
func (f *diskFile) Close() error { return f.file.Close() }
