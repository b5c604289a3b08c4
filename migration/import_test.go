package migration_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

func importCSV(t *testing.T, d *db.DB, text string, o migration.ImportOptions) migration.ImportReport {
	t.Helper()
	report, err := tryImport(t, d, text, o)
	if err != nil {
		t.Fatalf("import: %v", err)
	}
	return report
}

func tryImport(t *testing.T, d *db.DB, text string, o migration.ImportOptions) (migration.ImportReport, error) {
	t.Helper()
	m := migration.NewImporter(d, migration.NewProgrammes(d))
	return m.Import(t.Context(), anna, migration.CSVRows(strings.NewReader(text)), o)
}

// ready is a database in which the sound programme is in effect.
func ready(t *testing.T) *db.DB {
	t.Helper()
	d := localtest.DB(t)
	activate(t, migration.NewProgrammes(d), sound)
	return d
}

func outcomes(r migration.ImportReport) string {
	var words []string
	for _, l := range r.Lines {
		words = append(words, fmt.Sprintf("%d:%s", l.Line, l.Outcome))
	}
	return strings.Join(words, " ")
}

const customersFile = "\ufeffref,name,tier,locale,zone,email,contact_name,role,state,attr_seats,attr_plan,extension_export_deadline\r\n" +
	"HZ-1,远岸设计工作室,core,zh-CN,Asia/Shanghai,xiaowen@farshore.example,林晓雯,owner,,60,team,2027-03-16\r\n" +
	"HZ-1,,,,,second@farshore.example,李敏,member,,,,\r\n" +
	"\r\n" +
	"HZ-2,\"Alder, \"\"Birch\"\" & Co\",,,,stanisław@wp.example,,,,12,,\r\n" +
	"HZ-3,مكتب الخليج,,,,,,,disabled,70,,\r\n" +
	"HZ-4,Ops 👩‍💻 Team,standard,en,Europe/Berlin,a@b.example,,,active,1,,\r\n"

func TestImportIsIdempotent(t *testing.T) {
	d := ready(t)
	dry := importCSV(t, d, customersFile, migration.ImportOptions{DryRun: true})
	if dry.Stored || outcomes(dry) != "2:created 3:created 5:created 6:created 7:created" {
		t.Errorf("dry run: %s, stored %t\n%v", outcomes(dry), dry.Stored, dry.Refused())
	}
	var n int
	if scan(t, d, &n, `SELECT count(*) FROM customer`); n != 0 {
		t.Fatalf("the dry run stored %d customers", n)
	}
	first := importCSV(t, d, customersFile, migration.ImportOptions{})
	if diff := cmp.Diff(dry.Lines, first.Lines); diff != "" || !first.Stored {
		t.Errorf("dry run and import differ: %s", diff)
	}
	if first.CustomersCreated != 4 || first.ContactsCreated != 4 || first.Extended != 1 {
		t.Errorf("first: %+v", first)
	}
	var events, audits int
	scan(t, d, &events, `SELECT count(*) FROM journey_event`)
	again := importCSV(t, d, customersFile, migration.ImportOptions{})
	if again.CustomersUnchanged != 4 || again.CustomersCreated+again.CustomersUpdated+again.ContactsCreated+again.ContactsUpdated+again.Extended != 0 || again.Count(migration.LineUnchanged) != 5 {
		t.Errorf("again: %+v", again)
	}
	if scan(t, d, &n, `SELECT count(*) FROM journey_event`); n != events || events != 4 {
		t.Errorf("%d events, then %d", events, n)
	}
	if scan(t, d, &audits, `SELECT count(*) FROM audit WHERE act = 'customers.import' AND actor = 'anna'`); audits != 2 {
		t.Errorf("%d audit rows", audits)
	}
	s := migration.NewService(d)
	id := idOf(t, d, "HZ-1")
	c, err := s.Customer(t.Context(), db.CustomerScope(id), id)
	if err != nil || c.Name != "远岸设计工作室" || c.Attributes["seats"] != "60" || c.Extensions["export_deadline"].String() != "2027-03-16" {
		t.Errorf("customer: %+v, %v", c, err)
	}
	people, err := s.Contacts(t.Context(), db.CustomerScope(id), id)
	if err != nil || len(people) != 2 || people[0].Role != migration.Owner || people[1].Name != "李敏" {
		t.Errorf("contacts: %+v, %v", people, err)
	}
	id = idOf(t, d, "HZ-2") // defaults: the tier by rule, the programme's locale and zone, the first contact owns the account
	c, _ = s.Customer(t.Context(), db.CustomerScope(id), id)
	people, _ = s.Contacts(t.Context(), db.CustomerScope(id), id)
	if c.Name != `Alder, "Birch" & Co` || c.Tier != "standard" || c.Locale != "en" || c.Zone != "Asia/Shanghai" || people[0].Role != migration.Owner || people[0].Name != c.Name {
		t.Errorf("defaults: %+v, %+v", c, people)
	}
	if c, _ = s.Customer(t.Context(), db.SystemScope("test"), idOf(t, d, "HZ-3")); c.Tier != "core" || c.State != migration.Disabled {
		t.Errorf("by rule: %+v", c)
	}
}

