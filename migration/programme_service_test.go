package migration_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration"
)

var (
	anna = migration.Actor{ID: "anna", Kind: audit.Operator}
	ben  = migration.Actor{ID: "ben", Kind: audit.Staff}
)

func propose(t *testing.T, s *migration.Programmes, src string) migration.Proposal {
	t.Helper()
	p, err := s.Propose(t.Context(), anna, []byte(src))
	if err != nil {
		t.Fatalf("propose: %v\n%v", err, migration.FindingsOf(err))
	}
	return p
}

func activate(t *testing.T, s *migration.Programmes, src string) migration.Proposal {
	t.Helper()
	p := propose(t, s, src)
	if err := s.Approve(t.Context(), ben, p.Version.Number); err != nil {
		t.Fatalf("approve: %v", err)
	}
	return p
}

func TestAProposalTakesEffectWhenAnotherPersonApprovesIt(t *testing.T) {
	s := migration.NewProgrammes(localtest.DB(t))
	if _, err := s.Active(t.Context()); !errors.Is(err, migration.ErrNoProgramme) {
		t.Fatalf("active before all: %v", err)
	}
	first := propose(t, s, sound)
	if first.Version.Number != 1 || first.Base != 0 || len(first.Changes) == 0 {
		t.Fatalf("first: %+v", first)
	}
	if _, err := s.Active(t.Context()); !errors.Is(err, migration.ErrNoProgramme) {
		t.Fatalf("a proposal is in effect: %v", err)
	}
	if again := propose(t, s, sound); again.Version.Number != 1 {
		t.Errorf("the same file again: version %d", again.Version.Number)
	}
	if err := s.Approve(t.Context(), ben, 1); err != nil {
		t.Fatal(err)
	}
	p, err := s.Active(t.Context())
	if err != nil || p.Version != 1 || p.Key != "boats" {
		t.Fatalf("active: %+v, %v", p, err)
	}
	if same, _ := s.Active(t.Context()); same != p {
		t.Error("the programme was parsed again")
	}
	if same := propose(t, s, "# only a remark\n"+sound); !same.Unchanged || same.Version.Number != 0 {
		t.Errorf("unchanged: %+v", same.Version)
	}
	second := activate(t, s, strings.Replace(sound, "We stop.", "We close.", 1))
	if got := fmt.Sprint(second.Changes); got != "[reason.en: We stop. -> We close.]" || second.Base != 1 {
		t.Errorf("second: %s, base %d", got, second.Base)
	}
	if p, _ := s.Active(t.Context()); p.Version != 2 {
		t.Errorf("active version %d", p.Version)
	}
	list, err := s.List(t.Context())
	if err != nil || len(list) != 2 || list[0].State != "active" || list[1].State != "superseded" || list[1].ApprovedBy != "ben" || list[1].ApprovedAt.IsZero() {
		t.Errorf("list: %+v, %v", list, err)
	}
	back, err := s.Diff(t.Context(), 2)
	if err != nil || len(back.Changes) != 1 || back.Base != 1 {
		t.Errorf("diff of an approved version: %+v, %v", back.Changes, err)
	}
	if _, err := s.Get(t.Context(), 9); fault.KindOf(err) != fault.NotFound {
		t.Errorf("get 9: %v", err)
	}
}

func TestZ05_WhoProposesAProgrammeCannotApproveIt(t *testing.T) {
	d := localtest.DB(t)
	s := migration.NewProgrammes(d)
	propose(t, s, sound)
	if err := s.Approve(t.Context(), anna, 1); !errors.Is(err, migration.ErrSamePerson) || fault.KindOf(err) != fault.Forbidden {
		t.Errorf("own proposal: %v", err)
	}
	for _, sql := range []string{ // the application's role, by hand
		`UPDATE programme_version SET state = 'active', approved_by = 'anna', approved_at = now() WHERE version = 1`,
		`UPDATE programme_version SET state = 'active' WHERE version = 1`,
		`UPDATE programme_version SET proposed_by = 'carl' WHERE version = 1`,
		`UPDATE programme_version SET source = 'x' WHERE version = 1`,
		`INSERT INTO programme_version VALUES (2, 'active', 'x', 'x', 'anna', now(), 'anna', now())`,
		`DELETE FROM programme_version`,
	} {
		if _, err := d.Pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("done: %s", sql)
		}
	}
	if _, err := s.Active(t.Context()); !errors.Is(err, migration.ErrNoProgramme) {
		t.Errorf("active: %v", err)
	}
}

func TestOneOfManyProposalsAndApprovalsWins(t *testing.T) {
	s := migration.NewProgrammes(localtest.DB(t))
	race := func(n int, act func(i int) error) (won int) {
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { errs[i] = act(i) })
		}
		wg.Wait()
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case fault.KindOf(err) != fault.Conflict:
				t.Errorf("a loser got %v", err)
			}
		}
		return won
	}
	for round := 1; round <= 2; round++ { // without and with an active version
		if won := race(6, func(i int) error {
			_, err := s.Propose(context.Background(), anna, []byte(strings.Replace(sound, "We stop.", fmt.Sprintf("Reason %d-%d.", round, i), 1)))
			return err
		}); won != 1 {
			t.Errorf("%d proposals were stored", won)
		}
		if won := race(6, func(int) error { return s.Approve(context.Background(), ben, round) }); won != 1 {
			t.Errorf("%d approvals won", won)
		}
	}
}

