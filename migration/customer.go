package migration

import (
	"sync"
	"time"
)

// Roles of a contact.
const (
	Owner  = "owner"  // may do everything for the customer
	Member = "member" // reads, and exports what the programme allows
)

// States of a customer or a contact.
const (
	Active   = "active"
	Disabled = "disabled"
)

// Customer is an organisation or person with an account in the retired product.
type Customer struct {
	ID         string // ours, random
	Ref        string // number in the retired product, such as HZ-20418
	Name       string
	Tier       string
	Locale     string
	Zone       string // IANA
	State      string // Active or Disabled
	Attributes map[string]string
	Extensions map[string]Day // milestone key -> later day
}

// Contact is a human who signs in for a customer.
type Contact struct {
	ID         string
	CustomerID string
	Email      string
	Name       string
	Role       string // Owner or Member
	Locale     string // empty: the customer's
	Zone       string // empty: the customer's
	State      string
}

// zones keeps what was loaded: time.LoadLocation reads a file each time.
var zones sync.Map

// Location returns the zone by name, or fallback where it is unknown.
func Location(name string, fallback *time.Location) *time.Location {
	if name == "" {
		return fallback
	}
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location)
	}
	z, err := time.LoadLocation(name)
	if err != nil { // not kept: names come from imports and must not fill the memory
		return fallback
	}
	zones.Store(name, z)
	return z
}
