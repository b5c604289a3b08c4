package main

import (
	"net/url"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
)

const versions = `SELECT count(*) FROM programme_version`

func TestApplyWaitsForASecondPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.boatsProgramme()
	w.run("apply", "-f", file, "--dry-run").want(t, 0, "This is the first version.", "Nothing was stored (--dry-run).")
	if n := w.count(versions); n != 0 {
		t.Errorf("a dry run stored %d versions", n)
	}
	w.run("apply", "-f", file, "--by", "anna").want(t, 0, "Stored as version 1, proposed by anna.", "/console/programme")
	w.run("apply", "-f", file, "--by", "bo").want(t, 0, "It is version 1 already, proposed by anna at ")
	w.run("apply", "-f", w.boatsProgramme("We stop.", "We halt.")).want(t, 1, "another version waits for approval", "/console/programme")
	if n := w.count(versions); n != 1 {
		t.Errorf("%d versions are stored", n)
	}
}

func TestApplyShowsTheDifference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.inEffect()
	w.run("import").want(t, 0, "2 rows: 2 created")
	w.run("apply", "-f", w.boatsProgramme()).want(t, 0, "No change: version 1 says the same. Nothing was stored.")
	later := w.boatsProgramme("2027-01-31", "2027-02-14")
	w.run("apply", "-f", later, "--dry-run").want(t, 0, "Against version 1:", "2027-01-31", "2027-02-14", "Must be told of a moved date: 2 customers of tier standard")
	runWith(t.Context(), t, w.env, strings.ReplaceAll(readFile(t, later), "2027-02-14", "2027-02-15"), "apply", "-f", "-").want(t, 0, "Stored as version 2")
}

// TestApplyShowsTheWholeOfAChangedQuery hides a condition at the end of a long query.
func TestApplyShowsTheWholeOfAChangedQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	long := "SELECT id, name, log || '" + strings.Repeat("a long remark ", 30) + "' AS log"
	w.with("OFFRAMP_DEMO_SELF_APPROVAL", "yes").run("apply", "-f", w.boatsProgramme("SELECT id, name, log", long), "--by", "anna", "--approve-as", "bo").want(t, 0, "It is in effect.")
	changed := w.boatsProgramme("SELECT id, name, log", long, ":customer_id", ":customer_id AND (id > 0 OR name <> '')")
	w.run("apply", "-f", changed, "--dry-run").want(t, 0, "datasets[boats].query:", ":customer_id {+AND (id > 0 OR name <> '') +}ORDER BY id")
}

func TestApplyRefusesADatasetThatGivesRowsToNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, query := range []string{":customer_id OR true", ":customer_id UNION ALL SELECT id, name, log FROM boat"} {
		w.run("apply", "-f", w.boatsProgramme(":customer_id", query)).want(t, 1, "programme.yaml:30: datasets[boats]:", "returns rows for the customer number -", "which nobody has", "1 source problem(s). Nothing was stored.")
	}
	if n := w.count(versions); n != 0 {
		t.Errorf("%d versions are stored", n)
	}
}

func TestApplyAsASecondPersonIsForDemonstrations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("apply", "-f", w.boatsProgramme(), "--approve-as", "bo").want(t, 1, "OFFRAMP_DEMO_SELF_APPROVAL=yes", "/console/programme")
	if n := w.count(versions); n != 0 {
		t.Errorf("%d versions are stored", n)
	}
	w.with("OFFRAMP_DEMO_SELF_APPROVAL", "yes").run("apply", "-f", w.boatsProgramme(), "--by", "anna", "--approve-as", "anna").
		want(t, 1, "You cannot approve a version that you proposed")
}

// badProfile has two faults.
const badProfile = `sinks:
  - name: crm
replacements:
  - key: fleet
    name: {en: Fleet, zh-CN: 船队}
    import:
      files:
        - name: ships.csv
          dataset: boats
          columns:
            - {name: Name, value: row.nam}
            - {name: Title, from: nme}
`

func TestApplyRefusesABadFileWithPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name, file string
		says       []string
	}{
		{
			"three faults", w.boatsProgramme("programme: boats", "programm: boats", "Asia/Shanghai", "Asia/Shanghigh", "day: 2027-03-02", "day: 2027-02-30"),
			[]string{"programme.yaml:1:1: programm: unknown key", "programme.yaml:7:7: zone:", "programme.yaml:16:10: milestones[3].day:", "Nothing was stored."},
		},
		{
			"a bad import profile", w.boatsProgramme("    query: SELECT id, name, log FROM boat", "    columns: [{name: id, type: integer}, {name: name}, {name: log}]\n    query: SELECT id, name, log FROM boat", "sinks:\n  - name: crm\n", badProfile),
			[]string{
				`columns[0].value: at 1:4 of the expression: the dataset has no column "nam"`, `columns[1].from: "nme" is not among the dataset's columns`,
				`datasets[0].row_key: is missing`, "2 error(s), 1 warning(s). Nothing was stored.",
			},
		},
		{"no YAML", w.file("programme.yaml", "a: [1\nb"), []string{"programme.yaml:", "Nothing was stored."}},
		{"empty", w.file("programme.yaml", ""), []string{"programme.yaml:", "Nothing was stored."}},
		{"not there", "/no/such/programme.yaml", []string{"/no/such/programme.yaml", "no such file"}},
		{"a folder", t.TempDir(), []string{"is a directory"}},
		{"too large", w.file("programme.yaml", strings.Repeat("#\n", 3<<20)), []string{"a programme file has at most"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runWith(t.Context(), t, w.env, "", "apply", "-f", c.file)
			r.want(t, 1, c.says...)
		})
	}
	if n := w.count(versions); n != 0 {
		t.Errorf("%d versions are stored", n)
	}
}

func TestApplyTriesTheSources(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const secret = "s3cr3t/of@the:product"
	address := func(host, user string) string {
		u, err := url.Parse(w.product.OwnerURL)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			u.Host = host
		}
		u.User = url.UserPassword(user, secret)
		return u.String()
	}
	owner := mustParse(t, w.product.OwnerURL).User.Username()
	for _, c := range []struct {
		name, url, file string
		says            []string
	}{
		{"unreachable", address(nowhere(t), owner), w.boatsProgramme(), []string{`source "product" at 127.0.0.1:`, "(OFFRAMP_SOURCE_PRODUCT_URL) does not answer", "mend: start it, or correct the address in OFFRAMP_SOURCE_PRODUCT_URL", "connection refused"}},
		{"no address", "", w.boatsProgramme(), []string{`source "product" of the programme has no address`, "mend: set OFFRAMP_SOURCE_PRODUCT_URL, such as postgres://reader:password@host:5432/product"}},
		{"no database address", "mysql://reader:" + secret + "@host/product", w.boatsProgramme(), []string{"OFFRAMP_SOURCE_PRODUCT_URL cannot be used"}},
		{"stranger", address("", "stranger"), w.boatsProgramme(), []string{`source "product" at`, "does not let us in", "OFFRAMP_SOURCE_PRODUCT_URL"}},
		{"no right", localAs(t, w.product, secret), w.boatsProgramme(), []string{"programme.yaml:30: datasets[boats]: source", "refuses us", "mend: GRANT SELECT", "permission denied for table boat", "programme.yaml:25: customers: source", "permission denied for table owner", "2 source problem(s). Nothing was stored."}},
		{"missing table", address("", owner), w.boatsProgramme("FROM boat", "FROM ship"), []string{`programme.yaml:30: datasets[boats]: source "product" at`, `relation "ship" does not exist`, "mend: correct the query"}},
		{"missing column", address("", owner), w.boatsProgramme("name, log", "name, diary"), []string{"programme.yaml:30: datasets[boats]", `column "diary" does not exist`}},
		{"missing column of customers", address("", owner), w.boatsProgramme("ref, name, email", "ref, name, mail"), []string{"programme.yaml:25: customers", `column "mail" does not exist`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runWith(t.Context(), t, w.with("OFFRAMP_SOURCE_PRODUCT_URL", c.url).env, "", "apply", "-f", c.file)
			if c.name != "no right" { // which both queries lack
				c.says = append(c.says, "1 source problem(s). Nothing was stored.")
			}
			r.want(t, 1, c.says...)
			r.hides(t, secret, "s3cr3t", url.QueryEscape(secret), url.PathEscape(secret))
		})
	}
	if n := w.count(versions); n != 0 {
		t.Errorf("%d versions are stored", n)
	}
}

func TestApplyWithoutTryingTheSources(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with("OFFRAMP_SOURCE_PRODUCT_URL", "")
	w.run("apply", "-f", w.boatsProgramme(), "--no-sources").want(t, 0, "Stored as version 1")
}

func TestWithoutASchemaCommandsSayWhatToRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w = w.with("OFFRAMP_DATABASE_URL", localtest.EmptyDatabase(t).AppURL)
	for _, args := range [][]string{{"apply", "-f", w.boatsProgramme()}, {"import"}, {"import", w.file("c.csv", "ref,name\nA,Anna\n")}} {
		w.run(args...).want(t, 1, "has no schema, or an older one", "mend: run: offramp schema up")
	}
}

// localAs is the product's address for a role that may not read its tables.
func localAs(t *testing.T, d localtest.TestDatabase, password string) string {
	t.Helper()
	u := mustParse(t, d.AppURL)
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String()
}

func mustParse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