func TestImportChangesWhatIsSaidAndNothingElse(t *testing.T) {
	d := ready(t)
	importCSV(t, d, customersFile, migration.ImportOptions{})
	noteDates(t, d, migration.NewProgrammes(d), "HZ-4")
	report := importCSV(t, d, `ref,name,state,email,contact_name,role,attr_plan,extension_service_end
HZ-3,,active,,,,,
HZ-4,New name,,A@B.example,Ada,member,gold,2027-03-01
HZ-4,,,new@b.example,,,,
HZ-2,,,,,,,
`, migration.ImportOptions{})
	if got := outcomes(report); got != "2:updated 3:updated 4:created 5:unchanged" || report.Extended != 1 {
		t.Errorf("%s, extended %d %v", got, report.Extended, report.Refused())
	}
	id := idOf(t, d, "HZ-4")
	s := migration.NewService(d)
	c, _ := s.Customer(t.Context(), db.CustomerScope(id), id)
	if c.Name != "New name" || c.Tier != "core" && c.Tier != "standard" || c.Zone != "Europe/Berlin" || c.Attributes["seats"] != "1" || c.Attributes["plan"] != "gold" {
		t.Errorf("customer: %+v", c)
	}
	people, _ := s.Contacts(t.Context(), db.CustomerScope(id), id)
	if len(people) != 2 || people[0].Email != "new@b.example" || people[0].Role != migration.Owner || people[1].Name != "Ada" {
		t.Errorf("contacts: %+v", people)
	}
	j, err := s.Journey(t.Context(), db.CustomerScope(id), id)
	if err != nil || j.Status[migration.StepDates] != migration.ActionNeeded || j.Detail.Changed["service_end"].String() != "2027-01-31" {
		t.Errorf("journey: %+v, %v", j, err)
	}
	if c, _ := s.Customer(t.Context(), db.SystemScope("test"), idOf(t, d, "HZ-3")); c.State != migration.Active {
		t.Errorf("still %s", c.State)
	}
}

