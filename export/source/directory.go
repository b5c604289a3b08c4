package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
)

// directory is a folder of files, read by one of its customers at a time. Keys are paths below it, with slashes. Symbolic
// links are never followed, wherever they lead: one inside could lead to another customer's files.
type directory struct {
	path string
}

func openDirectory(u *url.URL) (*directory, error) {
	if u.Host != "" && u.Host != "localhost" || !strings.HasPrefix(u.Path, "/") || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, &Error{Kind: Invalid, Cause: errors.New("a directory's URL is file:///path/of/it, without host and options")}
	}
	return &directory{path: u.Path}, nil
}

// Ping implements Objects.
func (d *directory) Ping(ctx context.Context) error { return d.ping(ctx) }

// ping implements lister.
func (d *directory) ping(context.Context) error {
	root, err := d.root()
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	_, err = fs.ReadDir(root.FS(), ".")
	return ofDirectory(err)
}

func (d *directory) root() (*os.Root, error) {
	root, err := os.OpenRoot(d.path)
	return root, ofDirectory(err)
}

// ofDirectory classifies what concerns all files.
func ofDirectory(err error) error {
	var own *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &own):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Kind: Unavailable, Cause: fmt.Errorf("the directory is not there; is it mounted? %w", hushed(err))}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Kind: Denied, Cause: hushed(err)}
	}
	return &Error{Kind: Unavailable, Cause: hushed(err)}
}

// cannot implements lister.
func (d *directory) cannot(q ObjectQuery) error {
	if q.Metadata {
		return errors.New("its source is a directory, which keeps no media types and no metadata: leave metadata out")
	}
	if strings.HasPrefix(q.Prefix, "/") || strings.Contains(q.Prefix, "//") || strings.ContainsAny(q.Prefix, "\\\x00") || slices.ContainsFunc(strings.Split(q.Prefix, "/"), IsDots) {
		return errors.New("the prefix is no path below the directory: it begins with /, or has //, .., . or a backslash in it")
	}
	return nil
}

// describe implements lister.
func (d *directory) describe(context.Context, string) (description, error) {
	return description{}, nil
}

// list implements lister. A directory that is not there has no files. What is no regular file, such as a symbolic link, is
// listed without a size: copying it will fail, so that the receipt names it.
func (d *directory) list(ctx context.Context, prefix, from string, yield func(object) error) error {
	root, err := d.root()
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	w := &walk{ctx: ctx, prefix: prefix, from: from, yield: yield}
	folder := path.Dir(prefix + "x") // of what begins with prefix
	inner, err := descend(root, folder)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errLeads) {
		return w.missing(err)
	}
	if err != nil {
		return ofDirectory(err)
	}
	defer func() { _ = inner.Close() }()
	if folder == "." {
		folder = ""
	} else {
		folder += "/"
	}
	return w.folder(inner, folder)
}

// errLeads marks a path that a symbolic link is a part of.
var errLeads = errors.New("is a symbolic link or no directory")

// descend opens a folder below root, step by step, and follows no link. The folder that was opened must be the one that was
// looked at: nobody put a link in its place meanwhile. The caller closes what is returned.
func descend(root *os.Root, folder string) (*os.Root, error) {
	at, err := root.OpenRoot(".")
	if err != nil || folder == "." {
		return at, err
	}
	for _, step := range strings.Split(folder, "/") {
		next, err := enter(at, step)
		_ = at.Close()
		if err != nil {
			return nil, err
		}
		at = next
	}
	return at, nil
}

func enter(at *os.Root, step string) (*os.Root, error) {
	seen, err := at.Lstat(step)
	if err != nil {
		return nil, err
	}
	if !seen.IsDir() {
		return nil, fmt.Errorf("a part of the path %w", errLeads)
	}
	next, err := at.OpenRoot(step)
	if err != nil {
		return nil, err
	}
	if opened, err := next.Stat("."); err != nil || !os.SameFile(seen, opened) {
		_ = next.Close()
		return nil, fmt.Errorf("a part of the path %w", errLeads)
	}
	return next, nil
}

// walk lists files in the order of their keys' bytes.
type walk struct {
	ctx          context.Context
	prefix, from string
	yield        func(object) error
}

// missing decides about a folder that cannot be entered: without one there are no files, but a link is no folder that is
// empty.
func (w *walk) missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return &Error{Kind: Invalid, Cause: fmt.Errorf("the customer's folder: %w; links are not followed", err)}
}

// folder lists one folder. Sorted with a slash behind the names of folders, what lies in them comes at the right place.
func (w *walk) folder(at *os.Root, folder string) error {
	entries, err := fs.ReadDir(at.FS(), ".")
	if err != nil {
		return ofDirectory(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		if names[i] = e.Name(); e.IsDir() {
			names[i] += "/"
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if w.ctx.Err() != nil {
			return context.Cause(w.ctx)
		}
		key := folder + name
		if inside, isFolder := strings.CutSuffix(name, "/"); isFolder {
			err = w.into(at, inside, key)
		} else if strings.HasPrefix(key, w.prefix) && key >= w.from {
			err = w.file(at, name, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// into lists a folder of a folder, unless nothing in it can be asked for.
func (w *walk) into(at *os.Root, name, key string) error {
	begins := strings.HasPrefix(key, w.prefix) || strings.HasPrefix(w.prefix, key)
	if !begins || key < w.from && !strings.HasPrefix(w.from, key) {
		return nil
	}
	next, err := enter(at, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone since it was listed
	}
	if errors.Is(err, errLeads) {
		return &Error{Kind: Inconsistent, Cause: errors.New("a folder was replaced by a link while it was read")}
	}
	if err != nil {
		return ofDirectory(err)
	}
	defer func() { _ = next.Close() }()
	return w.folder(next, key)
}

func (w *walk) file(at *os.Root, name, key string) error {
	seen, err := at.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone since it was listed
	}
	if err != nil {
		return ofDirectory(err)
	}
	o := object{key: key, size: -1, modified: seen.ModTime()}
	if seen.Mode().IsRegular() {
		o.size = seen.Size()
	}
	return w.yield(o)
}

// Open implements Objects.
func (d *directory) Open(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	missing := func(err error) (io.ReadCloser, int64, error) {
		return nil, 0, &ObjectError{Key: key, Reason: ReasonMissing, Cause: hushed(err)}
	}
	if !fs.ValidPath(strings.ToValidUTF8(key, "?")) || key == "." || strings.ContainsAny(key, "\\\x00") {
		return missing(errors.New("the row names no path below the directory"))
	}
	root, err := d.root()
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = root.Close() }()
	f, err := openRegular(root, key)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errLeads) {
		return missing(err)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, 0, &ObjectError{Key: key, Reason: ReasonDenied, Cause: ofDirectory(err)}
	case err != nil:
		return nil, 0, &ObjectError{Key: key, Reason: ReasonUnreadable, Cause: ofDirectory(err)}
	}
	f.ctx, f.key = ctx, key
	return f, f.seen.Size(), nil
}
