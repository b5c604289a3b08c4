package main

import (
	"testing"
)

const paymentCount = `SELECT count(*) FROM payment`

// settlingBoats is the sound programme with a query for payments and a policy.
func (w *world) settlingBoats(query string) string {
	w.Helper()
	return w.boatsProgramme("help:\n", `entitlements:
  source: product
  query: `+query+`
steps: {settle: true}
refund:
  version: 2027-1
  basis: days
  from: service_end
  payout: {methods: [bank, credit], accounts: [iban]}
help:
`)
}

const boatPayments = `
	CREATE TABLE receipt (no int, owner text, at timestamptz, amount numeric(12,2), currency text, since date, until date);
	INSERT INTO receipt VALUES
		(1, 'B-1', '2026-07-20 10:00:00+08', 365.00, 'CNY', '2026-08-01', '2027-07-31'),
		(2, 'B-1', '2026-07-20 10:00:00+08', -1.00, 'CNY', '2026-08-01', '2027-07-31');`

const boatQuery = `SELECT owner AS customer_ref, 'R-' || no AS ref, at AS paid_at, 'card' AS method, currency, amount AS gross, since AS period_start, until AS period_end FROM receipt ORDER BY owner, no`

func TestPaymentsAreImportedByTheProgrammesQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.boats.Exec(t.Context(), boatPayments); err != nil {
		t.Fatal(err)
	}
	approve := w.with("OFFRAMP_DEMO_SELF_APPROVAL", "yes")
	w.run("import", "--entitlements").want(t, 1, "no programme is in effect yet")
	w.inEffect()
	w.run("import").want(t, 0, "2 rows: 2 created")
	w.run("import", "--entitlements").want(t, 1, "the programme has no query for payments; name a CSV file")
	w.run("import", "--entitlements", w.file("payments.csv", "customer_ref\n")).want(t, 1, "has no section refund")
	approve.run("apply", "-f", w.settlingBoats("SELECT owner FROM receipt")).want(t, 1, `entitlements: `, `the column "owner" is unknown; known are customer_ref`, "1 source problem(s)")
	approve.run("apply", "-f", w.settlingBoats("SELECT owner AS customer_ref FROM receipts")).want(t, 1, `entitlements: `, `"receipts" does not exist`)
	approve.run("apply", "-f", w.settlingBoats(boatQuery), "--by", "one", "--approve-as", "two").want(t, 0, "It is in effect.")
	w.run("import", "--entitlements", "--dry-run").want(t, 1, "Nothing was stored (--dry-run).", "2 rows: 1 created", "1 refused")
	w.run("import", "--entitlements").want(t, 1,
		`row 2: B-1 R-2 refused: gross "-1.00" has a sign`, "2 rows: 1 created, 0 updated, 0 unchanged, 1 refused.",
		"Customers: 1 named. Told that an amount is due: 1; that nothing is: 1.")
	if _, err := w.boats.Exec(t.Context(), `DELETE FROM receipt WHERE no = 2`); err != nil {
		t.Fatal(err)
	}
	w.run("import", "--entitlements", "-v").want(t, 0, "row 1: B-1 R-1 unchanged", "Told that an amount is due: 0; that nothing is: 0.")
	if n := w.count(paymentCount); n != 1 {
		t.Errorf("%d payments are stored", n)
	}
	w.with("OFFRAMP_SOURCE_PRODUCT_URL", "postgres://reader@"+nowhere(t)+"/product").run("import", "--entitlements").want(t, 1, `source "product" at 127.0.0.1:`, "does not answer")
	if _, err := w.boats.Exec(t.Context(), `TRUNCATE receipt`); err != nil {
		t.Fatal(err)
	}
	w.run("import", "--entitlements").want(t, 1, "query for payments returned no row")
}

func TestPaymentsAreImportedFromAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.with("OFFRAMP_DEMO_SELF_APPROVAL", "yes").run("apply", "--no-sources", "-f", w.settlingBoats("SELECT 1"), "--by", "one", "--approve-as", "two").want(t, 0, "It is in effect.")
	w.run("import").want(t, 0, "2 created")
	w.run("import", "--complete").want(t, 1, "--complete goes with --entitlements")
	file := w.file("payments.csv", "customer_ref,ref,paid_at,method,currency,gross,period_start,period_end\n"+
		"B-1,R-1,2026-07-20,card,CNY,365.00,2026-08-01,2027-07-31\n"+
		"B-1,R-2,2026-07-20,card,CNY,1e3,2026-08-01,2027-07-31\n"+
		"B-1,1.07E+05,2026-07-20,card,CNY,365.00,2026-08-01,2027-07-31\n"+
		"B-1,R-4,20/07/2026,card,CNY,\"1,365.00\",2026-08-01,2027-07-31\n"+
		",,,,,,,,\n")
	w.run("import", "--entitlements", file, "--all-or-nothing").want(t, 1, `line 3: B-1 R-2 refused: gross "1e3" is no amount`,
		`line 4: B-1 refused: ref "1.07E+05" looks like a number that a spreadsheet shortened`, `line 5: B-1 R-4 refused: gross "1,365.00"`, "write 1365.00", "Nothing was stored (--all-or-nothing).")
	if n := w.count(paymentCount); n != 0 {
		t.Fatalf("%d payments are stored", n)
	}
	w.run("import", "--entitlements", file).want(t, 1, "4 lines: 1 created, 0 updated, 0 unchanged, 3 refused.", "Told that an amount is due: 1; that nothing is: 0.")
	w.run("import", "--entitlements", "--complete", file).want(t, 1, "Told that an amount is due: 0; that nothing is: 1.")
	w.run("import", "--entitlements", w.file("payments.csv", "customer_ref,ref\n")).want(t, 1, "payments.csv cannot be imported: the column paid_at is missing. Nothing was stored")
	w.run("import", "--entitlements", "/no/such.csv").want(t, 1, "no such file")
}
