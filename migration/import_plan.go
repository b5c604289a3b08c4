package migration

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

// importLine is one line that was understood: what it says of a customer and, where it names one, of a contact.
type importLine struct {
	report  int // index in the report's lines
	contact *Contact
	phone   saidPhone // of contact
	at      int       // the line
}

// imported is one customer of an import, from all lines that name its ref. Empty fields are not said.
type imported struct {
	Customer
	first   int // line that named it first
	lines   []importLine
	emails  map[string]int // address -> line
	refused bool
}

// importPlan is an import that was read and checked by itself, before it meets what is stored.
type importPlan struct {
	report    ImportReport
	customers []*imported
	byRef     map[string]*imported
	columns   *importColumns
	rules     *tierRules
}

// readImport reads all rows. A row that is wrong is refused and the rest goes on; only columns that make no sense and a
// broken reader end the whole.
func readImport(p *Programme, rows Rows, asWritten bool, now time.Time) (*importPlan, error) {
	names := rows.Columns()
	if len(names) == 0 {
		return nil, ErrBadImport.Wrap(cmp.Or(rows.Err(), errors.New("there are no columns")))
	}
	columns, err := newImportColumns(p, names)
	if err != nil {
		return nil, ErrBadImport.Wrap(err)
	}
	columns.asWritten, columns.now = asWritten, now.In(p.Zone)
	rules, err := newTierRules(p)
	if err != nil {
		return nil, err
	}
	plan := &importPlan{byRef: map[string]*imported{}, columns: columns, rules: rules}
	faulty, _ := rows.(Faulty)
	for rows.Next() {
		fault := ""
		if faulty != nil {
			fault = faulty.Fault()
		}
		plan.take(rows.Line(), rows.Values(), fault)
	}
	if err := rows.Err(); err != nil {
		return nil, ErrBadImport.Wrap(err)
	}
	plan.fewDigits()
	return plan, nil
}

// take adds one row to the plan or refuses it.
func (plan *importPlan) take(line int, values []string, fault string) {
	at := len(plan.report.Lines)
	plan.report.Lines = append(plan.report.Lines, ImportLine{Line: line, Outcome: LineRefused, Reason: fault})
	if fault != "" {
		return
	}
	said, contact, phone, err := plan.columns.read(values)
	entry := &plan.report.Lines[at]
	entry.Ref = said.Ref
	if err == nil {
		err = plan.add(importLine{report: at, contact: contact, phone: phone, at: line}, said)
	}
	if err != nil {
		entry.Reason = err.Error()
		return
	}
	entry.Outcome = LineUnchanged
	if contact != nil && needsUTF8(contact.Email) {
		plan.warn(line, said.Ref, fmt.Sprintf("mail to %s needs a server that offers SMTPUTF8; where ours does not, the contact gets none and is asked for another address", contact.Email))
	}
}

func (plan *importPlan) warn(line int, ref, text string) {
	plan.report.Warnings = append(plan.report.Warnings, ImportWarning{Line: line, Ref: ref, Text: text})
}

// needsUTF8 reports whether the part before the @ can only be written as UTF-8. A domain has a form in ASCII.
func needsUTF8(address string) bool {
	local := address[:strings.LastIndexByte(address, '@')+1]
	return strings.ContainsFunc(local, func(r rune) bool { return r > unicode.MaxASCII })
}

// fewDigits warns once of numbers with fewer digits than nine in ten of the others: zeros in front may be gone.
func (plan *importPlan) fewDigits() {
	lengths, most, all := map[int][]*imported{}, 0, 0
	for _, c := range plan.customers {
		if !strings.ContainsFunc(c.Ref, func(r rune) bool { return r < '0' || r > '9' }) {
			lengths[len(c.Ref)] = append(lengths[len(c.Ref)], c)
			all++
			if len(lengths[len(c.Ref)]) > len(lengths[most]) {
				most = len(c.Ref)
			}
		}
	}
	few, first := 0, (*imported)(nil)
	for length, list := range lengths {
		if length < most {
			if few += len(list); first == nil || list[0].first < first.first {
				first = list[0]
			}
		}
	}
	if few > 0 && few*10 <= all+few && len(plan.customers) == all {
		plan.warn(first.first, first.Ref, fmt.Sprintf("%d of %d refs have fewer than %d digits; if the product writes them with zeros in front, "+
			"a spreadsheet has dropped the zeros: format the column as text and save again", few, all, most))
	}
}