// badLines are refused each by itself: the line above and below each is taken.
var badLines = []struct{ name, line, want string }{
	{"no ref", ",Name,standard,,,,,,,,", "ref is empty"},
	{"no name", "B-1,,standard,,,,,,,,", "name is empty; a new customer needs one"},
	{"1 MB name", "B-1," + strings.Repeat("x", 1<<20) + ",standard,,,,,,,,", "more than 65536 bytes"},
	{"long name", "B-1," + strings.Repeat("长", 201) + ",standard,,,,,,,,", "name has 201 characters; at most 200"},
	{"long attribute", "B-1,Name,standard,,,,,,," + strings.Repeat("x", 1001) + ",", "attr_seats has 1001 characters"},
	{"NUL in name", "B-1,Na\x00me,standard,,,,,,,,", "name holds a control character (U+0000)"},
	{"NUL in ref", "B\x00,Name,standard,,,,,,,,", "ref holds a control character (U+0000)"},
	{"NUL in an attribute", "B-1,Name,standard,,,,,,,\x00,", "attr_seats holds a control character (U+0000)"},
	{"bad UTF-8", "B-1,Na\xffme,standard,,,,,,,,", "not UTF-8"},
	{"right-to-left override", "B-1,Na\u202eme,standard,,,,,,,,", "name holds a control character (U+202E)"},
	{"joiner in ref", "B\u200d1,Name,standard,,,,,,,,", "holds a space or an invisible character"},
	{"joiner in e-mail", "B-1,Name,standard,,,a\u200d@b.example,,,,,", "is no e-mail address"},
	{"carriage return", "B-1,Na\rme,standard,,,,,,,,", "name holds a control character (U+000D)"},
	{"markup", "B-1,<script>alert(1)</script>,standard,,,,,,,,", "name holds markup (<script>)"},
	{"markup in contact", "B-1,Name,standard,,,a@b.example,<b>x,,,,", "contact_name holds markup (<b>)"},
	{"tier", "B-1,Name,gold,,,,,,,,", `the tier "gold" is not in the programme; it has core, standard`},
	{"locale", "B-1,Name,standard,fr,,,,,,,", `the locale "fr" is not in the programme; it has en, zh-CN`},
	{"zone", "B-1,Name,standard,,Beijing,,,,,,", `the zone "Beijing" is none`},
	{"role", "B-1,Name,standard,,,a@b.example,,admin,,,", `the role "admin" must be owner or member`},
	{"state", "B-1,Name,standard,,,,,,closed,,", `the state "closed" must be active or disabled`},
	{"e-mail", "B-1,Name,standard,,,nobody,,,,,", `email "nobody" is no e-mail address`},
	{"e-mail with name", "B-1,Name,standard,,,A <a@b.example>,,,,,", "email holds markup"},
	{"two e-mails", "B-1,Name,standard,,,\"a@b.example,c@d.example\",,,,,", "is no e-mail address"},
	{"contact without e-mail", "B-1,Name,standard,,,,Ada,,,,", "email is empty, and the line names a contact"},
	{"too few fields", "B-1,Name", "has 2 fields; the first line names 11 columns"},
	{"too many fields", "B-1,Name,standard,,,,,,,,,x", "has 12 fields; the first line names 11 columns. Put a field that holds a comma in quotes"},
	{"open quote", `B-1,"Name,standard,,,,,,,,`, "field 2: the quoted field does not end on this line"},
	{"quote inside", `B-1,Na"me,standard,,,,,,,,`, "field 2: a quote stands inside"},
	{"text after quote", `B-1,"Na"me,standard,,,,,,,,`, "field 2: text follows the closing quote"},
	{"extension", "B-1,Name,standard,,,,,,,,soon", `extension_service_end: "soon" is no day`},
	{"no such day", "B-1,Name,standard,,,,,,,,2027-02-30", `"2027-02-30" is no day`},
	{"extension too early", "B-1,Name,standard,,,,,,,,2027-01-31", "extension_service_end is 2027-01-31, which is not later than the programme's day, 2027-01-31"},
	{"rule fails", "B-1,Name,,,,,,,,many,", "the rule of tier core fails"},
	{"contact twice", "A-1,,,,,A@one.example,,,,,", "the contact A@one.example of A-1 is on line 2 already"},
	{"name contradicts", "A-1,Other,,,,,,,,,", `name is "Other" here and "One" on an earlier line (from line 2) of the same customer`},
	{"tier contradicts", "A-1,,standard,,,,,,,,", `tier is "standard" here and "core"`},
	{"attribute contradicts", "A-1,,,,,,,,,61,", `attr_seats is "61" here and "60"`},
	{"extension contradicts", "A-1,,,,,,,,,,2027-04-02", "extension_service_end is 2027-04-02 here and 2027-04-01"},
}

