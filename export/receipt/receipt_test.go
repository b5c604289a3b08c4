package receipt_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"offramp/export/receipt"
	"offramp/internal/secret"
)

const payload = `{"export": "EX-10001", "complete": true, "volumes": [{"number": 1, "size": 42, "sha256": "ab"}]}`

func newKey(t *testing.T, master string) receipt.Key {
	t.Helper()
	k, err := receipt.NewKey([]byte(master))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func published(t *testing.T, keys ...receipt.Key) []byte {
	t.Helper()
	set, err := receipt.PublicKeys(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func sign(t *testing.T, k receipt.Key) string {
	t.Helper()
	jws, err := receipt.Sign([]byte(payload), k)
	if err != nil {
		t.Fatal(err)
	}
	return string(jws)
}

func TestASignedReceiptVerifies(t *testing.T) {
	k := newKey(t, "master")
	set := published(t, k, newKey(t, "before"))
	if got, err := receipt.Verify([]byte(sign(t, k)), set); err != nil || string(got) != payload {
		t.Errorf("%s, %v", got, err)
	}
	if sign(t, k) != sign(t, newKey(t, "master")) {
		t.Error("two replicas sign differently")
	}
	if _, err := receipt.Verify([]byte(sign(t, newKey(t, "before"))), set); err != nil {
		t.Errorf("a receipt from before the secret was changed: %v", err)
	}
	if strings.Contains(string(set), `"d"`) {
		t.Errorf("the key set holds a private key: %s", set)
	}
	var keys struct{ Keys []map[string]string }
	if err := json.Unmarshal(set, &keys); err != nil || keys.Keys[0]["kid"] != k.ID() || keys.Keys[0]["kty"] != "OKP" {
		t.Errorf("%v, %v", keys, err)
	}
}

func TestNothingButOurSignatureVerifies(t *testing.T) {
	k := newKey(t, "master")
	set, good := published(t, k), sign(t, k)
	parts := strings.Split(good, ".")
	encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(set, &keys); err != nil {
		t.Fatal(err)
	}
	public := keys.Keys[0].Key.(ed25519.PublicKey)
	foreign := func(alg jose.SignatureAlgorithm, key any, o *jose.SignerOptions) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: k.ID()}}, o)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		text, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	_, mallory, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	typed := func() *jose.SignerOptions { return (&jose.SignerOptions{}).WithType(receipt.Type) }
	for name, jws := range map[string]string{
		"altered payload":                parts[0] + "." + encode(strings.Replace(payload, "42", "43", 1)) + "." + parts[2],
		"no signature":                   parts[0] + "." + parts[1] + ".",
		"algorithm none":                 encode(`{"alg":"none","kid":"`+k.ID()+`","typ":"`+receipt.Type+`"}`) + "." + parts[1] + ".",
		"HMAC with the public key":       foreign(jose.HS256, []byte(public), typed()),
		"another key under our id":       foreign(jose.EdDSA, mallory, typed()),
		"another key that comes with it": foreign(jose.EdDSA, mallory, &jose.SignerOptions{EmbedJWK: true, ExtraHeaders: map[jose.HeaderKey]any{jose.HeaderType: receipt.Type}}),
		"another purpose":                foreign(jose.EdDSA, ed25519.NewKeyFromSeed(secret.Derive([]byte("master"), "receipt signature")), (&jose.SignerOptions{}).WithType("JWT")),
		"an unknown key":                 sign(t, newKey(t, "other")),
		"cut":                            good[:len(good)/2],
		"nothing":                        "",
	} {
		if got, err := receipt.Verify([]byte(jws), set); !errors.Is(err, receipt.ErrInvalid) || got != nil {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	if _, err := receipt.Verify([]byte(good), []byte("{")); err == nil {
		t.Error("a broken key set is accepted")
	}
	if _, err := receipt.Sign([]byte("{"), k); err == nil {
		t.Error("what is no JSON is signed")
	}
}
