package migration_test

import (
	"errors"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/migration"
)

func TestStepFiveIsConfirmedOnce(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	queue, err := jobs.NewInserter(d)
	if err != nil {
		t.Fatal(err)
	}
	activate(t, migration.NewProgrammes(d), sound)
	importCSV(t, d, "ref,name,tier,email\nC-1,One,core,a@one.example\n", migration.ImportOptions{})
	journeys := migration.NewService(d).WithMail(queue)
	id := idOf(t, d, "C-1")
	contacts, err := journeys.Contacts(t.Context(), db.CustomerScope(id), id)
	if err != nil {
		t.Fatal(err)
	}
	who := migration.Who{CustomerID: id, ContactID: contacts[0].ID, Role: migration.Member}
	if err := journeys.Confirm(t.Context(), who, true); !errors.Is(err, migration.ErrNotOwner) {
		t.Errorf("a member: %v", err)
	}
	who.Role = migration.Owner
	if err := journeys.Confirm(t.Context(), who, false); !errors.Is(err, migration.ErrStepsOpen) {
		t.Errorf("with an open step: %v", err)
	}
	for range 2 {
		if err := journeys.Confirm(t.Context(), who, true); err != nil {
			t.Fatal(err)
		}
	}
	j, err := journeys.Journey(t.Context(), db.CustomerScope(id), id)
	if err != nil || j.Status[migration.StepConfirm] != migration.Completed || len(j.OpenSteps()) != 1 || j.OpenSteps()[0] != migration.StepExport {
		t.Errorf("%+v, %v", j, err)
	}
	var acts, mails int
	err = d.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		const sql = `SELECT (SELECT count(*) FROM audit WHERE act = 'move.confirm' AND detail->'open' = '["export"]'), (SELECT count(*) FROM river_job WHERE args->>'template' = 'move_confirmed')`
		return tx.Pgx.QueryRow(t.Context(), sql).Scan(&acts, &mails)
	})
	if err != nil || acts != 1 || mails != 1 {
		t.Errorf("%d acts, %d mails, %v", acts, mails, err)
	}
}
