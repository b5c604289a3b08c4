package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"offramp/deploy/schema"
)

const (
	erasurePage  = "docs/reference/erasure.md"
	registerMark = "<!-- What follows is written from deploy/schema/erasure.go by make generate. -->\n"
)

// erasure renders the register behind what people wrote on the page.
func erasure() ([]byte, error) {
	page, err := os.ReadFile(erasurePage)
	if err != nil {
		return nil, err
	}
	head, _, ok := bytes.Cut(page, []byte(registerMark))
	if !ok {
		return nil, fmt.Errorf("%s lacks the line %s", erasurePage, registerMark)
	}
	b := bytes.NewBuffer(append(head, registerMark...))
	b.WriteString("\n## The register: tables\n| table | what happens | why, and how long |\n|---|---|---|\n")
	for _, r := range schema.Erasure {
		does, why := "", r.Why
		switch r.Action {
		case schema.EraseDelete:
			does, why = "the customer's rows are deleted", ""
		case schema.EraseBlank:
			does = "rows stay, blank: " + blanks(r.Blanks)
		case schema.EraseKeep:
			does = "rows stay"
		default:
			does = "nothing of a customer's"
		}
		if r.Ground != "" {
			why = strings.TrimPrefix(r.Ground, "erasure.ground_")
			if r.Years > 0 {
				why += fmt.Sprintf(", %d years, then deleted", r.Years)
			} else {
				why += ", as long as the log"
			}
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", r.Table, does, why)
	}
	b.WriteString("\n## The register: the bucket\n| prefix | named by | |\n|---|---|---|\n")
	for _, p := range schema.ErasurePrefixes {
		by := ""
		if p.Table != "" {
			by = fmt.Sprintf("`%s.%s`: every version, delete marker and unfinished upload goes", p.Table, p.Column)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", p.Prefix, by, p.Why)
	}
	b.WriteString("\n## The register: jobs\n| kind | arguments | with the customer |\n|---|---|---|\n")
	for _, j := range schema.ErasureJobs {
		goes := "no: random ids, or nothing"
		if j.Customer {
			goes = "deleted, and refused from then on"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", j.Kind, j.Arguments, goes)
	}
	return b.Bytes(), nil
}

// blanks lists the columns of assignments.
func blanks(text string) string {
	var columns []string
	for _, part := range strings.Split(text, "\n") {
		for _, one := range strings.Split(part, ", ") {
			name, _, ok := strings.Cut(strings.TrimSpace(one), " = ")
			if ok && name != "" && !strings.ContainsAny(name, " .(") {
				columns = append(columns, "`"+name+"`")
			}
		}
	}
	return strings.Join(columns, ", ")
}
