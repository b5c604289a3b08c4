package main

import (
	"archive/zip"
	"bufio"
	"context"
	"io"
	"regexp"
)

var address = regexp.MustCompile(`[a-z0-9]+@[a-z0-9]+\.example`)

// addresses finds every mail address of the product's people in any file of an archive.
func addresses(ctx context.Context, r io.ReaderAt, size int64) (map[string]bool, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := scan(f, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func scan(f *zip.File, found map[string]bool) error {
	body, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 1<<20), 64<<20)
	for lines.Scan() {
		for _, a := range address.FindAll(lines.Bytes(), -1) {
			found[string(a)] = true
		}
	}
	return lines.Err()
}
