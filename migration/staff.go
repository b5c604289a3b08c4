package migration

import (
	"context"

	"offramp/internal/audit"
	"offramp/internal/db"
)

// Hit is one customer that a search found.
type Hit struct {
	ID, Ref, Name, Tier, State string
	Export                     Status // of step 2
}

// File is what staff see of one customer.
type File struct {
	Customer   Customer
	Contacts   []Contact
	Journey    Journey
	Extensions []Extension
	History    []Event           // newest first
	Names      map[string]string // of the people in History, by id
}

// Which returns the ids of the customers of whom is says yes, at most limit. It asks of all of them. For staff.
func (s *Service) Which(ctx context.Context, staffID string, is func(customerID string) bool, limit int) (ids []string, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		ids, err = s.store.which(ctx, tx, is, limit)
		return err
	})
	return ids, err
}

// OpenFile returns everything that support sees of a customer, and records that it was looked at. ErrUnknownCustomer. For
// staff.
func (s *Service) OpenFile(ctx context.Context, staffID, customerID string) (f File, err error) {
	scope := db.StaffScope(staffID)
	err = s.db.InTx(ctx, scope, func(tx *db.Tx) error {
		if f.Customer, err = s.store.customer(tx, customerID); err != nil {
			return err
		}
		if f.Contacts, err = s.store.contacts(tx, customerID); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: staffID, ActorKind: audit.Staff, Act: "customer.view", Object: "customer " + f.Customer.Ref, CustomerID: customerID,
		})
	})
	if err != nil {
		return File{}, err
	}
	plan, err := s.Plan(ctx, scope, customerID)
	if err != nil {
		return File{}, err
	}
	f.Journey, f.Extensions = plan.Journey, plan.Extensions
	if f.History, err = s.store.events(ctx, scope, customerID); err != nil {
		return File{}, err
	}
	ids := make([]string, len(f.History))
	for i, e := range f.History {
		ids[i] = e.Actor
	}
	f.Names, err = s.Names(ctx, staffID, ids)
	return f, err
}

// RevealContact returns a contact for showing it unmasked, and records that. ErrUnknownCustomer when the customer has no such
// contact. For staff.
func (s *Service) RevealContact(ctx context.Context, staffID, customerID, contactID string) (c Contact, err error) {
	err = s.db.InTx(ctx, db.StaffScope(staffID), func(tx *db.Tx) error {
		list, err := s.store.contacts(tx, customerID)
		if err != nil {
			return err
		}
		for _, c = range list {
			if c.ID == contactID {
				return audit.Record(ctx, tx, audit.Entry{
					Actor: staffID, ActorKind: audit.Staff, Act: "contact.reveal", Object: "contact " + contactID, CustomerID: customerID,
				})
			}
		}
		return ErrUnknownCustomer
	})
	if err != nil {
		return Contact{}, err
	}
	return c, nil
}

// Names returns the names of staff and contacts by their ids; ids of others are left out. For staff.
func (s *Service) Names(ctx context.Context, staffID string, ids []string) (map[string]string, error) {
	return s.store.names(ctx, db.StaffScope(staffID), ids)
}

// People returns the ids of the staff and contacts who have this name or address. For staff.
func (s *Service) People(ctx context.Context, staffID, text string) ([]string, error) {
	return s.store.people(ctx, db.StaffScope(staffID), text)
}

// CustomerID returns the id behind a customer's number. ErrUnknownCustomer. For staff.
func (s *Service) CustomerID(ctx context.Context, staffID, ref string) (string, error) {
	return s.store.idOf(ctx, db.StaffScope(staffID), ref)
}
