package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

const customerCount = `SELECT count(*) FROM customer`

const mixed = "ref,name,tier,email\n" +
	"A-1,Anna,core,anna@example.com\n" +
	"A-2,Bo,gold,bo@example.com\n" +
	"\n" +
	"A-3,\"Cy,core,cy@example.com\n" +
	"A-4,Dora,standard,dora\n" +
	"A-5,Eve,standard,eve@example.com\n"

func TestImportRefusesBadLinesByNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	file := w.file("customers.csv", mixed)
	says := []string{
		`line 3: A-2 refused: the tier "gold" is not in the programme; it has core, standard`, "line 5:", "the quoted field does not end on this line",
		`line 6: A-4 refused: email "dora" is no e-mail address`, "5 lines: 2 created, 0 updated, 0 unchanged, 3 refused.",
	}
	w.run("import", file, "--dry-run").want(t, 1, append(says, "Nothing was stored (--dry-run).")...)
	w.run("import", file, "--all-or-nothing").want(t, 1, append(says, "Nothing was stored (--all-or-nothing).")...)
	if n := w.count(customerCount); n != 0 {
		t.Fatalf("%d customers are stored", n)
	}
	w.run("import", file, "-v").want(t, 1, append(says, "line 2: A-1 created", "line 7: A-5 created")...)
	if n := w.count(customerCount); n != 2 {
		t.Errorf("%d customers are stored", n)
	}
	good := "ref,name,tier,email\nA-1,Anna,core,anna@example.com\nA-5,Eve,standard,eve@example.com\n"
	runWith(t.Context(), t, w.env, good, "import", "-").want(t, 0, "2 lines: 0 created, 0 updated, 2 unchanged, 0 refused.")
}

func TestImportByTheProgrammesQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("import").want(t, 1, "no programme is in effect yet: offramp apply one")
	w.run("import", w.file("customers.csv", mixed)).want(t, 1, "no programme is in effect yet")
	w.inEffect()
	w.run("import").want(t, 0, "2 rows: 2 created", "Customers: 2 new")
	w.run("import").want(t, 0, "2 rows: 0 created, 0 updated, 2 unchanged")
	w.with("OFFRAMP_SOURCE_PRODUCT_URL", "postgres://reader@"+nowhere(t)+"/product").run("import").
		want(t, 1, `source "product" at 127.0.0.1:`, "does not answer", "mend: start it, or correct the address in OFFRAMP_SOURCE_PRODUCT_URL")
	w.with("OFFRAMP_SOURCE_PRODUCT_URL", "").run("import").want(t, 1, "has no address", "mend: set OFFRAMP_SOURCE_PRODUCT_URL")
	if _, err := w.boats.Exec(t.Context(), `TRUNCATE owner`); err != nil {
		t.Fatal(err)
	}
	w.run("import").want(t, 1, "query for customers returned no row")
	if _, err := w.boats.Exec(t.Context(), `ALTER TABLE owner RENAME COLUMN email TO mail`); err != nil {
		t.Fatal(err)
	}
	w.run("import").want(t, 1, `column "email" does not exist`, "mend: correct the query")
}

func TestImportRefusesWhatIsNoTable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	for content, says := range map[string]string{
		"":                      "the file is empty",
		"PK\x03\x04\x14":        "the file is a workbook; save its sheet as CSV UTF-8",
		"\xff\xfer\x00e\x00":    "the column \"re\" is unknown",
		"ref,nme\nA,Anna\n":     "nme",
		"name,tier\nAnna,core ": "ref",
	} {
		w.run("import", w.file("customers.csv", content)).want(t, 1, "customers.csv cannot be imported: ", says, "Nothing was stored")
	}
	w.run("import", "/no/such/customers.csv").want(t, 1, "/no/such/customers.csv", "no such file")
	w.run("import", t.TempDir()).want(t, 1, "is a directory")
}

// cutter cuts the network once it has been read to its end.
type cutter struct {
	io.Reader
	cut func()
}

func (c cutter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == io.EOF {
		c.cut()
	}
	return n, err
}

func TestImportIntoADatabaseThatGoesAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	u := mustParse(t, w.database.AppURL)
	network := localtest.Toxiproxy(t, u.Host)
	u.Host = network.Address
	var out, errs bytes.Buffer
	c := &console{out: &out, err: &errs, in: cutter{strings.NewReader("ref,name,tier\nA-1,Anna,core\n"), network.Cut}}
	for name, value := range w.with("OFFRAMP_DATABASE_URL", u.String()).env {
		c.environ = append(c.environ, name+"="+value)
	}
	r := result{run(t.Context(), []string{"import", "-"}, c), out.String(), errs.String()}
	r.want(t, 1, "the database (OFFRAMP_DATABASE_URL) does not answer", "mend: start it")
	if n := w.count(customerCount); n != 0 {
		t.Errorf("%d customers are stored", n)
	}
	network.Join()
	runWith(t.Context(), t, w.env, "ref,name,tier\nA-1,Anna,core\n", "import", "-").want(t, 0, "1 created")
}