// add joins a line to the customer that it names, unless it contradicts an earlier one.
func (plan *importPlan) add(l importLine, said Customer) error {
	line, contact := l.at, l.contact
	c, known := plan.byRef[said.Ref]
	if known {
		if err := c.contradicted(said); err != nil {
			return err
		}
	}
	if contact != nil && known {
		if other, twice := c.emails[foldEmail(contact.Email)]; twice {
			return fmt.Errorf("the contact %s of %s is on line %d already; leave one of the two", contact.Email, said.Ref, other)
		}
	}
	if !known {
		c = &imported{Customer: said, first: line, emails: map[string]int{}}
		plan.byRef[said.Ref] = c
		plan.customers = append(plan.customers, c)
	}
	c.merge(said)
	if contact != nil {
		c.emails[foldEmail(contact.Email)] = line
	}
	c.lines = append(c.lines, l)
	return nil
}

// foldEmail makes addresses comparable: one customer has no two contacts whose addresses differ in case only.
func foldEmail(address string) string { return strings.ToLower(address) }

// contradicted compares what two lines say of one customer.
func (c *imported) contradicted(said Customer) error {
	for _, f := range []struct{ name, was, is string }{
		{"name", c.Name, said.Name},
		{"tier", c.Tier, said.Tier},
		{"locale", c.Locale, said.Locale},
		{"zone", c.Zone, said.Zone},
		{"state", c.State, said.State},
	} {
		if f.was != "" && f.is != "" && f.was != f.is {
			return fmt.Errorf("%s is %q here and %q on an earlier line (from line %d) of the same customer", f.name, f.is, f.was, c.first)
		}
	}
	for key, day := range said.Extensions {
		if was, ok := c.Extensions[key]; ok && was != day {
			return fmt.Errorf("extension_%s is %s here and %s on an earlier line (from line %d) of the same customer", key, day, was, c.first)
		}
	}
	for key, value := range said.Attributes {
		if was := c.Attributes[key]; was != "" && value != "" && was != value {
			return fmt.Errorf("attr_%s is %q here and %q on an earlier line (from line %d) of the same customer", key, value, was, c.first)
		}
	}
	return nil
}

// merge adds what an earlier line left open.
func (c *imported) merge(said Customer) {
	for _, f := range []struct {
		field *string
		is    string
	}{{&c.Name, said.Name}, {&c.Tier, said.Tier}, {&c.Locale, said.Locale}, {&c.Zone, said.Zone}, {&c.State, said.State}} {
		if *f.field == "" {
			*f.field = f.is
		}
	}
	if c.Extensions == nil && said.Extensions != nil {
		c.Extensions = map[string]Day{}
	}
	maps.Copy(c.Extensions, said.Extensions)
	for key, value := range said.Attributes {
		if c.Attributes[key] == "" {
			c.Attributes[key] = value
		}
	}
}

// refuse drops a customer with all its lines.
func (plan *importPlan) refuse(c *imported, reason string) {
	for _, l := range c.lines {
		plan.report.Lines[l.report].Outcome, plan.report.Lines[l.report].Reason = LineRefused, reason
	}
}

// mark raises the outcome of a line: what was created stays created.
func (plan *importPlan) mark(l importLine, o Outcome) {
	entry := &plan.report.Lines[l.report]
	order := []Outcome{LineUnchanged, LineUpdated, LineCreated}
	if slices.Index(order, o) > slices.Index(order, entry.Outcome) {
		entry.Outcome = o
	}
}
