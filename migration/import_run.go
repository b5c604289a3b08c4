package migration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"

	"offramp/internal/db"
	"offramp/internal/spreadsheet"
)

// importRun brings a plan into the database, a chunk of customers at a time, in one transaction.
type importRun struct {
	*importPlan
	programme *Programme
	actor     Actor
	journeys  *Service
	store     importStore
}

// importChanges are what a chunk of customers changes.
type importChanges struct {
	newCustomers, customers []Customer
	newContacts, contacts   []Contact
	phones                  []importedPhone
	extensions              []grantedDay
	told                    []told
}

// grantedDay is an extension as it is stored.
type grantedDay struct {
	CustomerID, Milestone string
	Day                   Day
}

// storedCustomer is a customer with the contacts by folded address.
type storedCustomer struct {
	Customer
	Contacts map[string]Contact
	Phones   map[string]storedPhone // by contact
}

// storedPhone is a contact's number as it is known.
type storedPhone struct {
	Number  string
	Own     bool // its person has given, confirmed or removed it
	Given   bool // consent was given once
	Refused bool // and taken back
}

// importedPhone is a number as the import states it.
type importedPhone struct {
	CustomerID, ContactID, Number string
	Consent                       Day // zero: it states none
}

func (r *importRun) all(ctx context.Context, tx *db.Tx) error {
	for part := range slices.Chunk(r.customers, chunk) {
		refs := make([]string, len(part))
		for i, c := range part {
			refs[i] = c.Ref
		}
		stored, err := r.store.customers(ctx, tx, refs)
		if err != nil {
			return err
		}
		if err := r.zeros(ctx, tx, part, stored); err != nil {
			return err
		}
		if err := r.erased(ctx, tx, part, refs); err != nil {
			return err
		}
		var changes importChanges
		for _, c := range part {
			if c.refused {
				continue
			}
			r.one(c, stored[c.Ref], &changes)
		}
		if err := r.store.write(ctx, tx, changes, r.actor.ID); err != nil {
			return err
		}
		if err := r.journeys.tellAll(ctx, tx, changes.told); err != nil {
			return err
		}
	}
	return nil
}

// zeros refuses a new customer whose number differs from a known one's only by zeros in front, which spreadsheets drop.
func (r *importRun) zeros(ctx context.Context, tx *db.Tx, part []*imported, stored map[string]*storedCustomer) error {
	if r.columns.asWritten {
		return nil
	}
	var spellings []string
	for _, c := range part {
		if stored[c.Ref] == nil {
			spellings = append(spellings, spreadsheet.Zeros(c.Ref)...)
		}
	}
	if len(spellings) == 0 {
		return nil
	}
	known, err := r.store.refs(ctx, tx, spellings)
	if err != nil {
		return err
	}
	for _, c := range part {
		if stored[c.Ref] != nil {
			continue
		}
		for _, spelling := range spreadsheet.Zeros(c.Ref) {
			if _, here := r.byRef[spelling]; here || known[spelling] {
				c.refused = true
				r.refuse(c, fmt.Sprintf("there is a customer %s; a spreadsheet has dropped the zeros in front of ref %s: write %s. If they are two customers, import with --as-written", spelling, c.Ref, spelling))
				break
			}
		}
	}
	return nil
}

// erased refuses customers who were erased, or are being: an old file would bring them back.
func (r *importRun) erased(ctx context.Context, tx *db.Tx, part []*imported, refs []string) error {
	gone, err := r.store.erased(ctx, tx, refs)
	if err != nil || len(gone) == 0 {
		return err
	}
	for _, c := range part {
		if gone[c.Ref] && !c.refused {
			c.refused = true
			r.refuse(c, "the customer was erased and does not come back; take the line out of the file")
		}
	}
	return nil
}

// one holds an imported customer against the stored one, which is nil for a new one.
func (r *importRun) one(c *imported, was *storedCustomer, changes *importChanges) {
	is, err := r.resolve(c, was)
	if err != nil {
		r.refuse(c, err.Error())
		return
	}
	if was == nil {
		r.report.CustomersCreated++
		r.mark(c.lines[0], LineCreated)
		changes.newCustomers = append(changes.newCustomers, is)
		changes.told = append(changes.told, told{is.ID, is.Ref, Event{Kind: JourneyStarted, Actor: r.actor.ID, Rules: r.programme.StepsInEffect()}})
		was = &storedCustomer{Customer: Customer{ID: is.ID}}
		r.extend(is, was, changes)
	} else {
		changed := !sameCustomer(is, was.Customer)
		if changed {
			changes.customers = append(changes.customers, is)
		}
		if r.extend(is, was, changes) || changed {
			r.report.CustomersUpdated++
			r.mark(c.lines[0], LineUpdated)
		} else {
			r.report.CustomersUnchanged++
		}
	}
	r.contacts(c, is, was, changes)
}

