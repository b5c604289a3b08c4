package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// place names a server as operators know it.
type place struct{ name, variable string }

func (p place) String() string { return p.name + " (" + p.variable + ")" }

// databasePlace is the portal's own database where its address is not at hand.
var databasePlace = place{"the database", "OFFRAMP_DATABASE_URL"}

// placeOf names a database by its address, without its password.
func placeOf(variable, url string) place {
	p := place{"the database", variable}
	if c, err := pgconn.ParseConfig(url); err == nil {
		p.name = fmt.Sprintf("the database %s at %s:%d", c.Database, c.Host, c.Port)
	}
	return p
}

// databaseTrouble explains what a PostgreSQL or the way to it did. It returns nil for an error of another kind.
func databaseTrouble(at place, err error) error {
	var (
		pg      *pgconn.PgError
		address *pgconn.ParseConfigError
		dial    *pgconn.ConnectError
		name    *net.DNSError
		network *net.OpError
	)
	say := func(mend, format string, args ...any) error {
		return &trouble{what: fmt.Sprintf(format, args...), mend: mend, cause: err}
	}
	switch {
	case errors.As(err, &address):
		return &trouble{ // without the cause: it may repeat the password, or a piece of it
			what: at.variable + " is no address of a PostgreSQL database",
			mend: "write it as postgres://user:password@host:5432/database, with special characters of the password as %40 and the like",
		}
	case errors.As(err, &pg):
		return stateTrouble(at, pg, err)
	case errors.As(err, &name):
		return say("correct the host's name in "+at.variable, "the host of %s is not known", at)
	case errors.As(err, &dial), errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, context.DeadlineExceeded),
		strings.Contains(err.Error(), "conn closed"): // pgx has no type for it
		return say("start it, or correct the address and what blocks the way to it", "%s does not answer", at)
	}
	return nil
}

// stateTrouble explains PostgreSQL's own refusals.
// Source: PostgreSQL documentation, appendix A, error codes.
func stateTrouble(at place, pg *pgconn.PgError, err error) error {
	t := &trouble{cause: err}
	switch pg.Code {
	case "28P01", "28000":
		t.what, t.mend = at.String()+" does not let us in", "correct the user and the password in "+at.variable+", or what pg_hba.conf allows"
	case "3D000":
		t.what, t.mend = at.String()+" does not exist", "create it, or correct the name in "+at.variable
	case "42P01", "3F000", "42883", "42703":
		t.what, t.mend = at.String()+" has no schema, or an older one than this binary needs", "run: offramp schema up"
	case "42501":
		t.what, t.mend = at.String()+" refuses a right that we need", "run: offramp schema up; then GRANT offramp_serve (for serve) or offramp_work (for the rest) to the user in "+at.variable
	case "53100":
		t.what, t.mend = "the disk of "+at.String()+" is full", "make room there and run it again"
	case "53300":
		t.what, t.mend = at.String()+" has no connection left", "lower OFFRAMP_DATABASE_MAX_CONNS, or raise max_connections there"
	case "25006":
		t.what, t.mend = at.String()+" is read-only", "name the primary server, not a standby, in "+at.variable
	case "57P01", "57P02", "57P03":
		t.what, t.mend = at.String()+" is starting or stopping", "run it again when it is up"
	default:
		return nil
	}
	return t
}

// orAsIs is the explanation, where there is one.
func orAsIs(explained, err error) error {
	if explained != nil {
		return explained
	}
	return err
}
