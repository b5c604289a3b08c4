package main

import (
	"context"
	"errors"
	"fmt"

	"offramp/deploy/schema"
)

// checkRole looks at whom we sign in to the database as. The web side and the workers are two roles, so that neither
// can do alone what takes both: decide and pay.
func (p *parts) checkRole(ctx context.Context) (string, error) {
	var name string
	var super, bypass, serve, work, both bool
	const sql = `SELECT rolname, rolsuper, rolbypassrls, coalesce(pg_has_role(oid, (SELECT oid FROM pg_roles WHERE rolname = $1), 'MEMBER'), false),
		coalesce(pg_has_role(oid, (SELECT oid FROM pg_roles WHERE rolname = $2), 'MEMBER'), false),
		coalesce(pg_has_role(oid, (SELECT oid FROM pg_roles WHERE rolname = $3), 'MEMBER'), false) FROM pg_roles WHERE rolname = current_user`
	if err := p.db.Pool.QueryRow(ctx, sql, schema.ServeRole, schema.WorkRole, schema.BothRole).Scan(&name, &super, &bypass, &serve, &work, &both); err != nil {
		return "", err
	}
	switch {
	case super || bypass:
		return "", fmt.Errorf("%s is a superuser or has BYPASSRLS: row-level security would not protect customers from each other", name)
	case both || serve && work:
		return "", &trouble{
			what: name + " may what the web side and the workers may together: whoever takes over one of them has both",
			mend: "part them as docs/runbook/upgrade.md says: a role in " + schema.ServeRole + " for serve, another in " + schema.WorkRole + " for the rest",
		}
	case serve:
		return ": " + name + ", for serve", nil
	case work:
		return ": " + name + ", for work and the other commands", nil
	}
	return "", fmt.Errorf("%s is a member of neither %s nor %s", name, schema.ServeRole, schema.WorkRole)
}

// checkRights compares the rights that are there with those that are meant.
func (p *parts) checkRights(ctx context.Context) (string, error) {
	if _, err := p.checkSchema(ctx); err != nil {
		return "", &unproved{"not compared, the schema comes first"}
	}
	found, err := schema.Differences(ctx, p.db.Pool)
	if err != nil {
		return "", err
	}
	const most = 8
	var differences []error
	for i, d := range found {
		if i == most {
			differences = append(differences, &trouble{what: fmt.Sprintf("and %d more", len(found)-most), mend: "run: offramp schema up"})
			break
		}
		differences = append(differences, &trouble{what: d.String(), mend: "run: offramp schema up; it takes back what is not meant, too"})
	}
	return ": as they are meant", errors.Join(differences...)
}
