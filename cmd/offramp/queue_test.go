package main

import (
	"strings"
	"testing"
)

func TestAnOperatorPausesAndResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if r := w.run("queue", "pause", "--by", "olga"); r.code != 0 || !strings.Contains(r.out, "export_large: paused") {
		t.Fatalf("%+v", r)
	}
	if r := w.run("queue", "status"); r.code != 0 || strings.Count(r.out, "paused since") != 2 || !strings.Contains(r.out, "workers alive: 0") {
		t.Errorf("%+v", r)
	}
	if r := w.run("queue", "resume", "--queue", "export"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if r := w.run("queue"); strings.Count(r.out, "paused since") != 1 {
		t.Errorf("%+v", r)
	}
	if r := w.run("queue", "pause", "--queue", "mail"); r.code == 0 || !strings.Contains(r.err, "no queue of exports") {
		t.Errorf("%+v", r)
	}
}

func TestA08_AnOperatorDisablesAndEnablesPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	exec := func(sql string) {
		t.Helper()
		if _, err := w.database.Super(t).Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO identity (id, realm, issuer, subject, name, email, roles, created_at, signed_in_at)
		VALUES ('wu', 'staff', 'x', 'wu', 'Wu', 'wu@hezhou.example', '{programme_manager}', now(), now()), ('sun', 'staff', 'x', 'sun', 'Sun', 'sun@hezhou.example', '{support}', now(), now())`)
	exec(`INSERT INTO session (id, token_hash, identity_id, created_at, seen_at, expires_at) VALUES ('s', 'h', 'wu', now(), now(), now() + interval '1 hour')`)
	w.run("people").want(t, 0, "staff:wu", "wu@hezhou.example", "programme_manager", "enabled", "staff:sun")
	w.run("people", "list", "wu@").want(t, 0, "staff:wu")
	w.run("people", "end-sessions", "WU@hezhou.example").want(t, 0, "staff:wu: 1 sessions ended.")
	w.run("people", "end-sessions", "wu@").want(t, 1, `nobody has the email address "wu@"`)
	w.run("people", "end-sessions", "wizard:wu").want(t, 1, "a person is written staff:ID or customer:ID")
	w.run("people", "disable", "staff:wu").want(t, 2, "missing flags: --reason")
	w.run("people", "disable", "staff:nobody", "--reason", "x").want(t, 1, "This person does not exist")
	w.run("people", "disable", "staff:wu", "--reason", "Has left", "--by", "olga").want(t, 0, "staff:wu is disabled.")
	w.run("people", "disable", "staff:wu", "--reason", "Has left").want(t, 1, "This has already been done")
	w.run("people", "list", "wu").want(t, 0, "disabled")
	w.run("people", "enable", "wu@hezhou.example", "--reason", "A mistake", "--by", "olga").want(t, 0, "staff:wu is enabled.")
	if n := w.count(`SELECT count(*) FROM audit WHERE actor_kind = 'operator' AND actor = 'olga' AND object = 'identity wu' AND act IN ('person.disable', 'person.enable')`); n != 2 {
		t.Errorf("%d acts are recorded", n)
	}
}
