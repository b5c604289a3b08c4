package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"offramp/auth/people"
)

type peopleCmd struct {
	List        peopleListCmd    `cmd:"" default:"withargs" help:"List staff, or find staff and customers' contacts."`
	EndSessions peopleEndCmd     `cmd:"" name:"end-sessions" help:"End every session of one person. They may sign in again."`
	Disable     peopleDisableCmd `cmd:"" help:"Disable one person: no sign-in, no session, and nothing that was given to them works any more."`
	Enable      peopleEnableCmd  `cmd:"" help:"Enable one person again. What ended when they were disabled does not come back."`
}

// persons opens what the commands need.
func (c *console) persons() (*parts, *people.Service, error) {
	p, err := c.open("people")
	if err != nil {
		return nil, nil, err
	}
	return p, people.NewService(p.db, p.config.Session.Idle), nil
}

type peopleListCmd struct {
	Text  string `arg:"" optional:"" help:"Part of a name or of an email address, or a customer's number. Without it, all staff are listed."`
	Limit int    `default:"50" help:"How many to list at most."`
	By    string `placeholder:"NAME" help:"Who looks, for the audit log; default the operating system's user."`
}

// Help shows an example.
func (peopleListCmd) Help() string {
	return `The first column is how the other commands name a person.

Example:
  offramp people list lin@example.com`
}

// Run prints the people.
func (l peopleListCmd) Run(c *console) error {
	p, service, err := c.persons()
	if err != nil {
		return err
	}
	defer p.close()
	list, more, err := service.Search(c.ctx, operator(l.By), strings.TrimSpace(l.Text), 0, max(1, min(l.Limit, 1000)))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PERSON\tNAME\tEMAIL\tWHO\tACCESS\tSIGNED IN\tSESSIONS")
	for _, x := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", nameRef(x.Ref), x.Name, x.Email, whoIs(x), accessOf(x), instant(x.SignedInAt), x.Sessions)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if more {
		c.printf("There are more: give a longer text or a higher --limit.\n")
	}
	return nil
}

func nameRef(r people.Ref) string { return string(r.Kind) + ":" + r.ID }

func whoIs(x people.Person) string {
	if x.Kind == people.Staff {
		return strings.Join(x.Roles, ",")
	}
	return x.Role + " of " + x.CustomerRef
}

func accessOf(x people.Person) string {
	switch {
	case x.Disabled:
		return "disabled"
	case x.CustomerOff:
		return "customer disabled"
	}
	return "enabled"
}

// personChoice is whom an operator means, and who that is.
type personChoice struct {
	Person string `arg:"" help:"The person as 'offramp people list' names them (staff:... or customer:...), or the whole email address of one person."`
	By     string `placeholder:"NAME" help:"Who does it, for the audit log; default the operating system's user."`
}

// find reads the name, or looks for the one person with that address.
func (a personChoice) find(c *console, service *people.Service) (people.Ref, error) {
	if kind, id, ok := strings.Cut(a.Person, ":"); ok {
		r := people.Ref{Kind: people.Kind(kind), ID: id}
		if r.Kind != people.Staff && r.Kind != people.Customer {
			return r, fmt.Errorf("%q: a person is written staff:ID or customer:ID", a.Person)
		}
		return r, nil
	}
	list, more, err := service.Search(c.ctx, operator(a.By), a.Person, 0, 100)
	if err != nil {
		return people.Ref{}, err
	}
	var found []people.Ref
	for _, x := range list {
		if strings.EqualFold(x.Email, a.Person) {
			found = append(found, x.Ref)
		}
	}
	switch {
	case len(found) == 1 && !more:
		return found[0], nil
	case len(found) == 0:
		return people.Ref{}, fmt.Errorf("nobody has the email address %q: see offramp people list", a.Person)
	}
	return people.Ref{}, fmt.Errorf("several people have the email address %q: name one as offramp people list does", a.Person)
}

type peopleEndCmd struct{ personChoice }

// Help shows an example.
func (peopleEndCmd) Help() string { return "Example:\n  offramp people end-sessions lin@example.com" }

// Run ends the sessions.
func (e peopleEndCmd) Run(c *console) error {
	p, service, err := c.persons()
	if err != nil {
		return err
	}
	defer p.close()
	ref, err := e.find(c, service)
	if err != nil {
		return err
	}
	n, err := service.EndSessions(c.ctx, operator(e.By), ref)
	if err != nil {
		return err
	}
	c.printf("%s: %d sessions ended.\n", nameRef(ref), n)
	return nil
}

// personReason is a change with its reason.
type personReason struct {
	personChoice
	Reason string `required:"" placeholder:"TEXT" help:"Why, for the audit log and for those who look at the person later."`
}

func (r personReason) change(c *console, act string) error {
	p, service, err := c.persons()
	if err != nil {
		return err
	}
	defer p.close()
	ref, err := r.find(c, service)
	if err != nil {
		return err
	}
	if _, err := service.Change(c.ctx, operator(r.By), ref, act, r.Reason); err != nil {
		return err
	}
	c.printf("%s is %sd.\n", nameRef(ref), act)
	return nil
}

type peopleDisableCmd struct{ personReason }

// Help shows an example.
func (peopleDisableCmd) Help() string {
	return `It takes effect at once and needs no second person, unlike in the console: whoever may run this command may do so alone, and it is
on record.

Example:
  offramp people disable staff:MGQ3J5F6 --reason "Has left the company"`
}

// Run disables the person.
func (d peopleDisableCmd) Run(c *console) error { return d.change(c, people.Disable) }

type peopleEnableCmd struct{ personReason }

// Help shows an example.
func (peopleEnableCmd) Help() string {
	return "Example:\n  offramp people enable lin@example.com --reason \"It was a mistake\""
}

// Run enables the person.
func (e peopleEnableCmd) Run(c *console) error { return e.change(c, people.Enable) }
