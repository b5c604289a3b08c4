// Package product makes the data of Hezhou Teamwork (禾舟协作), the fictional team-work tool that the demonstration retires:
// 200 customers in three tiers, from a handful of rows to one with a million, with projects, tasks, comments, members,
// attachments, invoices and payments. Rows and files are pure functions of their ids, so every run has the same data.
package product

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

var (
	//go:embed tables.sql
	tablesSQL string
	//go:embed rows.sql
	rowsSQL string
	//go:embed finish.sql
	finishSQL string
	//go:embed payments.sql
	paymentsSQL string
)

// Reader is the login role that may read the product's tables and do nothing else: the portal's.
const Reader = "hezhou_reader"

// Reference is the customer that the documentation and the screenshots show.
const Reference = "HZ-20418"

// Store is the bucket for attachments.
type Store interface {
	// Put writes one object.
	Put(ctx context.Context, key, contentType string, content []byte) error
}

// Options say how much to make.
type Options struct {
	Largest int // rows of the largest customer; default one million
	Store   Store
	Say     func(string) // told what is being done; may be nil
}

// Load fills the database at url, which its owner or a superuser may write, and the bucket. What is there already is left
// as it is.
func Load(ctx context.Context, url string, o Options) error {
	if o.Largest == 0 {
		o.Largest = 1_000_000
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("open the product's database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var loaded, paid bool
	if err := conn.QueryRow(ctx, `SELECT to_regclass('attachment_customer') IS NOT NULL, to_regclass('payment_customer') IS NOT NULL`).Scan(&loaded, &paid); err != nil {
		return err
	}
	if !loaded {
		if err := load(ctx, conn, o); err != nil {
			return err
		}
	}
	if !paid { // also on a stage that was made before there were payments
		if err := pay(ctx, conn); err != nil {
			return err
		}
	}
	if loaded && paid {
		return nil
	}
	_, err = conn.Exec(ctx, "VACUUM ANALYZE") // as a database that has been in use for a while is
	return err
}

func pay(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, paymentsSQL); err != nil {
			return fmt.Errorf("make the product's payments: %w", err)
		}
		return nil
	})
}

func load(ctx context.Context, conn *pgx.Conn, o Options) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	o.Say(fmt.Sprintf("Making the retired product's data (%d customers, the largest with %d rows) ...", customers, o.Largest))
	for _, sql := range []string{tablesSQL, strings.ReplaceAll(rowsSQL, "$1", fmt.Sprint(o.Largest))} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make the product's rows: %w", err)
		}
	}
	o.Say("Storing the attachments ...")
	if err := attach(ctx, tx, o.Store); err != nil {
		return err
	}
	const role = `DO $$ BEGIN
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'hezhou_reader') THEN CREATE ROLE hezhou_reader LOGIN; END IF;
	EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`
	for _, sql := range []string{role, finishSQL} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("finish the product's tables: %w", err)
		}
	}
	return tx.Commit(ctx)
}

const customers = 200

// Account is a person who can sign in at the product's identity provider.
type Account struct {
	Customer, CustomerName string
	Name, Email            string
	Role                   string // owner or member
	Locale                 string
}

// Accounts lists the owner of each customer and one further member where there is one, the reference customer first.
func Accounts(ctx context.Context, url string) ([]Account, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open the product's database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, `
		SELECT c.id, c.name, m.name, m.email, m.role, c.locale
		  FROM customer c CROSS JOIN LATERAL (SELECT * FROM member WHERE customer_id = c.id ORDER BY id LIMIT 2) m
		 ORDER BY c.id <> $1, c.scale DESC, c.id, m.id`, Reference)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Account])
}
