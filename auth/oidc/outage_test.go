package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"offramp/auth"
	"offramp/auth/oidc"
)

// eventually polls, since what it waits for is the passing of real time.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); !done(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestA09_ProviderThatComesLateIsFound(t *testing.T) {
	server := startProvider(t)
	server.Down(true)
	p := oidc.New(config(server.Issuer))
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := p.AuthURL(t.Context(), auth.Challenge{}); !isDown(err) {
				t.Errorf("a provider that is down gives %v", err)
			}
		})
	}
	all.Wait()
	if n := server.Traffic().Discovery; n > 3 {
		t.Errorf("50 visitors asked %d times", n)
	}
	server.Down(false)
	eventually(t, "discovery after an outage", func() bool {
		_, err := p.AuthURL(t.Context(), auth.Challenge{})
		return err == nil
	})
}

func TestA09_KeysAreFetchedOncePerRotation(t *testing.T) {
	server := startProvider(t)
	p := oidc.New(config(server.Issuer))
	verify := func() {
		now := time.Now()
		token, err := server.Sign("logout+jwt", map[string]any{
			"iss": server.Issuer, "aud": clientID, "sub": "u1", "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
			"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
		})
		if err != nil {
			t.Error(err)
			return
		}
		if _, err := p.VerifyLogout(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	crowd := func() {
		var all sync.WaitGroup
		for range 64 {
			all.Go(verify)
		}
		all.Wait()
	}
	crowd()
	if got := server.Traffic(); got.Keys != 1 || got.Discovery != 1 {
		t.Fatalf("a crowd asked %d times for keys and %d times for metadata", got.Keys, got.Discovery)
	}
	if err := server.RotateKey(); err != nil {
		t.Fatal(err)
	}
	crowd()
	if got := server.Traffic(); got.Keys != 2 || got.Discovery != 1 {
		t.Errorf("after a rotation keys were fetched %d times", got.Keys-1)
	}
	server.Down(true)
	verify() // the keys at hand go on
}

func TestA09_ForgedKeyIDsMakeFewFetches(t *testing.T) {
	server := startProvider(t)
	p := oidc.New(config(server.Issuer))
	own, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				token := signed(t, jose.RS256, own, rand.Text(), map[string]any{"iss": server.Issuer})
				if _, err := p.VerifyLogout(t.Context(), token); err == nil {
					t.Error("a forged token was taken")
				}
			}
		})
	}
	all.Wait()
	if n := server.Traffic().Keys; n > 7 {
		t.Errorf("200 forged tokens made %d fetches", n)
	}
}
