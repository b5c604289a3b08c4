package inventory

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// CycloneDX renders the inventory as a bill of materials of CycloneDX 1.6, in JSON. It names no instant, and its serial number
// follows from the binary.
func (i Inventory) CycloneDX() ([]byte, error) {
	type licence struct {
		ID string `json:"id"`
	}
	type choice struct {
		License licence `json:"license"`
	}
	type digest struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	type component struct {
		Type     string   `json:"type"`
		Ref      string   `json:"bom-ref"`
		Name     string   `json:"name"`
		Version  string   `json:"version"`
		PURL     string   `json:"purl"`
		Hashes   []digest `json:"hashes,omitempty"`
		Licences []choice `json:"licenses,omitempty"`
	}
	one := func(kind, path, version string, hashes []digest, ids []string) component {
		purl := "pkg:golang/" + path + "@" + version
		c := component{Type: kind, Ref: purl, Name: path, Version: version, PURL: purl, Hashes: hashes}
		for _, id := range ids {
			c.Licences = append(c.Licences, choice{licence{id}})
		}
		return c
	}
	list := []component{one("library", "stdlib", strings.TrimPrefix(i.Go, "go"), nil, []string{"BSD-3-Clause"})}
	for _, p := range i.Parts {
		var hashes []digest
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.Sum, "h1:")); err == nil && len(raw) == sha256.Size {
			hashes = []digest{{"SHA-256", hex.EncodeToString(raw)}}
		}
		list = append(list, one("library", p.Path, p.Version, hashes, p.Licences))
	}
	serial := i.SHA256[:8] + "-" + i.SHA256[8:12] + "-4" + i.SHA256[13:16] + "-8" + i.SHA256[17:20] + "-" + i.SHA256[20:32]
	return json.MarshalIndent(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "serialNumber": "urn:uuid:" + serial,
		"metadata": map[string]any{
			"component": one("application", i.Name, i.Version, []digest{{"SHA-256", i.SHA256}}, []string{"Apache-2.0"}),
		},
		"components": list,
	}, "", "  ")
}

// Page renders the list of licences for docs/reference.
func (i Inventory) Page() []byte {
	var b bytes.Buffer
	b.WriteString(`# Licences

What the production binary is made of, from what the linker recorded in it, and under which licence each part is given. A part with
a licence that is not recognised, or that does not fit Apache-2.0, fails the build of this page. ` + "`make sbom`" + ` writes the same as
a bill of materials (CycloneDX) with versions and hashes.

| licence | modules |
|---|---|
`)
	by := map[string]int{}
	for _, p := range i.Parts {
		by[strings.Join(p.Licences, " and ")]++
	}
	var names []string
	for name := range by {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "| %s | %d |\n", name, by[name])
	}
	b.WriteString("\n| module | licence |\n|---|---|\n")
	for _, p := range i.Parts {
		fmt.Fprintf(&b, "| %s | %s |\n", p.Path, strings.Join(p.Licences, " and "))
	}
	b.WriteString("| the Go standard library | BSD-3-Clause |\n")
	return b.Bytes()
}
