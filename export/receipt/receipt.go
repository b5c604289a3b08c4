package receipt

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"offramp/internal/secret"
)

// Kind is the media type of a signed receipt (RFC 7515, section 9.2.1); Type is what its header says it is, so that no
// signature of ours that was meant for something else passes for one.
const (
	Kind = "application/jose"
	Type = "offramp-receipt"
)

// ErrInvalid is a signature that does not prove anything: altered, by an unknown key, or not one of ours at all.
var ErrInvalid = errors.New("receipt: the signature is not valid")

// Key signs receipts.
type Key struct {
	jwk jose.JSONWebKey
}

// NewKey derives the key from the installation's secret.
func NewKey(master []byte) (Key, error) {
	if len(master) == 0 {
		return Key{}, errors.New("receipt: the installation's secret is empty")
	}
	private := ed25519.NewKeyFromSeed(secret.Derive(master, "receipt signature"))
	k := jose.JSONWebKey{Key: private, Algorithm: string(jose.EdDSA), Use: "sig"}
	thumbprint, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return Key{}, fmt.Errorf("receipt: %w", err)
	}
	k.KeyID = base64.RawURLEncoding.EncodeToString(thumbprint)
	return Key{jwk: k}, nil
}

// ID is the thumbprint that signatures and key sets name it by.
func (k Key) ID() string { return k.jwk.KeyID }

// Sign returns a JWS in compact form over payload, the receipt as JSON. The same payload gives the same bytes each time.
func Sign(payload []byte, k Key) ([]byte, error) { return SignAs(Type, payload, k) }

// SignAs is Sign for something else than a receipt: kind is what the header says it is.
func SignAs(kind string, payload []byte, k Key) ([]byte, error) {
	if !json.Valid(payload) {
		return nil, errors.New("receipt: the payload is no JSON")
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: k.jwk}, (&jose.SignerOptions{}).WithType(jose.ContentType(kind)))
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	text, err := signed.CompactSerialize()
	return []byte(text), err
}

// Verify returns the payload of a JWS that one of the keys in jwks (a JWKS as PublicKeys writes it) has made with Ed25519.
// Nothing that the file itself says chooses the algorithm, and no key inside it is looked at. ErrInvalid.
func Verify(jws, jwks []byte) ([]byte, error) { return VerifyAs(Type, jws, jwks) }

// VerifyAs is Verify for what SignAs has signed as that kind.
func VerifyAs(kind string, jws, jwks []byte) ([]byte, error) {
	invalid := func(why string) ([]byte, error) { return nil, fmt.Errorf("%w: %s", ErrInvalid, why) }
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal(jwks, &keys); err != nil {
		return nil, fmt.Errorf("receipt: the key set cannot be read: %w", err)
	}
	signed, err := jose.ParseSignedCompact(string(jws), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(signed.Signatures) != 1 {
		return invalid("it is not a JWS with one EdDSA signature")
	}
	header := signed.Signatures[0].Protected
	if is, _ := header.ExtraHeaders[jose.HeaderType].(string); is != kind {
		if kind != Type {
			return invalid("it is a signature for something else: " + is)
		}
		return invalid("it is a signature for something else than a receipt")
	}
	for _, k := range keys.Key(header.KeyID) {
		public, ok := k.Key.(ed25519.PublicKey)
		if !ok || k.Use != "" && k.Use != "sig" {
			continue
		}
		if payload, err := signed.Verify(public); err == nil {
			return payload, nil
		}
		return invalid("it was altered, or another key has made it")
	}
	return invalid("its key " + header.KeyID + " is not in the key set")
}

// PublicKeys writes the public halves as a JWKS: the key that signs and those that did before the installation's secret was
// changed.
func PublicKeys(keys ...Key) ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range keys {
		set.Keys = append(set.Keys, k.jwk.Public())
	}
	return json.MarshalIndent(set, "", "  ")
}
