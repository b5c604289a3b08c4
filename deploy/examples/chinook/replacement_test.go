package chinook_test

import (
	"strings"
	"testing"
)

// openTally makes the tables of Tally Books, the replacement, which know nothing of the shop's.
func (w *world) openTally(t *testing.T) {
	t.Helper()
	const tables = `
		CREATE SCHEMA tally;
		CREATE TABLE tally.receipt (
		  receipt_no text PRIMARY KEY, issued_on date NOT NULL, country text NOT NULL, amount_cents bigint NOT NULL,
		  currency char(3) NOT NULL, customer_no text NOT NULL);
		CREATE TABLE tally.item (
		  receipt_no text NOT NULL REFERENCES tally.receipt, item_no bigint PRIMARY KEY, description text NOT NULL,
		  price numeric NOT NULL, quantity integer NOT NULL);`
	if _, err := w.shop.Exec(t.Context(), tables); err != nil {
		t.Fatal(err)
	}
}

// load brings one customer's files into the replacement as they are, by plain COPY with the columns' names compared, and holds
// what arrived against the shop.
func (w *world) load(t *testing.T, p person, files map[string]string) {
	t.Helper()
	ctx := t.Context()
	conn, err := w.shop.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, f := range []struct{ table, name string }{{"receipt", "receipts.csv"}, {"item", "items.csv"}} {
		content, ok := files["import/tally/"+f.name]
		if !ok {
			t.Errorf("%s is not in the archive", f.name)
			return
		}
		if _, err := conn.Conn().PgConn().CopyFrom(ctx, strings.NewReader(content), "COPY tally."+f.table+" FROM STDIN (FORMAT csv, HEADER MATCH)"); err != nil {
			t.Errorf("%s: %v\n%.500s", f.name, err, content)
			return
		}
	}
	const sums = `
		SELECT (SELECT row(count(*), sum(total), min(invoice_date)::date, count(DISTINCT billing_country)) FROM invoice WHERE customer_id::text = $1)::text,
		       (SELECT row(count(*), round(sum(amount_cents) / 100.00, 2), min(issued_on), count(DISTINCT country)) FROM tally.receipt WHERE customer_no = $1)::text,
		       (SELECT row(count(*), sum(l.unit_price * l.quantity)) FROM invoice_line l JOIN invoice USING (invoice_id) WHERE customer_id::text = $1)::text,
		       (SELECT row(count(*), sum(price * quantity)) FROM tally.item JOIN tally.receipt USING (receipt_no) WHERE customer_no = $1)::text`
	var invoices, receipts, lines, items string
	if err := conn.QueryRow(ctx, sums, p.ref).Scan(&invoices, &receipts, &lines, &items); err != nil {
		t.Fatal(err)
	}
	if invoices != receipts || lines != items {
		t.Errorf("the shop has %s and %s, the replacement %s and %s", invoices, lines, receipts, items)
	}
}
