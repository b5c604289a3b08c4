package audit_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"offramp/deploy/local/localtest"
	"offramp/internal/audit"
)

// shelf keeps heads in this process, out of the database's reach.
type shelf struct {
	names  []string
	bodies map[string][]byte
}

func (s *shelf) Keep(_ context.Context, name string, body []byte) error {
	if s.bodies == nil {
		s.bodies = map[string][]byte{}
	}
	s.names, s.bodies[name] = append(s.names, name), slices.Clone(body)
	return nil
}

func (s *shelf) Each(_ context.Context, fn func(name string, body []byte) error) error {
	for _, name := range slices.Sorted(slices.Values(s.names)) {
		if err := fn(name, s.bodies[name]); err != nil {
			return err
		}
	}
	return nil
}

func signer(t *testing.T, secrets ...string) *audit.Signer {
	t.Helper()
	var before [][]byte
	for _, s := range secrets[1:] {
		before = append(before, []byte(s))
	}
	s, err := audit.NewSigner([]byte(secrets[0]), before...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whoever may write every table makes the chain anew with the schema's own function. Signed heads outside catch it.
func TestL02_ASignedHeadCatchesWhatASuperuserMakesAnew(t *testing.T) {
	t.Parallel()
	const again = `DO $$ DECLARE r audit; p bytea := decode(repeat('00', 32), 'hex'); n bigint := 0; BEGIN
		FOR r IN SELECT * FROM audit ORDER BY seq LOOP
			r.prev_hash := p; p := audit_digest(r); n := r.seq;
			UPDATE audit SET prev_hash = r.prev_hash, hash = p WHERE seq = r.seq;
		END LOOP;
		UPDATE audit_head SET seq = n, hash = p;
	END $$`
	for name, c := range map[string]struct {
		tamper []string
		want   audit.Break
	}{
		"edited and hashed anew": {[]string{`UPDATE audit SET actor = 'someone' WHERE seq = 3`, again}, audit.Break{Seq: 5, Kind: audit.Rewritten}},
		"reordered and hashed anew": {[]string{
			`UPDATE audit SET seq = 1003 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 1003`, again,
		}, audit.Break{Seq: 5, Kind: audit.Rewritten}},
		"tail and head cut": {[]string{`DELETE FROM audit WHERE seq > 4`, again}, audit.Break{Seq: 5, Kind: audit.Cut}},
		"emptied":           {[]string{`TRUNCATE audit`, `UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')`}, audit.Break{Seq: 1, Kind: audit.Cut}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := localtest.Database(t)
			d := database.Open(t)
			k := &audit.Keeper{DB: d, Signer: signer(t, "a secret of the installation"), Shelf: &shelf{}}
			record(t, d, 5)
			if _, err := k.Keep(t.Context()); err != nil {
				t.Fatal(err)
			}
			record(t, d, 2)
			super := database.Super(t)
			for _, sql := range c.tamper {
				if _, err := super.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			if r := verify(t, d); r.Break != nil {
				t.Fatalf("the forgery is not consistent: %+v", r.Break)
			}
			got, err := k.Check(t.Context())
			if err != nil || got.Break == nil || *got.Break != c.want {
				t.Errorf("found %+v, %v, want %+v", got.Break, err, c.want)
			}
		})
	}
}

func TestL02_TheCheckSaysSinceWhenTheLogIsComplete(t *testing.T) {
	t.Parallel()
	d := localtest.DB(t)
	s := &shelf{}
	k := &audit.Keeper{DB: d, Signer: signer(t, "the first secret"), Shelf: s}
	record(t, d, 3)
	if got, err := k.Check(t.Context()); err != nil || got.Break != nil || got.Since != nil || len(s.names) != 1 {
		t.Fatalf("before any head: %+v, %v, kept %d", got, err, len(s.names))
	}
	record(t, d, 2)
	k.Signer = signer(t, "the second secret", "the first secret") // the secret was changed: heads from before are ours all the same
	got, err := k.Check(t.Context())
	if err != nil || got.Break != nil || got.Since == nil || got.Since.Head[:2] != "3:" || got.Kept != 1 || len(s.names) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	// A head that somebody else has made proves nothing, and is named.
	stranger := &audit.Keeper{DB: d, Signer: signer(t, "a stranger's secret"), Shelf: s}
	if _, err := stranger.Keep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err = k.Check(t.Context()); err != nil || len(got.Strange) != 1 || got.Kept != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

// An event's version ends before the entries of a very long log do. That is no silence: the head is kept, and the job fails.
func TestL02_AHeadThatNoSinkCanBeToldOfIsAnError(t *testing.T) {
	t.Parallel()
	database := localtest.Database(t)
	d, s := database.Open(t), &shelf{}
	record(t, d, 1)
	const far = `ALTER TABLE audit_head DISABLE TRIGGER ALL; UPDATE audit_head SET seq = 3000000000`
	if _, err := database.Super(t).Exec(t.Context(), far); err != nil {
		t.Fatal(err)
	}
	k := &audit.Keeper{DB: d, Signer: signer(t, "the first secret"), Shelf: s}
	if signed, err := k.Keep(t.Context()); !errors.Is(err, audit.ErrUntold) || !strings.HasPrefix(signed.Head, "3000000000:") || len(s.names) != 1 {
		t.Errorf("%+v, %v, kept %d", signed, err, len(s.names))
	}
}
