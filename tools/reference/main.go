// Command reference writes the generated pages of docs/reference from the code that they describe.
package main

import (
	"bytes"
	"fmt"
	"os"

	"offramp/internal/config"
	"offramp/tools/inventory"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func write() error {
	catalogue, err := trust()
	if err != nil {
		return err
	}
	var commands []byte
	var made inventory.Inventory
	err = built(func(binary string) (err error) {
		if commands, err = commandLine(binary); err == nil {
			made, err = inventory.Read(binary)
		}
		return err
	})
	if err != nil {
		return err
	}
	standard, err := asvs()
	if err != nil {
		return err
	}
	file, err := programme()
	if err != nil {
		return err
	}
	register, err := erasure()
	if err != nil {
		return err
	}
	for path, page := range map[string][]byte{
		"docs/reference/configuration.md": configuration(), "docs/trust.md": catalogue, "docs/reference/cli.md": commands,
		"docs/reference/programme.md": file, "docs/reference/licences.md": made.Page(), "docs/asvs.md": standard,
		erasurePage: register,
	} {
		if err := os.WriteFile(path, page, 0o644); err != nil { // a page that everybody reads
			return err
		}
	}
	return nil
}

// configuration renders the table of environment variables.
func configuration() []byte {
	var b bytes.Buffer
	b.WriteString(`# Configuration

Offramp reads environment variables and nothing else. Each variable may be given as ` + "`NAME_FILE`" + ` instead: the path of a
file that holds the value, as secret stores mount them. Every fault is reported at once when a command starts, and a
misspelt ` + "`OFFRAMP_`" + ` name is one of them. ` + "`offramp doctor`" + ` then checks that everything named here answers.

Secrets are marked; keep them in files. The column *for* names the commands that need the variable.

| variable | default | for | what it is |
|---|---|---|---|
`)
	for _, v := range config.Variables() {
		doc := v.Doc
		if v.Example != "" {
			doc += " Example: `" + v.Example + "`."
		}
		if v.Secret {
			doc += " **Secret.**"
		}
		def := v.Default
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", v.Name, def, v.Use, doc)
	}
	return b.Bytes()
}
