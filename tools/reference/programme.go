package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
)

// schemaNode is what the page needs of one place in a JSON Schema.
type schemaNode struct {
	Title       string                 `json:"title"`
	Description string                 `json:"description"`
	Ref         string                 `json:"$ref"`
	Type        string                 `json:"type"`
	Enum        []string               `json:"enum"`
	Default     any                    `json:"default"`
	Format      string                 `json:"format"`
	Minimum     *int                   `json:"minimum"`
	Maximum     *int                   `json:"maximum"`
	Required    []string               `json:"required"`
	Properties  ordered                `json:"properties"`
	Items       *schemaNode            `json:"items"`
	Defs        map[string]*schemaNode `json:"$defs"`
}

// ordered keeps an object's members in the file's order, in which a reader expects them.
type ordered []struct {
	Key   string
	Value *schemaNode
}

// UnmarshalJSON reads an object.
func (o *ordered) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		value := &schemaNode{}
		if err := d.Decode(value); err != nil {
			return err
		}
		*o = append(*o, struct {
			Key   string
			Value *schemaNode
		}{fmt.Sprint(key), value})
	}
	return nil
}

const programmeIntro = `# The programme file

A retirement is declared in one YAML file. ` + "`offramp apply -f programme.yaml`" + ` checks the whole file, shows what would change and
who must be told, and stores a new version; two programme managers approve it in the console before it takes effect. Every fault is
reported at once with its line and column.

Editors complete and check the file with [the JSON Schema](programme.schema.json): put this on its first line.

` + "```yaml\n# yaml-language-server: $schema=https://…/programme.schema.json\n```" + `

Whole examples: [a team tool](../../deploy/examples/hezhou/programme.yaml), [a music shop](../../deploy/examples/chinook/programme.yaml).
Keys that are not listed here, keys given twice, anchors, aliases and tags are refused.

Customers are imported [from a file or by the query](import.md) under ` + "`customers`" + `, and so is
[what they have paid](payments.md), under ` + "`entitlements`" + `.
`

// programme renders the page of the programme file from its published schema.
func programme() ([]byte, error) {
	raw, err := os.ReadFile("docs/reference/programme.schema.json")
	if err != nil {
		return nil, err
	}
	var root schemaNode
	if err := json.Unmarshal(raw, &root); err != nil {
		return nil, fmt.Errorf("read programme.schema.json: %w", err)
	}
	b := bytes.NewBufferString(programmeIntro)
	queue, written := []*schemaNode{&root}, map[string]bool{}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if written[n.Title] {
			continue
		}
		written[n.Title] = true
		queue = append(queue, section(b, n, root.Defs)...)
	}
	return b.Bytes(), nil
}

// section writes one object's table and returns the objects that it leads to.
func section(b *bytes.Buffer, n *schemaNode, defs map[string]*schemaNode) (next []*schemaNode) {
	fmt.Fprintf(b, "\n## %s\n\n", n.Title)
	if n.Description != "" {
		fmt.Fprintf(b, "%s\n\n", n.Description)
	}
	if len(n.Properties) == 0 { // keys of its own, which the description names
		return nil
	}
	b.WriteString("| key | needed | form | what it is |\n|---|---|---|---|\n")
	for _, p := range n.Properties {
		needed := ""
		if slices.Contains(n.Required, p.Key) {
			needed = "yes"
		}
		form, object := formOf(p.Value, defs)
		if object != nil {
			next = append(next, object)
		}
		what := p.Value.Description
		if target, ok := defs[defName(p.Value)]; ok && what == "" {
			what = target.Description
		}
		if p.Value.Default != nil {
			what += fmt.Sprintf(" Default: `%v`.", p.Value.Default)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", p.Key, needed, form, strings.ReplaceAll(what, "|", `\|`))
	}
	return next
}

func defName(n *schemaNode) string { return strings.TrimPrefix(n.Ref, "#/$defs/") }

// formOf says in words what a value looks like, and which object it is or holds.
func formOf(n *schemaNode, defs map[string]*schemaNode) (string, *schemaNode) {
	if target, ok := defs[defName(n)]; ok {
		switch {
		case target.Title != "":
			return fmt.Sprintf("[%s](#%s)", strings.ToLower(target.Title), strings.ReplaceAll(strings.ToLower(target.Title), " ", "-")), target
		case target.Ref != "":
			return formOf(target, defs)
		case target.Format == "date":
			return "day", nil
		}
		return "name: small letters, digits, _" + map[bool]string{true: ", -"}[defName(n) == "key"], nil
	}
	switch {
	case n.Items != nil:
		form, object := formOf(n.Items, defs)
		return "list of " + form, object
	case len(n.Enum) > 0:
		return "`" + strings.Join(n.Enum, "`, `") + "`", nil
	case n.Type == "integer" && n.Minimum != nil && n.Maximum != nil:
		return fmt.Sprintf("number, %d to %d", *n.Minimum, *n.Maximum), nil
	case n.Type == "boolean":
		return "true or false", nil
	}
	return "text", nil
}
