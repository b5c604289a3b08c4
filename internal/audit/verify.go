package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"offramp/internal/db"
)

// Kinds of break in the chain.
const (
	Edited     = "edited"       // the row's content does not match its hash
	Missing    = "missing"      // no row has this number
	OutOfOrder = "out_of_order" // the row does not follow the one before it
	Cut        = "cut"          // rows at the end are gone: the head knows them
	Rewritten  = "rewritten"    // the chain is whole, but is not the one whose head was kept elsewhere
)

// Break is the first place at which the chain does not hold.
type Break struct {
	Seq  int64
	Kind string
}

// Head is the end of the chain: its number of entries and the hash of the last, which stands for all before it. Kept
// elsewhere, it proves later that nothing up to it was changed, even by someone who could write every table.
type Head struct {
	Seq  int64
	Hash []byte
}

// String writes the head for keeping, as 1234:ab12….
func (h Head) String() string { return strconv.FormatInt(h.Seq, 10) + ":" + hex.EncodeToString(h.Hash) }

// ParseHead reads what String wrote.
func ParseHead(s string) (Head, error) {
	number, digits, _ := strings.Cut(strings.TrimSpace(s), ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	hash, err2 := hex.DecodeString(digits)
	if err != nil || err2 != nil || seq < 0 || len(hash) != sha256.Size {
		return Head{}, errors.New("a head of the audit log is a number, a colon and 64 hexadecimal digits")
	}
	return Head{Seq: seq, Hash: hash}, nil
}

// Report is what a verification found.
type Report struct {
	Checked int64  // entries read
	Head    Head   // of the log as it is: keep it elsewhere
	Break   *Break // nil: the chain holds

	// Strayed counts entries whose time is further from when the database wrote them than a long transaction takes. A demonstration moves
	// its clock, and there nothing is counted.
	Strayed      int64
	FirstStrayed int64 // the number of the first of them; 0: there is none
}

// strays is how far the time of an entry may be from when the database wrote it. An act bears the time at which it began.
const strays = 15 * time.Minute

// chainSQL reads head and chain in one snapshot. The text is what the hash covers; it is hashed here, so that a changed
// function in the database cannot vouch for changed rows.
const chainSQL = `
	SELECT h.seq, h.hash, coalesce(a.seq, 0), a.prev_hash, a.hash,
	       a.at, CASE WHEN NOT i.demonstration THEN a.detail #>> '{recorded,at}' END,
	       jsonb_build_array(a.seq, extract(epoch FROM a.at), a.actor, a.actor_kind, a.act, a.object, a.customer_id, a.detail)::text
	  FROM audit_head h CROSS JOIN installation i LEFT JOIN audit a ON true ORDER BY a.seq`

// Verify reads the whole log, in constant memory, and names the first place at which the chain does not hold. Heads that
// were kept elsewhere are looked for in it. The error is only about reading.
func Verify(ctx context.Context, d *db.DB, kept ...Head) (Report, error) {
	v := verifier{last: make([]byte, sha256.Size), kept: map[int64][]byte{}}
	for _, h := range kept {
		v.kept[h.Seq] = h.Hash
	}
	err := d.InTx(ctx, db.SystemScope("audit verification"), func(tx *db.Tx) error {
		rows, err := tx.Pgx.Query(ctx, chainSQL)
		if err != nil {
			return err
		}
		var e link
		_, err = pgx.ForEachRow(rows, []any{&v.report.Head.Seq, &v.report.Head.Hash, &e.seq, &e.previous, &e.hash, &e.at, &e.recorded, &e.text}, func() error {
			v.add(e)
			return nil
		})
		return err
	})
	if err != nil {
		return Report{}, fmt.Errorf("verify audit log: %w", err)
	}
	v.end()
	return v.report, nil
}

// link is one row of the chain. An empty log gives one without a number.
type link struct {
	seq            int64
	previous, hash []byte
	at             *time.Time
	recorded       *string // when the database wrote it; nil: it has not said
	text           string
}

type verifier struct {
	report Report
	last   []byte // hash of the row before
	kept   map[int64][]byte
}

func (v *verifier) fail(seq int64, kind string) {
	if v.report.Break == nil {
		v.report.Break = &Break{Seq: seq, Kind: kind}
	}
}

func (v *verifier) add(e link) {
	if e.seq == 0 {
		return
	}
	expected := v.report.Checked + 1
	v.report.Checked++
	if e.at != nil && e.recorded != nil && strayed(*e.at, *e.recorded) {
		if v.report.Strayed++; v.report.Strayed == 1 {
			v.report.FirstStrayed = e.seq
		}
	}
	digest := sha256.Sum256(append(bytes.Clone(e.previous), e.text...))
	switch {
	case e.seq != expected:
		v.fail(expected, Missing)
	case !bytes.Equal(digest[:], e.hash):
		v.fail(e.seq, Edited)
	case !bytes.Equal(e.previous, v.last):
		v.fail(e.seq, OutOfOrder)
	}
	if kept, ok := v.kept[e.seq]; ok && !bytes.Equal(kept, e.hash) {
		v.fail(e.seq, Rewritten)
	}
	v.last = bytes.Clone(e.hash)
}

// strayed reports whether two times are too far apart. One that cannot be read was changed, which the chain shows.
func strayed(at time.Time, recorded string) bool {
	wrote, err := time.Parse(time.RFC3339Nano, recorded)
	return err == nil && wrote.Sub(at).Abs() > strays
}

// end compares the chain with the head, and with heads beyond its end.
func (v *verifier) end() {
	head := v.report.Head
	switch {
	case head.Seq > v.report.Checked:
		v.fail(v.report.Checked+1, Cut)
	case head.Seq < v.report.Checked, !bytes.Equal(head.Hash, v.last):
		v.fail(head.Seq, Rewritten)
	}
	for seq := range v.kept {
		if seq > v.report.Checked {
			v.fail(v.report.Checked+1, Cut)
		}
	}
}