func TestI01_BadLinesAreRefusedByNumberAndTheRestGoesOn(t *testing.T) {
	var file strings.Builder
	file.WriteString("ref,name,tier,locale,zone,email,contact_name,role,state,attr_seats,extension_service_end\n")
	file.WriteString("A-1,One,core,,,a@one.example,,,,60,2027-04-01\n")
	for i, c := range badLines {
		fmt.Fprintf(&file, "%s\nG-%d,Good,standard,,,,,,,,\n", strings.Replace(c.line, "B-1", fmt.Sprintf("B-%d", i), 1), i)
	}
	d := ready(t)
	report := importCSV(t, d, file.String(), migration.ImportOptions{})
	if len(report.Lines) != 1+2*len(badLines) || report.CustomersCreated != 1+len(badLines) {
		t.Errorf("%d lines, %d customers", len(report.Lines), report.CustomersCreated)
	}
	for i, c := range badLines {
		bad, good := report.Lines[1+2*i], report.Lines[2+2*i]
		if bad.Line != 3+2*i || bad.Outcome != migration.LineRefused || !strings.Contains(bad.Reason, c.want) {
			t.Errorf("%s: line %d %s: %q\nwant %q", c.name, bad.Line, bad.Outcome, bad.Reason, c.want)
		}
		if good.Outcome != migration.LineCreated {
			t.Errorf("after %s: %s %s", c.name, good.Outcome, good.Reason)
		}
	}
	var n int
	if scan(t, d, &n, `SELECT count(*) FROM customer`); n != 1+len(badLines) {
		t.Errorf("%d customers stored", n)
	}
}

func TestNumbersAndConsentComeWithTheImport(t *testing.T) {
	d := ready(t)
	const head = "ref,name,email,phone,sms_consent\n"
	day := migration.DayOf(d.Clock.Now()).AddDays(2).String()
	report := importCSV(t, d, head+
		"P-1,One,a@one.example,+49 1511 2345678,2026-05-04\n"+
		"P-1,,b@one.example,0049 1511 2345679,\n"+
		"P-2,Two,a@two.example,0151 12345678,\n"+
		"P-3,Three,a@three.example,+49 15,\n"+
		"P-4,Four,a@four.example,,2026-05-04\n"+
		"P-5,Five,a@five.example,+8613800138000,"+day+"\n"+
		"P-6,Six,a@six.example,+8613800138000,yes\n"+
		"P-7,Seven,,+8613800138000,\n"+
		"P-8,Eight,a@eight.example,+49 1511 ABC,\n", migration.ImportOptions{})
	for i, want := range []string{
		"", "", `"0151 12345678" has no country code`, `"+49 15" can be nobody's number`, "without a phone", "still to come", "the day on which the person agreed",
		"names no contact", "can be nobody's number",
	} {
		if l := report.Lines[i]; (want == "") != (l.Outcome == migration.LineCreated) || !strings.Contains(l.Reason, want) {
			t.Errorf("line %d: %s %q, want %q", l.Line, l.Outcome, l.Reason, want)
		}
	}
	state := func() (text string) {
		scan(t, d, &text, `SELECT string_agg(concat_ws(' ', k.email, n.number, n.origin, n.consent_at::date, n.withdrawn_at IS NOT NULL,
			(SELECT count(*) FROM sms_consent s WHERE s.contact_id = k.id)), '; ' ORDER BY k.email)
			FROM contact_phone n JOIN contact k ON k.id = n.contact_id`)
		return text
	}
	same := func(after, want string) {
		t.Helper()
		if got := state(); got != want {
			t.Errorf("after %s:\n%s\nwant\n%s", after, got, want)
		}
	}
	same("the first import", "a@one.example +4915112345678 import 2026-05-04 f 1; b@one.example +4915112345679 import f 0")
	if again := importCSV(t, d, head+"P-1,One,a@one.example,+4915112345678,2026-05-04\nP-1,,b@one.example,+4915112345679,\n", migration.ImportOptions{}); again.Count(migration.LineUnchanged) != 2 {
		t.Errorf("the same again: %s", outcomes(again))
	}
	importCSV(t, d, head+"P-1,One,a@one.example,+4915112345670,\nP-1,,b@one.example,+4915112345679,2026-05-05\n", migration.ImportOptions{})
	same("another number, and a consent", "a@one.example +4915112345670 import f 1; b@one.example +4915112345679 import 2026-05-05 f 1")

	// What people do themselves stays.
	scan(t, d, new(int), `WITH a AS (UPDATE contact_phone SET number = '', origin = 'person' WHERE number = '+4915112345670' RETURNING 1),
		b AS (UPDATE contact_phone SET withdrawn_at = now() WHERE number = '+4915112345679' RETURNING 1) SELECT count(*) FROM a, b`)
	kept := importCSV(t, d, head+"P-1,One,a@one.example,+4915112345670,2026-05-06\nP-1,,b@one.example,+4915112345679,2026-05-06\n", migration.ImportOptions{})
	same("an import over what people did", "a@one.example  person f 1; b@one.example +4915112345679 import 2026-05-05 t 1")
	if len(kept.Warnings) != 2 || !strings.Contains(kept.Warnings[0].Text, "phone was not taken") || !strings.Contains(kept.Warnings[1].Text, "sms_consent was not taken") {
		t.Errorf("warnings: %+v", kept.Warnings)
	}
}

