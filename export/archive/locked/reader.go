package locked

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"hash"
	"io"
)

// What may be wrong with a locked archive or its password.
var (
	ErrPassword = errors.New("locked: the password is not the one that the archive was locked with")
	ErrDamaged  = errors.New("locked: the archive is damaged")
)

// File is a locked archive whose password is not known yet.
type File struct {
	r     io.ReaderAt
	size  int64
	entry entry
	data  int64 // where the salt begins
}

// Open recognises a locked archive. ok is false for any other file, a plain archive of ours among them.
func Open(r io.ReaderAt, size int64) (f *File, ok bool) {
	z, err := zip.NewReader(r, size)
	if err != nil || len(z.File) != 1 || z.File[0].Method != method {
		return nil, false
	}
	one := z.File[0]
	at, err := one.DataOffset()
	if err != nil || one.UncompressedSize64 > 1<<62 {
		return nil, false
	}
	return &File{r: r, size: size, data: at, entry: entry{name: one.Name, time: one.Modified, size: int64(one.UncompressedSize64)}}, true
}

// Name is that of the file within.
func (f *File) Name() string { return f.entry.name }

// Plain is the file within, opened. It reads any part of it without the rest.
type Plain struct {
	*File
	keys keys
}

// Size is the file's, in bytes.
func (p *Plain) Size() int64 { return p.entry.size }

// Unlock opens the file within. ErrPassword, ErrDamaged.
func (f *File) Unlock(password string) (*Plain, error) {
	head := make([]byte, saltSize+checkSize)
	if _, err := f.r.ReadAt(head, f.data); err != nil {
		return nil, errors.Join(ErrDamaged, err)
	}
	k, err := derive(password, head[:saltSize])
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(k.check[:], head[saltSize:]) {
		return nil, ErrPassword
	}
	return &Plain{File: f, keys: k}, nil
}

// Check reads the whole archive and holds each byte of it against what was written. ErrDamaged; ErrPassword where the password
// passed by chance, as one in 65,536 does.
func (p *Plain) Check(ctx context.Context) error {
	mac, framing, err := p.digest(ctx)
	if err != nil {
		return err
	}
	kept := make([]byte, macSize)
	if _, err := p.r.ReadAt(kept, p.data+saltSize+checkSize+framed(p.entry.size)); err != nil {
		return errors.Join(ErrDamaged, err)
	}
	switch right := hmac.Equal(mac.Sum(nil)[:macSize], kept); {
	case !right && !framing:
		return fmt.Errorf("%w, or it is damaged", ErrPassword)
	case !right:
		return fmt.Errorf("%w: what is encrypted was changed", ErrDamaged)
	case !framing:
		return fmt.Errorf("%w: another program has packed it anew", ErrDamaged)
	}
	return p.around()
}

// digest authenticates what is encrypted, and tells whether its first block is framed as we do.
func (p *Plain) digest(ctx context.Context) (mac hash.Hash, framing bool, err error) {
	mac, framing = p.keys.authenticator(), true
	pad := stream{block: p.keys.block}
	body := io.NewSectionReader(p.r, p.data+saltSize+checkSize, framed(p.entry.size))
	block, want := make([]byte, blockHead+blockSize), make([]byte, blockHead)
	for left := p.entry.size; ; left -= blockSize {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		n := int(min(left, blockSize))
		b := block[:blockHead+n]
		if _, err := io.ReadFull(body, b); err != nil {
			return nil, false, errors.Join(ErrDamaged, err)
		}
		mac.Write(b)
		pad.xor(b)
		putHead(want, n, left <= blockSize)
		framing = framing && bytes.Equal(b[:blockHead], want)
		if left <= blockSize {
			return mac, framing, nil
		}
	}
}

// around compares what lies before and behind the data, which nothing authenticates, with what we would write.
func (p *Plain) around() error {
	for _, wide := range []bool{false, true} {
		e := p.entry
		e.wide = wide
		head, tail := e.header(), e.ending()
		if int64(len(head)) != p.data || p.data+e.stored()+int64(len(tail)) != p.size {
			continue
		}
		gotHead, gotTail := make([]byte, len(head)), make([]byte, len(tail))
		_, errHead := p.r.ReadAt(gotHead, 0)
		_, errTail := p.r.ReadAt(gotTail, p.size-int64(len(tail)))
		if errTail == io.EOF {
			errTail = nil
		}
		if err := errors.Join(errHead, errTail); err != nil {
			return errors.Join(ErrDamaged, err)
		}
		if bytes.Equal(gotHead, head) && bytes.Equal(gotTail, tail) {
			return nil
		}
	}
	return fmt.Errorf("%w: what surrounds the encrypted file was changed", ErrDamaged)
}

// ReadAt implements io.ReaderAt over the file within.
func (p *Plain) ReadAt(b []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, errors.New("locked: read before the beginning")
	}
	for n < len(b) && off < p.entry.size {
		within := off % blockSize
		m := int(min(int64(len(b)-n), blockSize-within, p.entry.size-off))
		at := off/blockSize*(blockHead+blockSize) + blockHead + within
		part := b[n : n+m]
		if got, err := p.r.ReadAt(part, p.data+saltSize+checkSize+at); got < m {
			return n, err
		}
		pad := stream{block: p.keys.block, at: at}
		pad.xor(part)
		n, off = n+m, off+int64(m)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}