// resolve returns the customer as it is to be: what the lines say, then what is stored, then the programme's defaults.
func (r *importRun) resolve(c *imported, was *storedCustomer) (Customer, error) {
	is, p := c.Customer, r.programme
	before := Customer{ID: rand.Text(), Locale: p.Fallback(), Zone: p.ZoneName, State: Active}
	if was != nil {
		before = was.Customer
	}
	is.ID = before.ID
	for _, f := range []struct {
		field  *string
		before string
	}{{&is.Name, before.Name}, {&is.Locale, before.Locale}, {&is.Zone, before.Zone}, {&is.State, before.State}} {
		if *f.field == "" {
			*f.field = f.before
		}
	}
	if is.Name == "" {
		return Customer{}, errors.New("name is empty; a new customer needs one")
	}
	is.Attributes = maps.Clone(before.Attributes)
	if is.Attributes == nil {
		is.Attributes = map[string]string{}
	}
	for key, value := range c.Attributes {
		is.Attributes[key] = value
	}
	maps.DeleteFunc(is.Attributes, func(_, value string) bool { return value == "" })
	if err := r.classify(&is, before.Tier); err != nil {
		return Customer{}, err
	}
	for milestone, day := range is.Extensions {
		m, _ := p.Milestone(milestone)
		if day != before.Extensions[milestone] && !day.After(m.Day) {
			return Customer{}, fmt.Errorf("extension_%s is %s, which is not later than the programme's day, %s", milestone, day, m.Day)
		}
	}
	return is, nil
}

// classify finds the tier of a customer whose lines name none.
func (r *importRun) classify(is *Customer, before string) (err error) {
	if is.Tier != "" {
		return nil
	}
	if is.Tier = before; before == "" || r.rules.decides() {
		is.Tier, err = r.rules.tier(is.Ref, is.Name, is.Attributes)
	}
	return err
}

func sameCustomer(a, b Customer) bool {
	return a.Name == b.Name && a.Tier == b.Tier && a.Locale == b.Locale && a.Zone == b.Zone && a.State == b.State &&
		maps.Equal(a.Attributes, b.Attributes)
}

// extend stores extensions that differ from what is stored. A customer that has been here before is told of dates that
// move by it. It reports whether anything changed.
func (r *importRun) extend(is Customer, was *storedCustomer, changes *importChanges) bool {
	e, changed := Event{Kind: DatesChanged, Actor: r.actor.ID, Was: map[string]Day{}, Days: map[string]Day{}}, false
	for _, m := range r.programme.Milestones {
		day, said := is.Extensions[m.Key]
		before := was.Extensions[m.Key]
		if !said || day == before {
			continue
		}
		changed = true
		changes.extensions = append(changes.extensions, grantedDay{is.ID, m.Key, day})
		if from, to := later(m.Day, before), later(m.Day, day); from != to {
			e.Was[m.Key], e.Days[m.Key] = from, to
		}
	}
	if len(e.Days) > 0 {
		r.report.Extended++
		if was.Ref != "" { // a new customer learns all dates at once
			changes.told = append(changes.told, told{is.ID, is.Ref, e})
		}
	}
	return changed
}

// hasOwner reports whether the customer keeps an owner by what is stored and what the lines say of roles.
func hasOwner(c *imported, was *storedCustomer) bool {
	roles := map[string]string{}
	for address, k := range was.Contacts {
		roles[address] = k.Role
	}
	for _, l := range c.lines {
		if l.contact != nil && l.contact.Role != "" {
			roles[foldEmail(l.contact.Email)] = l.contact.Role
		}
	}
	for _, role := range roles {
		if role == Owner {
			return true
		}
	}
	return false
}

// contacts adds new contacts and changes known ones. A customer's first contact owns the account unless the lines say
// otherwise.
func (r *importRun) contacts(c *imported, is Customer, was *storedCustomer, changes *importChanges) {
	owned := hasOwner(c, was)
	for _, l := range c.lines {
		if l.contact == nil {
			continue
		}
		said := *l.contact
		before, known := was.Contacts[foldEmail(said.Email)]
		if !known {
			before = Contact{ID: rand.Text(), CustomerID: is.ID, Email: said.Email, Name: is.Name, Role: Member}
			if !owned {
				before.Role, owned = Owner, true
			}
		}
		now := before
		if said.Name != "" {
			now.Name = said.Name
		}
		if said.Role != "" {
			now.Role = said.Role
		}
		switch {
		case !known:
			r.report.ContactsCreated++
			r.mark(l, LineCreated)
			changes.newContacts = append(changes.newContacts, now)
		case now != before:
			r.report.ContactsUpdated++
			r.mark(l, LineUpdated)
			changes.contacts = append(changes.contacts, now)
		}
		if l.phone.number != "" && r.phone(l, now, was.Phones[now.ID], changes) && known && now == before {
			r.report.ContactsUpdated++
			r.mark(l, LineUpdated)
		}
	}
}

// phone stores a number that a line states, and reports whether that changes anything. What its person has done themselves stays: an
// import neither brings back a number that was removed nor a consent that was taken back.
func (r *importRun) phone(l importLine, of Contact, was storedPhone, changes *importChanges) bool {
	same := was.Number == l.phone.number
	switch {
	case was.Own && !same:
		r.warn(l.at, r.report.Lines[l.report].Ref, fmt.Sprintf("%s has given another phone, or removed it, in the portal; phone was not taken", of.Email))
		return false
	case same && (was.Refused || was.Own && !was.Given):
		if !l.phone.consent.IsZero() {
			r.warn(l.at, r.report.Lines[l.report].Ref, fmt.Sprintf("%s has decided in the portal, or by an answer, that no short messages may come; sms_consent was not taken", of.Email))
		}
		return false
	case same && (was.Given || l.phone.consent.IsZero()):
		return false
	}
	changes.phones = append(changes.phones, importedPhone{of.CustomerID, of.ID, l.phone.number, l.phone.consent})
	return true
}
