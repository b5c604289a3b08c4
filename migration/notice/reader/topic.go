package reader

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

// What people decide about, by person.
const (
	Dates   = "dates"   // dates and notices
	Exports = "exports" // emails about exports that others of the customer have asked for
	Money   = "money"   // and about their refunds
)

// Topics lists them.
var Topics = []string{Dates, Exports, Money}

// What people may meet.
var (
	ErrNobody = fault.New(fault.Invalid, "topic.nobody") // nobody would be told the dates any more
	ErrPerson = fault.New(fault.NotFound, "topic.person")
)

// Person is one of a customer's people with what they get.
type Person struct {
	ID, Name, Email string
	Owner           bool
	Gets            map[string]bool // by topic
}

// People lists whose messages who may decide about: an owner all of the customer's people, anybody else themselves.
func (s *Service) People(ctx context.Context, who migration.Who) (list []Person, err error) {
	err = s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		all, err := s.store.people(ctx, tx, who.CustomerID)
		list = deciding(all, who)
		return err
	})
	return list, err
}

func deciding(all []Person, who migration.Who) []Person {
	if who.Role == migration.Owner {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(p Person) bool { return p.ID != who.ContactID })
}

// Decide records who gets what: gets holds, by topic, the people who do, of those whom People lists; the others of them do not. ErrPerson
// for anybody else; ErrNobody, on the field dates, when nobody whom an email can reach would be told the dates any more.
func (s *Service) Decide(ctx context.Context, who migration.Who, gets map[string][]string) error {
	return s.db.InTx(ctx, db.CustomerScope(who.CustomerID), func(tx *db.Tx) error {
		if err := s.store.lockPeople(ctx, tx, who.CustomerID); err != nil {
			return err
		}
		all, err := s.store.people(ctx, tx, who.CustomerID)
		if err != nil {
			return err
		}
		mine := deciding(all, who)
		if told(all, mine, gets[Dates]) == 0 {
			return ErrNobody.Field(Dates, "topic.nobody", nil)
		}
		for _, topic := range Topics {
			for _, id := range gets[topic] {
				if !slices.ContainsFunc(mine, func(m Person) bool { return m.ID == id }) {
					return ErrPerson
				}
			}
			for _, p := range mine {
				if wants := slices.Contains(gets[topic], p.ID); wants != p.Gets[topic] {
					if err := s.setTopic(ctx, tx, who, p.ID, topic, wants); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

// told counts whom an email about dates can reach once a decision counts: mine are those whom it is about, chosen those who get them.
func told(all, mine []Person, chosen []string) (n int) {
	for _, p := range all {
		decided := slices.ContainsFunc(mine, func(m Person) bool { return m.ID == p.ID })
		if p.Email != "" && (decided && slices.Contains(chosen, p.ID) || !decided && p.Gets[Dates]) {
			n++
		}
	}
	return n
}

func (s *Service) setTopic(ctx context.Context, tx *db.Tx, who migration.Who, contactID, topic string, wants bool) error {
	if err := s.store.setTopic(ctx, tx, who, contactID, topic, wants); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: who.ContactID, ActorKind: audit.Customer, Act: "reader.decide", Object: "contact " + contactID, CustomerID: who.CustomerID,
		Detail: map[string]any{"topic": topic, "wants": wants},
	})
}

// people lists a customer's active people, owners first, with what they get.
func (store) people(ctx context.Context, tx *db.Tx, customerID string) ([]Person, error) {
	const sql = `
		SELECT k.id, k.name, CASE WHEN k.email LIKE '%.invalid' THEN '' ELSE k.email END, k.role = 'owner',
		       coalesce(d.wants, k.role = 'owner'), coalesce(e.wants, FALSE), coalesce(m.wants, FALSE)
		  FROM contact k
		  LEFT JOIN reader_topic d ON d.contact_id = k.id AND d.topic = 'dates'
		  LEFT JOIN reader_topic e ON e.contact_id = k.id AND e.topic = 'exports'
		  LEFT JOIN reader_topic m ON m.contact_id = k.id AND m.topic = 'money'
		 WHERE k.customer_id = $1 AND k.state = 'active' ORDER BY k.role = 'owner' DESC, k.name, k.id`
	rows, err := tx.Pgx.Query(ctx, sql, customerID)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Person, err error) {
		var dates, exports, money bool
		err = row.Scan(&p.ID, &p.Name, &p.Email, &p.Owner, &dates, &exports, &money)
		p.Gets = map[string]bool{Dates: dates, Exports: exports, Money: money}
		return p, err
	})
}

// lockPeople lets two decisions about one customer's people come one after the other, so that together they leave nobody out.
func (store) lockPeople(ctx context.Context, tx *db.Tx, customerID string) error {
	if _, err := tx.Pgx.Exec(ctx, `SELECT id FROM customer WHERE id = $1 FOR UPDATE`, customerID); err != nil {
		return fmt.Errorf("lock customer: %w", err)
	}
	return nil
}

func (store) setTopic(ctx context.Context, tx *db.Tx, who migration.Who, contactID, topic string, wants bool) error {
	const sql = `
		INSERT INTO reader_topic (contact_id, customer_id, topic, wants, changed_by, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (contact_id, topic) DO UPDATE SET wants = excluded.wants, changed_by = excluded.changed_by, changed_at = excluded.changed_at`
	if _, err := tx.Pgx.Exec(ctx, sql, contactID, who.CustomerID, topic, wants, who.ContactID, tx.Now); err != nil {
		return fmt.Errorf("store who gets what: %w", err)
	}
	return nil
}
