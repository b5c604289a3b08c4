package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"offramp/export/source"
	"offramp/export/storage"
	"offramp/internal/config"
	"offramp/internal/fault"
	"offramp/internal/locale"
	"offramp/internal/logging"
)

// trouble is what an operator reads: what is wrong and where, what mends it, and the cause in few words. It holds no
// password, whatever the cause repeats.
type trouble struct {
	what, mend string
	cause      error
}

// Error writes the trouble as it is printed, one point a line.
func (t *trouble) Error() string {
	text := t.what
	if t.mend != "" {
		text += "\n  mend: " + t.mend
	}
	cause := brief(t.cause)
	if said, _, _ := strings.Cut(cause, " (SQLSTATE"); said != "" && !strings.Contains(t.what, said) {
		text += "\n  cause: " + cause
	}
	return text
}

// Unwrap returns the cause.
func (t *trouble) Unwrap() error { return t.cause }

// explain turns any error into what an operator can act on. What it does not know is passed on as it is, on one line.
func explain(err error) error {
	var (
		known    *trouble
		settings config.Problems
		path     *fs.PathError
	)
	switch {
	case err == nil || errors.Is(err, errSilent) || errors.As(err, &known) || errors.As(err, &settings):
		return err
	case errors.Is(err, context.Canceled):
		return &trouble{what: "it was interrupted"}
	case errors.As(err, &path):
		return err
	case source.KindOf(err) != "":
		return sourceTrouble("the source", "OFFRAMP_SOURCE_<KEY>_URL", err)
	case storage.KindOf(err) != "":
		return storageTrouble("the storage", "OFFRAMP_S3_*", err)
	}
	if known := databaseTrouble(databasePlace, err); known != nil {
		return known
	}
	if refused, ok := fault.As(err); ok {
		return errors.New(refusal(refused))
	}
	return errors.New(logging.Scrub(oneLine(err.Error())))
}

// refusal is a noun's refusal in English.
func refusal(e *fault.Error) string {
	var pairs []any
	for name, value := range e.Args {
		pairs = append(pairs, name, value)
	}
	text := locale.For("en").T(e.Key, pairs...)
	var pg *pgconn.PgError
	if cause := e.Unwrap(); cause != nil && !errors.As(cause, &pg) {
		text += ": " + logging.Scrub(oneLine(cause.Error()))
	}
	return text
}

// brief is the innermost words of a cause: what the other side said, or what the network did.
func brief(err error) string {
	const most = 4000
	if err == nil {
		return ""
	}
	var (
		pg  *pgconn.PgError
		api interface { // an S3 server's answer
			error
			ErrorCode() string
			ErrorMessage() string
		}
		name *net.DNSError
		call *net.OpError
	)
	var text string
	switch {
	case errors.As(err, &pg):
		text = fmt.Sprintf("%s (SQLSTATE %s)", pg.Message, pg.Code)
	case errors.As(err, &api):
		text = api.ErrorCode() + ": " + api.ErrorMessage()
	case errors.As(err, &name):
		text = name.Error()
	case errors.As(err, &call):
		text = call.Error()
	case errors.Is(err, context.DeadlineExceeded):
		text = "no answer in time"
	default:
		text = innermost(err).Error()
	}
	text = logging.Scrub(oneLine(text))
	if runes := []rune(text); len(runes) > most {
		text = fmt.Sprintf("%s ... and %d more characters", string(runes[:most]), len(runes)-most)
	}
	return text
}

func innermost(err error) error {
	for {
		switch wrapped := err.(type) { //nolint:errorlint // it walks the chain itself
		case interface{ Unwrap() error }:
			if inner := wrapped.Unwrap(); inner != nil {
				err = inner
				continue
			}
		case interface{ Unwrap() []error }:
			if all := wrapped.Unwrap(); len(all) > 0 {
				err = all[0]
				continue
			}
		}
		return err
	}
}

// listenTrouble explains why a server of ours cannot listen.
func listenTrouble(variable, address string, err error) error {
	return &trouble{
		what: fmt.Sprintf("nothing can listen on %s (%s)", address, variable), cause: err,
		mend: "stop what listens there, or set " + variable + " to another address of this machine, such as 127.0.0.1:8081",
	}
}

// oneLine joins the lines of a text.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
