package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"offramp/export/source"
	"offramp/export/storage"
	"offramp/internal/logging"
)

// storageTrouble explains what an S3 server or the way to it did. where names the bucket, variable what configures it.
func storageTrouble(where, variable string, err error) error {
	t := &trouble{cause: err}
	var api interface {
		error
		ErrorCode() string
	}
	code := ""
	if errors.As(err, &api) {
		code = api.ErrorCode()
	}
	switch kind := storage.KindOf(err); {
	case code == "NoSuchBucket":
		t.what, t.mend = where+" does not exist", "create the bucket, or correct its name in "+variable
	case full(err, code):
		t.what, t.mend = where+" has no space left", "make room on the storage's disk, or raise its quota"
	case kind == storage.Denied:
		t.what, t.mend = where+" refuses our key", "correct the key in "+variable+"; it needs to put, get, list and delete objects and to abort uploads"
	case kind == storage.Unavailable:
		t.what, t.mend = where+" does not answer as it should", "start it, or correct the address in "+variable
	default:
		t.what, t.mend = where+" cannot be used", "correct "+variable
	}
	return t
}

// full reports whether the storage said that there is no room. Servers have no common code for it.
func full(err error, code string) bool {
	switch code {
	case "QuotaExceeded", "StorageFull", "XMinioStorageFull", "InsufficientCapacity":
		return true
	}
	text := strings.ToLower(err.Error())
	return strings.Contains(text, "no space left") || strings.Contains(text, "insufficient storage") || strings.Contains(text, "disk quota")
}

// sourceTrouble explains what a source of the retired product did.
func sourceTrouble(where, variable string, err error) error {
	t := &trouble{cause: err}
	var (
		pg      *pgconn.PgError
		address *pgconn.ParseConfigError
		own     *source.Error
	)
	if errors.As(err, &address) || errors.As(err, &pg) && (strings.HasPrefix(pg.Code, "28") || pg.Code == "3D000") {
		return databaseTrouble(place{where, variable}, err)
	}
	if storage.KindOf(err) != "" {
		return storageTrouble(fmt.Sprintf("%s (%s)", where, variable), variable, err)
	}
	switch source.KindOf(err) {
	case source.Unavailable:
		t.what, t.mend = fmt.Sprintf("%s (%s) does not answer", where, variable), "start it, or correct the address in "+variable
	case source.Locked:
		t.what, t.mend = where+" has a table locked", "run it again when the lock is gone"
	case source.Denied:
		t.what, t.mend = where+" refuses us", "GRANT SELECT on the table to the user in "+variable+", or correct the address"
	case source.Invalid:
		if pg == nil && errors.As(err, &own) && own.Dataset == "" {
			t.what, t.mend = variable+" cannot be used: "+brief(err), "correct "+variable
			return t
		}
		fallthrough
	default:
		t.what, t.mend = where+" cannot answer: "+queryFault(err), "correct the query in the programme file, or the source"
	}
	return t
}

// queryFault is what is wrong with a query, in one sentence.
func queryFault(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return brief(err)
	}
	text := pg.Message
	if pg.Position > 0 {
		text += fmt.Sprintf(" (character %d of the query)", pg.Position)
	}
	if pg.Hint != "" {
		text += "; " + pg.Hint
	}
	return logging.Scrub(text)
}
