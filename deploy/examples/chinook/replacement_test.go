package chinook_test

import (
	"strconv"
	"strings"
	"testing"
)

// replacementOf is where a customer moves to in this test: about half of them to each.
func replacementOf(p person) string {
	if n, err := strconv.Atoi(p.ref); err == nil && n%2 == 0 {
		return "crate"
	}
	return "tally"
}

// openTally makes the tables of the two replacements, which know nothing of the shop's.
func (w *world) openTally(t *testing.T) {
	t.Helper()
	const tables = `
		CREATE SCHEMA tally;
		CREATE TABLE tally.receipt (
		  receipt_no text PRIMARY KEY, issued_on date NOT NULL, country text NOT NULL, amount_cents bigint NOT NULL,
		  currency char(3) NOT NULL, customer_no text NOT NULL);
		CREATE TABLE tally.item (
		  receipt_no text NOT NULL REFERENCES tally.receipt, item_no bigint PRIMARY KEY, description text NOT NULL,
		  price numeric NOT NULL, quantity integer NOT NULL);
		CREATE SCHEMA crate;
		CREATE TABLE crate.track (
		  owner text NOT NULL, line_no bigint PRIMARY KEY, bought_on date NOT NULL, title text NOT NULL, artist text,
		  seconds integer NOT NULL CHECK (seconds >= 0), price_cents integer NOT NULL);`
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
	to := replacementOf(p)
	for _, f := range tables[to] {
		content, ok := files["import/"+to+"/"+f.name]
		if !ok {
			t.Errorf("%s is not in the archive", f.name)
			return
		}
		if _, err := conn.Conn().PgConn().CopyFrom(ctx, strings.NewReader(content), "COPY "+to+"."+f.table+" FROM STDIN (FORMAT csv, HEADER MATCH)"); err != nil {
			t.Errorf("%s: %v\n%.500s", f.name, err, content)
			return
		}
	}
	var there, here string
	if err := conn.QueryRow(ctx, sums[to], p.ref).Scan(&there, &here); err != nil {
		t.Fatal(err)
	}
	if there != here {
		t.Errorf("the shop has %s, %s has %s", there, to, here)
	}
}

// tables are where the files of each replacement go, in order.
var tables = map[string][]struct{ table, name string }{
	"tally": {{"receipt", "receipts.csv"}, {"item", "items.csv"}},
	"crate": {{"track", "library.csv"}},
}

// sums are what the shop and each replacement know of a customer, which has to be the same.
var sums = map[string]string{
	"tally": `
		SELECT (SELECT row(count(*), sum(total), min(invoice_date)::date, count(DISTINCT billing_country)) FROM invoice WHERE customer_id::text = $1)::text
		    || (SELECT row(count(*), sum(l.unit_price * l.quantity)) FROM invoice_line l JOIN invoice USING (invoice_id) WHERE customer_id::text = $1)::text,
		       (SELECT row(count(*), round(sum(amount_cents) / 100.00, 2), min(issued_on), count(DISTINCT country)) FROM tally.receipt WHERE customer_no = $1)::text
		    || (SELECT row(count(*), sum(price * quantity)) FROM tally.item JOIN tally.receipt USING (receipt_no) WHERE customer_no = $1)::text`,
	"crate": `
		SELECT (SELECT row(count(*), sum(t.milliseconds / 1000), sum((l.unit_price * 100)::integer), min(i.invoice_date)::date, count(DISTINCT t.name))
		          FROM invoice_line l JOIN invoice i USING (invoice_id) JOIN track t USING (track_id) WHERE i.customer_id::text = $1)::text,
		       (SELECT row(count(*), sum(seconds), sum(price_cents), min(bought_on), count(DISTINCT title)) FROM crate.track WHERE owner = $1)::text`,
}
