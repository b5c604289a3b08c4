package replacement

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"time"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// HandOverForm is what would be handed over to the sign-up of the replacement that was chosen, to be shown and agreed to
// field by field. For owners. ErrNotOwner, ErrNothingChosen, ErrNoSignUp, ErrWithdrawn.
func (s *Service) HandOverForm(ctx context.Context, who migration.Who, p *migration.Programme) (list []Value, err error) {
	if who.Role != migration.Owner {
		return nil, ErrNotOwner
	}
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		_, r, err := s.signUp(ctx, tx, who, p)
		if err != nil {
			return err
		}
		list, err = s.values(ctx, tx, p, who.CustomerID, who.ContactID, r.SignUp.Fields)
		return err
	})
	return list, err
}

// signUp finds the replacement that was chosen, which has to take a hand-over.
func (s *Service) signUp(ctx context.Context, tx *db.Tx, who migration.Who, p *migration.Programme) (*Choice, migration.Replacement, error) {
	current, err := s.store.current(ctx, tx, who.CustomerID)
	if err != nil {
		return nil, migration.Replacement{}, err
	}
	if current == nil || current.Decision != Chosen {
		return nil, migration.Replacement{}, ErrNothingChosen
	}
	r, ok := p.Replacement(current.Replacement)
	switch {
	case !ok || r.Withdrawn || current.State == Withdrawn:
		return nil, r, ErrWithdrawn
	case r.SignUp == nil:
		return nil, r, ErrNoSignUp
	}
	return current, r, nil
}

// values are what fields hold for a customer, in the order in which they are shown. One that is not known is left out.
func (s *Service) values(ctx context.Context, tx *db.Tx, p *migration.Programme, customerID, contactID string, fields []string) ([]Value, error) {
	customer, err := s.journeys.CustomerIn(ctx, tx, customerID)
	if err != nil {
		return nil, notFoundAs(err)
	}
	name, email, err := s.store.contact(ctx, tx, contactID)
	if err != nil {
		return nil, err
	}
	known := map[string]string{
		migration.FieldCustomerRef: customer.Ref, migration.FieldCustomerName: customer.Name, migration.FieldContactName: name,
		migration.FieldContactEmail: email, migration.FieldLocale: customer.Locale, migration.FieldTier: customer.Tier,
	}
	if n := seats(p, customer); n > 0 {
		known[migration.FieldSeats] = strconv.FormatInt(n, 10)
	}
	var list []Value
	for _, field := range migration.SignUpFields {
		if known[field] != "" && slices.Contains(fields, field) {
			list = append(list, Value{field, known[field]})
		}
	}
	return list, nil
}

// StartHandOver stores which fields the customer agreed to hand over and returns where to go on: the replacement's sign-up
// with a signed token that works once, for ten minutes. The token says nothing of the customer; the sign-up redeems it for
// the fields. For owners. ErrConsent with the field fields for one that is not among those shown; ErrNotOwner,
// ErrNothingChosen, ErrNoSignUp, ErrWithdrawn.
func (s *Service) StartHandOver(ctx context.Context, who migration.Who, p *migration.Programme, fields []string) (address string, err error) {
	if who.Role != migration.Owner {
		return "", ErrNotOwner
	}
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		current, r, err := s.signUp(ctx, tx, who, p)
		if err != nil {
			return err
		}
		for _, f := range fields {
			if !slices.Contains(r.SignUp.Fields, f) {
				return ErrConsent.Field("fields", "replacement.consent.unknown", nil)
			}
		}
		h := HandOver{ID: rand.Text(), Replacement: r.Key, Fields: agreed(fields), By: who.ContactID, At: tx.Now, Until: tx.Now.Add(linkLife)}
		token, err := sign(s.key, claims{ID: h.ID, Audience: r.Key, Issued: h.At.Unix(), Expires: h.Until.Unix()})
		if err != nil {
			return err
		}
		if address, err = addressWith(r.SignUp.URL, token); err != nil {
			return err
		}
		if err := s.store.addHandOver(ctx, tx, h, *current); err != nil {
			return err
		}
		return s.record(ctx, tx, who, "hand_over.start", r.Key, map[string]any{"fields": h.Fields})
	})
	return address, err
}

// agreed puts fields in the order in which they are shown.
func agreed(fields []string) []string {
	list := []string{}
	for _, f := range migration.SignUpFields {
		if slices.Contains(fields, f) {
			list = append(list, f)
		}
	}
	return list
}

// Redeemed is what a sign-up gets for a token.
type Redeemed struct {
	HandOverID string
	Values     []Value
	At         time.Time
}

// Redeem gives a replacement's sign-up the fields that the customer agreed to hand over, once. The caller has verified that
// it is the replacement (see Verify). ErrHandOver for a token that was used, altered, is too old or is for another one.
func (s *Service) Redeem(ctx context.Context, p *migration.Programme, key, token string) (out Redeemed, err error) {
	c, err := read(s.key, token, key, s.db.Clock.Now())
	if err != nil {
		return Redeemed{}, err
	}
	err = s.db.InTx(ctx, db.SystemScope("redeem hand-over"), func(tx *db.Tx) error {
		h, customerID, err := s.store.redeem(ctx, tx, c.ID, key)
		if err != nil {
			return err
		}
		out = Redeemed{HandOverID: h.ID, At: tx.Now}
		if out.Values, err = s.values(ctx, tx, p, customerID, h.By, h.Fields); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: "replacement " + key, ActorKind: audit.System, Act: "hand_over.redeem", Object: object(key), CustomerID: customerID,
			Detail: map[string]any{"fields": h.Fields},
		})
	})
	return out, err
}
