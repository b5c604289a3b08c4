// Package inventory tells what a binary of ours is made of, from what the linker recorded in it: modules with versions, hashes
// and licences. Nothing in it depends on the day or the machine, so that one binary has one inventory.
package inventory

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// Part is one module that is linked into the binary.
type Part struct {
	Path, Version string
	Sum           string   // as go.sum writes it; empty for the standard library
	Licences      []string // SPDX ids, sorted
}

// Inventory is what a binary is made of.
type Inventory struct {
	Name, Version string
	Go            string // toolchain, such as go1.26.8
	SHA256        string // of the binary, hex
	Parts         []Part // sorted by path
}

// fitting are the licences whose code may be part of a program under Apache-2.0 as we give it away.
var fitting = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "PostgreSQL", "0BSD", "Unlicense", "CC0-1.0"}

// Read takes the inventory of a binary. It needs the module cache that the binary was built from. An error names every module
// whose licence is not recognised or does not fit.
func Read(binary string) (Inventory, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return Inventory{}, fmt.Errorf("read what %s is made of: %w", binary, err)
	}
	content, err := os.ReadFile(binary) // our own build
	if err != nil {
		return Inventory{}, err
	}
	sum := sha256.Sum256(content)
	found := Inventory{Name: info.Main.Path, Version: info.Main.Version, Go: info.GoVersion, SHA256: hex.EncodeToString(sum[:])}
	dirs, err := folders(info.Deps)
	if err != nil {
		return Inventory{}, err
	}
	var faults []error
	for _, dep := range info.Deps {
		m := dep
		if m.Replace != nil {
			m = m.Replace
		}
		part := Part{Path: m.Path, Version: m.Version, Sum: m.Sum}
		if part.Licences, err = licences(dirs[m.Path]); err != nil {
			faults = append(faults, fmt.Errorf("%s %s: %w", m.Path, m.Version, err))
		}
		found.Parts = append(found.Parts, part)
	}
	slices.SortFunc(found.Parts, func(a, b Part) int { return strings.Compare(a.Path, b.Path) })
	return found, errors.Join(faults...)
}

// folders finds where the modules lie.
func folders(deps []*debug.Module) (map[string]string, error) {
	args := []string{"list", "-m", "-json=Path,Dir"}
	for _, dep := range deps {
		args = append(args, dep.Path)
	}
	out, err := exec.Command("go", args...).Output() // ends by itself: it reads the module cache
	if err != nil {
		return nil, fmt.Errorf("find the modules: %w", err)
	}
	dirs := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var m struct{ Path, Dir string }
		if err := d.Decode(&m); err != nil {
			return nil, fmt.Errorf("find the modules: %w", err)
		}
		dirs[m.Path] = m.Dir
	}
	return dirs, nil
}

// enough is how much of a file has to be the licence's text, in percent.
const enough = 75

// licences reads the files at a module's root that state its licence.
func licences(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		stem := strings.TrimSuffix(strings.TrimSuffix(name, filepath.Ext(name)), "-MIT")
		if e.IsDir() || !slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "UNLICENSE"}, stem) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name())) // of the module cache
		if err != nil {
			return nil, err
		}
		cover := licensecheck.Scan(text)
		if cover.Percent < enough {
			continue
		}
		for _, match := range cover.Match {
			if !slices.Contains(ids, match.ID) {
				ids = append(ids, match.ID)
			}
		}
	}
	slices.Sort(ids)
	if len(ids) == 0 {
		return nil, errors.New("no licence is recognised")
	}
	for _, id := range ids {
		if !slices.Contains(fitting, id) {
			return ids, fmt.Errorf("licence %s does not fit", id)
		}
	}
	return ids, nil
}
