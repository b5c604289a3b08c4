package audit

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"offramp/internal/db"
	"offramp/internal/outbox"
)

// Signed is a head of the chain, signed with the installation's key at an instant: nobody who has the database alone can make
// one. Its JSON is what is kept.
type Signed struct {
	Head      string    `json:"head"`      // as Head.String writes it
	At        time.Time `json:"at"`        // when it was the end of the chain, in UTC
	Signature string    `json:"signature"` // Ed25519 over the two, base64
}

// ErrSignature is a head that was not signed with a key of this installation.
var ErrSignature = errors.New("the head of the audit log is not signed with a key of this installation")

func (s Signed) text() []byte {
	return []byte("offramp audit head\n" + s.Head + "\n" + s.At.UTC().Format(time.RFC3339Nano))
}

// Signer signs heads and knows its own again.
type Signer struct{ keys []ed25519.PrivateKey } // the first signs, the others did

// NewSigner derives the keys from the installation's secret, and from those that it had before.
func NewSigner(current []byte, before ...[]byte) (*Signer, error) {
	s := &Signer{}
	for _, master := range append([][]byte{current}, before...) {
		seed, err := hkdf.Key(sha256.New, master, nil, "offramp audit head", ed25519.SeedSize)
		if err != nil {
			return nil, fmt.Errorf("derive the audit log's key: %w", err)
		}
		s.keys = append(s.keys, ed25519.NewKeyFromSeed(seed))
	}
	return s, nil
}

func (s *Signer) sign(h Head, at time.Time) Signed {
	signed := Signed{Head: h.String(), At: at.UTC()}
	signed.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(s.keys[0], signed.text()))
	return signed
}

// Read reads a head that was kept. ErrSignature where it is none of ours.
func (s *Signer) Read(body []byte) (signed Signed, h Head, err error) {
	var kept struct {
		Signed
		Data *Signed `json:"data"` // of the event by which a sink was told
	}
	if err := json.Unmarshal(body, &kept); err != nil {
		return signed, h, ErrSignature
	}
	if signed = kept.Signed; kept.Data != nil {
		signed = *kept.Data
	}
	signature, err := base64.StdEncoding.DecodeString(signed.Signature)
	if err != nil {
		return signed, h, ErrSignature
	}
	for _, key := range s.keys {
		if ed25519.Verify(key.Public().(ed25519.PublicKey), signed.text(), signature) {
			h, err = ParseHead(signed.Head)
			return signed, h, err
		}
	}
	return signed, h, ErrSignature
}

// Shelf keeps signed heads out of the database's reach.
type Shelf interface {
	// Keep stores a head under a name that sorts by its instant.
	Keep(ctx context.Context, name string, body []byte) error
	// Each calls fn for every head that is kept, the oldest first; fn's error ends it.
	Each(ctx context.Context, fn func(name string, body []byte) error) error
}

// Keeper keeps heads on a shelf, and checks the log against them.
type Keeper struct {
	DB     *db.DB
	Signer *Signer
	Shelf  Shelf
}

// Checked is what a check against kept heads found.
type Checked struct {
	Report
	Since   *Signed  // the latest kept head that the log was held against; nil: none was kept before
	Kept    int      // how many heads it was held against
	Strange []string // names of what lies among the heads and is none of ours
}

// Keep signs the chain's end as it is and puts it on the shelf. ErrUntold when it lies there and no sink is told of it.
func (k *Keeper) Keep(ctx context.Context) (Signed, error) {
	var h Head
	err := k.DB.InTx(ctx, db.SystemScope("keep audit head"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(ctx, `SELECT seq, hash FROM audit_head`).Scan(&h.Seq, &h.Hash)
	})
	if err != nil {
		return Signed{}, fmt.Errorf("read the audit log's head: %w", err)
	}
	return k.put(ctx, h)
}

func (k *Keeper) put(ctx context.Context, h Head) (Signed, error) {
	signed := k.Signer.sign(h, k.DB.Clock.Now())
	untold := k.tell(ctx, h, signed)
	if untold != nil && !errors.Is(untold, ErrUntold) {
		return Signed{}, untold
	}
	body, err := json.Marshal(signed)
	if err != nil {
		return Signed{}, err
	}
	name := fmt.Sprintf("%s-%012d.json", signed.At.Format("20060102T150405.000000000Z"), h.Seq)
	if err := k.Shelf.Keep(ctx, name, body); err != nil {
		return Signed{}, fmt.Errorf("keep the audit log's head: %w", err)
	}
	return signed, untold
}

// EventType is the event by which each sink of the programme is told of a signed head.
const EventType = "offramp.audit.head.v1"

// ErrUntold is a head that the bucket has and no sink is told of: an event's version ends before the entry's number.
var ErrUntold = errors.New("audit: the log has more than 2,147,483,647 entries, so that sinks are not told of its heads any more; the bucket has them")

// tell has every sink told of a head, which is then out of the database's and the bucket's reach. A head is told of once. ErrUntold.
func (k *Keeper) tell(ctx context.Context, h Head, signed Signed) error {
	if h.Seq > math.MaxInt32 { // of the outbox's versions
		return ErrUntold
	}
	return k.DB.InTx(ctx, db.SystemScope("tell of audit head"), func(tx *db.Tx) error {
		const sql = `SELECT pg_advisory_xact_lock(hashtext($1)), EXISTS (SELECT FROM outbox_event WHERE customer_id = '' AND version = $2 AND type = $1)`
		var told bool
		if err := tx.Pgx.QueryRow(ctx, sql, EventType, h.Seq).Scan(nil, &told); err != nil || told {
			return err
		}
		return outbox.Append(ctx, tx, outbox.Event{Type: EventType, Version: int(h.Seq), Subject: "audit", Data: signed})
	})
}

// Check verifies the whole log against every head that is kept, and against those that the caller brings. Where the chain holds,
// its end is signed and kept, too.
func (k *Keeper) Check(ctx context.Context, brought ...Signed) (c Checked, err error) {
	heads := make([]Head, 0, len(brought))
	take := func(signed Signed, h Head) {
		heads = append(heads, h)
		if c.Since == nil || !signed.At.Before(c.Since.At) {
			c.Since = &signed
		}
	}
	for _, signed := range brought {
		h, err := ParseHead(signed.Head)
		if err != nil {
			return Checked{}, err
		}
		take(signed, h)
	}
	err = k.Shelf.Each(ctx, func(name string, body []byte) error {
		signed, h, err := k.Signer.Read(body)
		if err != nil {
			c.Strange = append(c.Strange, name)
			return nil
		}
		take(signed, h)
		return nil
	})
	if err != nil {
		return Checked{}, fmt.Errorf("read kept heads of the audit log: %w", err)
	}
	c.Kept = len(heads)
	if c.Report, err = Verify(ctx, k.DB, heads...); err != nil || c.Break != nil {
		return c, err
	}
	if _, err = k.put(ctx, c.Head); errors.Is(err, ErrUntold) {
		err = nil // the daily job fails with it, which somebody sees; the check holds
	}
	return c, err
}