func TestAWithdrawnProposalMakesRoom(t *testing.T) {
	s := migration.NewProgrammes(localtest.DB(t))
	propose(t, s, sound)
	other := strings.Replace(sound, "We stop.", "We close.", 1)
	if _, err := s.Propose(t.Context(), anna, []byte(other)); !errors.Is(err, migration.ErrProgrammeOpen) {
		t.Fatalf("a second proposal: %v", err)
	}
	if seen, err := s.Preview(t.Context(), []byte(other)); err != nil || len(seen.Changes) == 0 {
		t.Errorf("a preview beside a proposal: %v", err)
	}
	if err := s.Withdraw(t.Context(), anna, 1); err != nil {
		t.Fatal(err)
	}
	if err := s.Approve(t.Context(), ben, 1); fault.KindOf(err) != fault.Conflict {
		t.Errorf("approve what was withdrawn: %v", err)
	}
	if p := activate(t, s, other); p.Version.Number != 2 {
		t.Errorf("version %d", p.Version.Number)
	}
	for version := 1; version <= 2; version++ { // one withdrawn, one active
		if err := s.Withdraw(t.Context(), anna, version); fault.KindOf(err) != fault.Conflict {
			t.Errorf("withdraw version %d: %v", version, err)
		}
	}
}

// fleet imports three customers, the third with an extension of the end of service.
const fleet = `ref,name,tier,email,extension_service_end
C-1,One,core,a@one.example,
C-2,Two,standard,a@two.example,
C-3,Three,standard,a@three.example,2027-02-28
`

func TestMovedDatesReachTheJourneysTheyConcern(t *testing.T) {
	d := localtest.DB(t)
	s := migration.NewProgrammes(d)
	activate(t, s, sound)
	importCSV(t, d, fleet, migration.ImportOptions{})
	journeys := migration.NewService(d)
	for _, ref := range []string{"C-1", "C-3"} {
		noteDates(t, d, s, ref)
	}
	moved := activate(t, s, strings.NewReplacer("day: 2027-01-31", "day: 2027-02-14", "help:\n", "steps: {choose: true}\nreplacements: [{key: next, name: {en: Next, zh-CN: 新品}}]\nhelp:\n").Replace(sound))
	want := []migration.Audience{{Tier: "core", Customers: 1}, {Tier: "standard", Customers: 1}}
	if diff := cmp.Diff(want, moved.Told); diff != "" {
		t.Error(diff)
	}
	for ref, status := range map[string]migration.Status{"C-1": migration.ActionNeeded, "C-2": migration.NotStarted, "C-3": migration.Completed} {
		id := idOf(t, d, ref)
		j, err := journeys.Journey(t.Context(), db.CustomerScope(id), id)
		if err != nil {
			t.Fatal(err)
		}
		if j.Status[migration.StepDates] != status {
			t.Errorf("%s: dates are %s, want %s", ref, j.Status[migration.StepDates], status)
		}
		if j.Status[migration.StepChoose] != migration.NotStarted || !j.Detail.Rules.Choose {
			t.Errorf("%s: choose is %s", ref, j.Status[migration.StepChoose])
		}
	}
	id := idOf(t, d, "C-1")
	events, err := journeys.History(t.Context(), db.CustomerScope(id), id)
	if err != nil || len(events) != 4 || events[1].Kind != migration.DatesChanged || events[1].Was["service_end"].String() != "2027-01-31" || events[1].Days["service_end"].String() != "2027-02-14" {
		t.Errorf("history: %+v, %v", events, err)
	}
	activate(t, s, strings.NewReplacer("day: 2027-01-31", "day: 2027-02-14", "help:\n", "steps: {choose: true}\nhelp:\n").Replace(sound))
	if j, err := journeys.Journey(t.Context(), db.CustomerScope(id), id); err != nil || j.Status[migration.StepChoose] != migration.NotNeeded {
		t.Errorf("nothing on offer: choose is %s, %v", j.Status[migration.StepChoose], err)
	}
	dropped := strings.NewReplacer("- key: standard", "- key: other").Replace(sound)
	if _, err := s.Preview(t.Context(), []byte(dropped)); !strings.Contains(migration.FindingsOf(err).Error(), "2 customers are in the tier standard") {
		t.Errorf("drop a tier in use: %v", err)
	}
}

// revokeAudit takes from the application the right to write the audit log.
func revokeAudit(t *testing.T, td localtest.TestDatabase) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), td.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), `REVOKE INSERT ON audit FROM offramp_app`); err != nil {
		t.Fatal(err)
	}
}

func noteDates(t *testing.T, d *db.DB, s *migration.Programmes, ref string) {
	t.Helper()
	p, err := s.Active(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := migration.NewService(d).NoteDates(t.Context(), migration.Who{CustomerID: idOf(t, d, ref), ContactID: "contact", Role: migration.Owner}, p); err != nil {
		t.Fatal(err)
	}
}

func idOf(t *testing.T, d *db.DB, ref string) (id string) {
	t.Helper()
	scan(t, d, &id, `SELECT id FROM customer WHERE ref = $1`, ref)
	return id
}

// scan reads one value with the reach of the system.
func scan(t *testing.T, d *db.DB, into any, sql string, args ...any) {
	t.Helper()
	err := d.Read(t.Context(), db.SystemScope("test"),
		func(b *pgx.Batch) { b.Queue(sql, args...) },
		func(r pgx.BatchResults) error { return r.QueryRow().Scan(into) })
	if err != nil {
		t.Fatal(err)
	}
}
