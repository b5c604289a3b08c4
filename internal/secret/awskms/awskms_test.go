package awskms_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"offramp/deploy/local/localkms"
	"offramp/internal/clock"
	"offramp/internal/secret"
	"offramp/internal/secret/awskms"
)

var today = time.Date(2026, time.December, 1, 2, 0, 0, 0, time.UTC)

// service is a key management service of this test's own, with one key.
func service(t *testing.T) (*localkms.Server, string) {
	t.Helper()
	t.Parallel()
	s, err := localkms.Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, newKey(t, s)
}

func newKey(t *testing.T, s *localkms.Server) string {
	t.Helper()
	key, err := s.CreateKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func keys(t *testing.T, s *localkms.Server, key string, old ...string) *awskms.Keys {
	t.Helper()
	k, err := awskms.Open(t.Context(), awskms.Options{
		Key: key, Old: old, Region: localkms.Region, Endpoint: s.URL, AccessKey: "id", SecretKey: "secret", Attempt: 200 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// vault is one process's, with the installation's own secret beside the service.
func vault(t *testing.T, k secret.Keys, change func(*secret.VaultOptions)) *secret.Vault {
	t.Helper()
	ring, err := secret.New("test", []byte("a secret of tests"))
	if err != nil {
		t.Fatal(err)
	}
	o := secret.VaultOptions{Purpose: "test", Ring: ring, Keys: k, Clock: clock.NewManual(today)}
	if change != nil {
		change(&o)
	}
	return secret.NewVault(o)
}

func seal(t *testing.T, v *secret.Vault, plain, owner string) string {
	t.Helper()
	envelope, err := v.Seal(t.Context(), plain, owner)
	if err != nil {
		t.Fatal(err)
	}
	return envelope
}

func opens(t *testing.T, v *secret.Vault, envelope, owner, want string) {
	t.Helper()
	if got, err := v.Open(t.Context(), envelope, owner); err != nil || got != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}

func TestAnEnvelopeCarriesAKeyThatOnlyTheServiceUnwraps(t *testing.T) {
	s, key := service(t)
	v := vault(t, keys(t, s, key), nil)
	envelope := seal(t, v, "CANARY", "row 1")
	if !strings.HasPrefix(envelope, "v2.") || strings.Contains(envelope, "CANARY") || envelope == seal(t, v, "CANARY", "row 1") {
		t.Errorf("%s tells something", envelope)
	}
	other := vault(t, keys(t, s, key), nil) // another process
	opens(t, other, envelope, "row 1", "CANARY")
	parts := strings.Split(envelope, ".")
	another := strings.Split(seal(t, other, "CANARY", "row 1"), ".")
	elsewhere := vault(t, keys(t, s, key), func(o *secret.VaultOptions) { o.Purpose = "another" })
	for name, open := range map[string]func() (string, error){
		"another row":            func() (string, error) { return other.Open(t.Context(), envelope, "row 2") },
		"another purpose":        func() (string, error) { return elsewhere.Open(t.Context(), envelope, "row 1") },
		"another envelope's key": func() (string, error) { return other.Open(t.Context(), "v2."+another[1]+"."+parts[2], "row 1") },
		"a key that is none":     func() (string, error) { return other.Open(t.Context(), "v2.AAAA."+parts[2], "row 1") },
		"no body":                func() (string, error) { return other.Open(t.Context(), "v2."+parts[1], "row 1") },
		"cut":                    func() (string, error) { return other.Open(t.Context(), envelope[:len(envelope)-4], "row 1") },
		"nothing":                func() (string, error) { return other.Open(t.Context(), "", "row 1") },
		"a key of the service's that we do not name": func() (string, error) {
			return vault(t, keys(t, s, newKey(t, s)), nil).Open(t.Context(), envelope, "row 1")
		},
		"no service": func() (string, error) { return vault(t, nil, nil).Open(t.Context(), envelope, "row 1") },
	} {
		if got, err := open(); !errors.Is(err, secret.ErrOpen) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestAThousandValuesAskTheServiceAFewTimes(t *testing.T) {
	s, key := service(t)
	now := clock.NewManual(today)
	v := vault(t, keys(t, s, key), func(o *secret.VaultOptions) { o.Clock = now })
	var envelopes []string
	for i := range 1000 { // over ten days
		envelopes = append(envelopes, seal(t, v, fmt.Sprint(i), "owner"))
		if i%100 == 99 {
			now.Advance(24 * time.Hour)
		}
	}
	if n := s.Calls(); n != 10 {
		t.Errorf("%d calls to seal", n)
	}
	cold := vault(t, keys(t, s, key), func(o *secret.VaultOptions) { o.Clock = now })
	for range 2 {
		for i, e := range envelopes {
			opens(t, cold, e, "owner", fmt.Sprint(i))
		}
	}
	if n := s.Calls(); n != 20 {
		t.Errorf("%d calls to seal and open", n)
	}
	now.Advance(10 * time.Minute)
	opens(t, cold, envelopes[0], "owner", "0")
	if n := s.Calls(); n != 21 {
		t.Errorf("a key is kept beyond its time: %d calls", n)
	}
}

func TestKeysInMemoryAreBounded(t *testing.T) {
	s, key := service(t)
	v := vault(t, keys(t, s, key), func(o *secret.VaultOptions) { o.SealMost, o.OpenMost = 2, 2 })
	var envelopes []string
	for i := range 6 {
		envelopes = append(envelopes, seal(t, v, fmt.Sprint(i), "owner"))
	}
	if n := s.Calls(); n != 3 {
		t.Errorf("%d keys for six values of two each", n)
	}
	opens(t, v, envelopes[5], "owner", "5") // by the key that sealed it just now
	cold := vault(t, keys(t, s, key), func(o *secret.VaultOptions) { o.OpenMost = 2 })
	for _, i := range []int{0, 2, 4, 4, 2, 0} { // the third one drives the first out
		opens(t, cold, envelopes[i], "owner", fmt.Sprint(i))
	}
	if n := s.Calls(); n != 3+4 {
		t.Errorf("%d calls to open", n-3)
	}
}

func TestWhatWasSealedBeforeOpensWhicheverKeysSealNow(t *testing.T) {
	s, first := service(t)
	before := vault(t, nil, nil)
	old := seal(t, before, "by the configuration", "owner")
	if !strings.HasPrefix(old, "v1.") {
		t.Fatal(old)
	}
	v := vault(t, keys(t, s, first), nil)
	opens(t, v, old, "owner", "by the configuration")
	under := seal(t, v, "under the first", "owner")

	second := newKey(t, s)
	rotated := vault(t, keys(t, s, second, first), nil)
	opens(t, rotated, old, "owner", "by the configuration")
	opens(t, rotated, under, "owner", "under the first")
	fresh := seal(t, rotated, "under the second", "owner")
	if _, err := v.Open(t.Context(), fresh, "owner"); !errors.Is(err, secret.ErrOpen) {
		t.Errorf("what is new is not under the new key: %v", err)
	}

	back := vault(t, keys(t, s, "", second, first), func(o *secret.VaultOptions) { o.Retired = true })
	for envelope, want := range map[string]string{old: "by the configuration", under: "under the first", fresh: "under the second"} {
		opens(t, back, envelope, "owner", want)
	}
	if again := seal(t, back, "x", "owner"); !strings.HasPrefix(again, "v1.") {
		t.Errorf("a retired service seals: %s", again)
	}
}

func TestAServiceThatCannotBeUsedIsAClearErrorInTime(t *testing.T) {
	s, key := service(t)
	v := vault(t, keys(t, s, key), nil)
	envelope := seal(t, v, "kept", "owner")
	fresh := func() *secret.Vault {
		return vault(t, keys(t, s, key), func(o *secret.VaultOptions) { o.CallFor = time.Second })
	}
	fails := func(how string) {
		t.Helper()
		from := time.Now()
		if _, err := fresh().Seal(t.Context(), "x", "owner"); !errors.Is(err, secret.ErrKeys) {
			t.Errorf("%s: sealing: %v", how, err)
		}
		if _, err := fresh().Open(t.Context(), envelope, "owner"); !errors.Is(err, secret.ErrKeys) {
			t.Errorf("%s: opening: %v", how, err)
		}
		if err := fresh().Check(t.Context()); !errors.Is(err, secret.ErrKeys) {
			t.Errorf("%s: checking: %v", how, err)
		}
		if took := time.Since(from); took > 30*time.Second {
			t.Errorf("%s: it took %s", how, took)
		}
	}
	if err := s.Disable(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	fails("disabled")
	if err := s.Enable(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	release := s.Stall()
	fails("stalled")
	release()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	fails("stopped")
	seal(t, v, "y", "owner") // its key is in memory
	if err := s.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	opens(t, fresh(), envelope, "owner", "kept")
	if err := fresh().Check(t.Context()); err != nil {
		t.Error(err)
	}
	if err := vault(t, keys(t, s, "no-such-key"), nil).Check(t.Context()); !errors.Is(err, secret.ErrKeys) {
		t.Errorf("a key that does not exist: %v", err)
	}
}

func TestManyAtOnceSealAndOpen(t *testing.T) {
	s, key := service(t)
	v := vault(t, keys(t, s, key), func(o *secret.VaultOptions) { o.SealMost, o.OpenMost = 5, 2 })
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 10 {
				plain := fmt.Sprint(i, j)
				envelope, err := v.Seal(context.Background(), plain, "owner")
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := v.Open(context.Background(), envelope, "owner"); err != nil || got != plain {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
	group.Wait()
}