func TestABrokenHeaderRefusesTheWhole(t *testing.T) {
	d := ready(t)
	for _, c := range []struct{ file, want string }{
		{"", "the file is empty"},
		{"ref，name\nA，B\n", "the column \"ref，name\" is unknown"},
		{",,\nA,B,\n", "names no column"},
		{"PK\x03\x04\x14\x00", "the file is a workbook; save its sheet as CSV UTF-8"},
		{"ref\nA\n", "the column name is missing"},
		{"name\nA\n", "the column ref is missing"},
		{"ref,name,name\nA,B,C\n", `the column "name" is there twice`},
		{"ref,name,teir\nA,B,C\n", `the column "teir" is unknown`},
		{"ref,name,attr_Seats\nA,B,C\n", `the column "attr_Seats" is unknown`},
		{"ref,name,extension_party\nA,B,C\n", "names no milestone"},
		{"ref,name,role\nA,B,C\n", "need the column email"},
		{"ref,name,phone\nA,B,C\n", "need the column email"},
		{"ref,name,email,sms_consent\nA,B,C,D\n", "sms_consent needs the column phone"},
		{"ref,\"name\nA,B\n", "line 1: field 2: the quoted field does not end"},
		{"\xff\xfer\x00e\x00f\x00", "the column name is missing"},
		{"ref,na\xffme\n", "not UTF-8"},
		{strings.Repeat("x", 1<<20), "line 1: the line has more than"},
	} {
		report, err := tryImport(t, d, c.file, migration.ImportOptions{})
		if !errors.Is(err, migration.ErrBadImport) || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.want) || report.Stored {
			t.Errorf("%.30q: %v, want %q", c.file, err, c.want)
		}
	}
}

func TestAllOrNothingStoresNothingWhenALineIsRefused(t *testing.T) {
	d := ready(t)
	report, err := tryImport(t, d, "ref,name,tier\nA-1,One,core\nA-2,Two,gold\n", migration.ImportOptions{AllOrNothing: true})
	if !errors.Is(err, migration.ErrImportRefused) || report.Stored || outcomes(report) != "2:created 3:refused" {
		t.Errorf("%s, %v", outcomes(report), err)
	}
	var n int
	if scan(t, d, &n, `SELECT count(*) FROM customer`); n != 0 {
		t.Errorf("%d customers stored", n)
	}
}

func TestImportNeedsAProgramme(t *testing.T) {
	if _, err := tryImport(t, localtest.DB(t), customersFile, migration.ImportOptions{}); !errors.Is(err, migration.ErrNoProgramme) {
		t.Errorf("got %v", err)
	}
}

// queryRows are rows as a query on the product's database gives them; the reading breaks off after some.
type queryRows struct {
	at, rows int
	broken   error
}

func (q *queryRows) Columns() []string { return []string{"ref", "name", "tier", "email"} }
func (q *queryRows) Next() bool        { q.at++; return q.at <= q.rows }
func (q *queryRows) Line() int         { return q.at }
func (q *queryRows) Err() error        { return q.broken }
func (q *queryRows) Values() []string {
	return []string{fmt.Sprintf("Q-%d", q.at), "Customer", "standard", fmt.Sprintf("q%d@q.example", q.at)}
}

