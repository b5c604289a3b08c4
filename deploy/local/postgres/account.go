package postgres

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// account is who PostgreSQL runs as. It refuses to run as root, so root picks somebody else.
type account struct {
	switches  bool // to uid and gid
	uid, gid  int
	namespace bool // stays root outside, is somebody else inside a user namespace
}

// chooseAccount finds somebody who may run PostgreSQL's programs in dir: ourselves, unless we are root; else the user
// postgres or nobody, if the folders on the way let them in; else root disguised by a user namespace.
func chooseAccount(dir, programs string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	a := account{switches: true, uid: 65534, gid: 65534}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			a.uid, _ = strconv.Atoi(u.Uid)
			a.gid, _ = strconv.Atoi(u.Gid)
			break
		}
	}
	closed := ""
	for _, d := range []string{dir, programs} {
		c, err := a.firstClosed(d)
		if err != nil {
			return a, err
		}
		closed = cmp.Or(closed, c)
	}
	if closed == "" {
		return a, nil
	}
	if namespaces {
		return account{namespace: true}, nil
	}
	return a, fmt.Errorf("PostgreSQL does not run as root, and the user it would run as cannot enter %s: choose another directory or run as an ordinary user", closed)
}

// firstClosed names the topmost folder on the way to dir that the account may not enter, or "".
func (a account) firstClosed(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", dir, err)
	}
	closed := ""
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return "", fmt.Errorf("look at %s: %w", dir, err)
		}
		if !a.mayEnter(info) {
			closed = dir
		}
		if dir == filepath.Dir(dir) {
			return closed, nil
		}
	}
}

func (a account) mayEnter(info os.FileInfo) bool {
	uid, gid := owner(info)
	mode := info.Mode().Perm()
	switch {
	case uid == a.uid:
		return mode&0o100 != 0
	case gid == a.gid:
		return mode&0o010 != 0
	default:
		return mode&0o001 != 0
	}
}

// take gives the data directory to the account, as a directory from an earlier run may belong to another one.
func (a account) take(data string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid := 0, 0
	if a.switches {
		uid, gid = a.uid, a.gid
	}
	info, err := os.Stat(data)
	if err != nil {
		return fmt.Errorf("look at %s: %w", data, err)
	}
	if have, _ := owner(info); have == uid {
		return nil
	}
	return filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, uid, gid)
	})
}
