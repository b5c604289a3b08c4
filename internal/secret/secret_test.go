package secret_test

import (
	"errors"
	"strings"
	"testing"

	"offramp/internal/secret"
)

const base64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func box(t *testing.T, current string, before ...string) *secret.Box {
	t.Helper()
	var old [][]byte
	for _, b := range before {
		old = append(old, []byte(b))
	}
	b, err := secret.New("test", []byte(current), old...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAnEnvelopeOpensForItsOwnerOnly(t *testing.T) {
	b := box(t, "one")
	envelope := b.Seal("CANARY-secret", "row 1")
	if strings.Contains(envelope, "CANARY") || envelope == b.Seal("CANARY-secret", "row 1") {
		t.Errorf("%s tells something", envelope)
	}
	if got, err := b.Open(envelope, "row 1"); err != nil || got != "CANARY-secret" {
		t.Errorf("%q, %v", got, err)
	}
	last := envelope[len(envelope)-1] // of 41 bytes, whose last character bears two bits that mean nothing
	altered := envelope[:len(envelope)-1] + string(base64URL[strings.IndexByte(base64URL, last)^1])
	other, err := secret.New("another purpose", []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (string, error){
		"another row":     func() (string, error) { return b.Open(envelope, "row 2") },
		"altered":         func() (string, error) { return b.Open(altered, "row 1") },
		"cut":             func() (string, error) { return b.Open(envelope[:len(envelope)-8], "row 1") },
		"nothing":         func() (string, error) { return b.Open("", "row 1") },
		"another purpose": func() (string, error) { return other.Open(envelope, "row 1") },
		"another key":     func() (string, error) { return box(t, "two").Open(envelope, "row 1") },
	} {
		if got, err := open(); !errors.Is(err, secret.ErrOpen) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestTheInstallationsSecretCanBeChanged(t *testing.T) {
	before := box(t, "old").Seal("kept", "row")
	now := box(t, "new", "old")
	if got, err := now.Open(before, "row"); err != nil || got != "kept" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := box(t, "new").Open(now.Seal("fresh", "row"), "row"); err != nil || got != "fresh" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := secret.New("test", nil); err == nil {
		t.Error("an empty secret is accepted")
	}
}