func TestABrokenReaderStoresNothing(t *testing.T) {
	d := ready(t)
	m := migration.NewImporter(d, migration.NewProgrammes(d))
	_, err := m.Import(t.Context(), anna, &queryRows{rows: 10, broken: errors.New("connection lost")}, migration.ImportOptions{})
	if !errors.Is(err, migration.ErrBadImport) || !strings.Contains(err.Error(), "connection lost") {
		t.Errorf("got %v", err)
	}
	var n int
	if scan(t, d, &n, `SELECT count(*) FROM customer`); n != 0 {
		t.Errorf("%d customers stored", n)
	}
}

// TestNoDateMovesDuringAnImport approves a new version while an import waits for its next row: the approval takes its turn
// and then tells the customers that the import has brought.
func TestNoDateMovesDuringAnImport(t *testing.T) {
	d := ready(t)
	s := migration.NewProgrammes(d)
	p := propose(t, s, strings.Replace(sound, "day: 2027-01-31", "day: 2027-02-14", 1))
	approved := make(chan error, 1)
	rows := &queryRows{rows: 3000}
	go func() { approved <- migration.NewProgrammes(d).Approve(context.Background(), ben, p.Version.Number) }()
	report, err := migration.NewImporter(d, s).Import(t.Context(), anna, rows, migration.ImportOptions{})
	if fault.KindOf(err) == fault.Conflict { // the approval was first, between reading and storing
		rows.at = 0
		report, err = migration.NewImporter(d, s).Import(t.Context(), anna, rows, migration.ImportOptions{})
	}
	if err != nil || report.CustomersCreated != 3000 {
		t.Fatalf("import: %d, %v", report.CustomersCreated, err)
	}
	if err := <-approved; err != nil {
		t.Fatal(err)
	}
	var told, started int
	scan(t, d, &started, `SELECT count(*) FROM journey_event WHERE kind = 'journey.started'`)
	scan(t, d, &told, `SELECT count(*) FROM journey_event WHERE kind = 'dates.changed'`)
	if started != 3000 || told != 0 && told != 3000 {
		t.Errorf("%d started, %d told: all or none must be", started, told)
	}
}

func TestManyCustomersAreImportedInReasonableTime(t *testing.T) {
	d := ready(t)
	m := migration.NewImporter(d, migration.NewProgrammes(d))
	const many = 20_000
	for run, want := range []migration.Outcome{migration.LineCreated, migration.LineUnchanged} {
		began := time.Now()
		report, err := m.Import(t.Context(), anna, &queryRows{rows: many}, migration.ImportOptions{})
		if err != nil || report.Count(want) != many {
			t.Fatalf("run %d: %v, %d %s", run, err, report.Count(want), want)
		}
		took := time.Since(began)
		t.Logf("%d customers %s in %s", many, want, took.Round(time.Millisecond))
		if took > time.Minute {
			t.Errorf("%s for %d customers", took, many)
		}
	}
	var n int
	if scan(t, d, &n, `SELECT count(*) FROM outbox_event`); n != many {
		t.Errorf("%d events leave", n)
	}
}

func TestL03_AnImportThatCannotBeAuditedDoesNotHappen(t *testing.T) {
	td := localtest.Database(t)
	d := td.Open(t)
	activate(t, migration.NewProgrammes(d), sound)
	revokeAudit(t, td)
	if _, err := tryImport(t, d, customersFile, migration.ImportOptions{}); err == nil {
		t.Fatal("imported without an audit row")
	}
	var n int
	if scan(t, d, &n, `SELECT count(*) FROM customer`); n != 0 {
		t.Errorf("%d customers stored", n)
	}
	if _, err := migration.NewProgrammes(d).Propose(t.Context(), anna, []byte(strings.Replace(sound, "We stop.", "x", 1))); err == nil {
		t.Error("proposed without an audit row")
	}
}

