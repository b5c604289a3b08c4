package main

import (
	"net/url"
	"testing"

	"offramp/deploy/local/localtest"
)

func TestSchemaUpTwiceAndStatus(t *testing.T) {
	t.Parallel()
	empty := localtest.EmptyDatabase(t)
	run := func(args ...string) result {
		return runWith(t.Context(), t, map[string]string{"OFFRAMP_DATABASE_OWNER_URL": empty.OwnerURL}, "", args...)
	}
	run("schema", "status").want(t, 1, "00001_foundation.sql         missing", "Run: offramp schema up")
	run("schema", "up").want(t, 0, "applied 00001_foundation.sql", "The schema is up to date")
	run("schema", "up").want(t, 0, "The schema is up to date (0 new, 0 of the job queue).")
	run("schema", "status").want(t, 0, "00001_foundation.sql         20")
}

func TestSchemaStatusChangesNothing(t *testing.T) {
	t.Parallel()
	empty := localtest.EmptyDatabase(t)
	runWith(t.Context(), t, map[string]string{"OFFRAMP_DATABASE_OWNER_URL": empty.AppURL}, "", "schema", "status").want(t, 1, "missing")
	var tables int
	if err := empty.Super(t).QueryRow(t.Context(), `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`).Scan(&tables); err != nil || tables > 0 {
		t.Errorf("%d tables, %v", tables, err)
	}
}

func TestSchemaTroubleNamesTheVariableAndTheMend(t *testing.T) {
	t.Parallel()
	empty := localtest.EmptyDatabase(t)
	const secret = "tr0ub4dor&3/@:x"
	with := func(change func(u *url.URL)) string {
		u, err := url.Parse(empty.OwnerURL)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(u.User.Username(), secret)
		change(u)
		return u.String()
	}
	for _, c := range []struct {
		name, url string
		says      []string
	}{
		{"nobody listens", with(func(u *url.URL) { u.Host = nowhere(t) }), []string{"does not answer", "mend: start it, or correct the address", "connection refused"}},
		{"no such host", with(func(u *url.URL) { u.Host = "no-such-host.invalid" }), []string{"no-such-host.invalid", "is not known", "mend: correct the host's name"}},
		{"no such database", with(func(u *url.URL) { u.Path = "/nowhere" }), []string{"the database nowhere at", "does not exist", "mend: create it, or correct the name"}},
		{"no such user", with(func(u *url.URL) { u.User = url.UserPassword("stranger", secret) }), []string{"does not let us in", "mend: correct the user and the password"}},
		{"no rights", empty.AppURL, []string{"may not make the schema", "mend: name the owner of the database", "permission denied"}},
		{"no address", "postgres://owner:" + secret + "%zz@127.0.0.1/x", []string{"is no address of a PostgreSQL database", "mend: write it as postgres://"}},
		{"not set", "", []string{"OFFRAMP_DATABASE_OWNER_URL: is not set"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := runWith(t.Context(), t, map[string]string{"OFFRAMP_DATABASE_OWNER_URL": c.url}, "", "schema", "up")
			r.want(t, 1, append(c.says, "OFFRAMP_DATABASE_OWNER_URL")...)
			r.hides(t, secret, "tr0ub4dor", url.QueryEscape(secret), url.PathEscape(secret))
		})
	}
}