// TestImportCatchesWhatSpreadsheetsDoToValues imports what Excel, LibreOffice and others make of a file of customers.
func TestImportCatchesWhatSpreadsheetsDoToValues(t *testing.T) {
	d := ready(t)
	importCSV(t, d, "ref,name,tier\n007,Stored,core\n", migration.ImportOptions{})
	file := "ref;name;tier;email;extension_service_end;;\r\n" +
		"2.026E+11;Alder;standard;ada@alder.example;;;\r\n" +
		"#N/A;Birch;standard;;;;\r\n" +
		"NULL;Cedar;standard;;;;\r\n" +
		"7;Seven;standard;;;;\r\n" +
		"0012;Twelve;standard;;;;\r\n" +
		"12;Twelve again;standard;;;;\r\n" +
		"Z-1;Elm;#NV;;;;\r\n" +
		"Z-2;M\ufffdller;standard;;;;\r\n" +
		"Z-3;Fir;standard;;01/04/2027;;\r\n" +
		"Z-4;Gum;standard;;46478;;\r\n" +
		"Z-5;Holm;standard;;2027/4/1;;\r\n" +
		"Z-6;Ivy;standard;;;;stray\r\n" +
		"=\"009\";Nine;standard;info@müller.example;;;\r\n" +
		"Z-7;Juniper;standard;josé@j.example;;;\r\n" +
		";;;;;;\r\n"
	report := importCSV(t, d, file, migration.ImportOptions{})
	for i, want := range []string{
		`ref "2.026E+11" looks like a number that a spreadsheet shortened; format the column as text`, `ref "#N/A" is an error of a spreadsheet`,
		`ref "NULL" is a program's word for nothing`, "there is a customer 007; a spreadsheet has dropped the zeros in front of ref 7: write 007", "",
		"there is a customer 0012", `tier "#NV" is an error of a spreadsheet`, "the sign of a letter that was lost",
		"it could be 2027-04-01 or 2027-01-04", "a spreadsheet keeps the day 2027-04-01 under this number", "",
		`column 7 has no name and holds "stray"`, "", "",
	} {
		if i >= len(report.Lines) {
			t.Fatalf("%d lines", len(report.Lines))
		}
		l := report.Lines[i]
		if l.Line != i+2 || (want == "") != (l.Outcome == migration.LineCreated) || !strings.Contains(l.Reason, want) {
			t.Errorf("line %d %s %s: %q, want %q", l.Line, l.Ref, l.Outcome, l.Reason, want)
		}
	}
	if len(report.Lines) != 14 || idOf(t, d, "009") == "" {
		t.Errorf("%d lines", len(report.Lines))
	}
	if len(report.Warnings) != 1 || report.Warnings[0].Line != 15 || !strings.Contains(report.Warnings[0].Text, "SMTPUTF8") {
		t.Errorf("warnings: %+v", report.Warnings)
	}
	meant := importCSV(t, d, "ref,name,tier\n1.07E+05,Odd,core\n7,Seven,core\n", migration.ImportOptions{AsWritten: true})
	if outcomes(meant) != "2:created 3:created" {
		t.Errorf("as written: %s", outcomes(meant))
	}
	report = importCSV(t, d, "ref,name,tier\n"+fiveDigits()+"812,Name,core\n", migration.ImportOptions{DryRun: true})
	if len(report.Warnings) != 1 || report.Warnings[0].Ref != "812" || !strings.Contains(report.Warnings[0].Text, "1 of 41 refs have fewer than 5 digits") {
		t.Errorf("few digits: %+v", report.Warnings)
	}
}

func fiveDigits() string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "%d,Name,core\n", 20_000+i)
	}
	return b.String()
}

// TestFilesThatSpreadsheetsSaved imports files of customers as they were reported, where they are at hand.
func TestFilesThatSpreadsheetsSaved(t *testing.T) {
	at := os.Getenv("OFFRAMP_TEST_FIELD")
	if at == "" {
		at = filepath.Join("..", "..", "shared", "data", "field")
	}
	if _, err := os.Stat(at); os.IsNotExist(err) {
		t.Skip("the files are not there: set OFFRAMP_TEST_FIELD to a folder of files that spreadsheets saved")
	}
	d := ready(t)
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(at, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	report := importCSV(t, d, read("csv-scientific-ref/sci.csv"), migration.ImportOptions{})
	if got := outcomes(report); got != "2:refused 3:refused 4:refused 5:created" {
		t.Errorf("shortened numbers, errors and nothings: %s", got)
	}
	if got := outcomes(importCSV(t, d, read("csv-trailing-commas/trailing.csv"), migration.ImportOptions{})); got != "2:created" {
		t.Errorf("empty columns at the end: %s", got)
	}
}
