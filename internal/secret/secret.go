// Package secret keeps other people's secrets while we need them: sealed with AES-256-GCM under keys that are derived from
// the installation's own secret by HKDF (RFC 5869), so that a copy of the database opens none of them.
//
// An envelope names its key, so that the installation's secret can be changed: new envelopes use the first one given, old
// ones are opened by whichever made them.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// version begins every envelope.
const version = "v1"

// encoding of an envelope's body; strict, so that one body has one spelling and no altered character goes unseen.
var encoding = base64.RawURLEncoding.Strict()

// ErrOpen is an envelope that none of our keys opens, was altered, or was made for something else.
var ErrOpen = errors.New("secret: the envelope cannot be opened; was the installation's secret changed without keeping the old one?")

// Derive returns 32 bytes for one purpose from the installation's secret. Different purposes give unrelated keys.
func Derive(master []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, master, nil, "offramp "+purpose, 32)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	return key
}

// Box seals and opens. Safe for concurrent use.
type Box struct {
	keys []sealed // the first seals
}

type sealed struct {
	id   string
	aead cipher.AEAD
}

// New makes a box for one purpose from the installation's secret and those that it had before.
func New(purpose string, current []byte, before ...[]byte) (*Box, error) {
	b := &Box{}
	for _, master := range append([][]byte{current}, before...) {
		if len(master) == 0 {
			return nil, errors.New("secret: the installation's secret is empty")
		}
		key := Derive(master, "seal "+purpose)
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("secret: %w", err)
		}
		id := sha256.Sum256(append([]byte("key id "), key...))
		b.keys = append(b.keys, sealed{id: hex.EncodeToString(id[:6]), aead: aead})
	}
	return b, nil
}

// Seal encrypts plain. The envelope opens only with the same owner, such as the id of the row that holds it, so that it is
// of no use in another row.
func (b *Box) Seal(plain, owner string) string {
	k := b.keys[0]
	body := k.aead.Seal(nil, nil, []byte(plain), []byte(owner)) //nolint:gosec // this AEAD takes a random nonce itself and puts it in front
	return strings.Join([]string{version, k.id, encoding.EncodeToString(body)}, ".")
}

// Open decrypts an envelope of Seal with the same owner. ErrOpen.
func (b *Box) Open(envelope, owner string) (string, error) {
	parts := strings.Split(envelope, ".")
	if len(parts) != 3 || parts[0] != version {
		return "", ErrOpen
	}
	body, err := encoding.DecodeString(parts[2])
	if err != nil {
		return "", ErrOpen
	}
	for _, k := range b.keys {
		if k.id != parts[1] {
			continue
		}
		plain, err := k.aead.Open(nil, nil, body, []byte(owner))
		if err != nil {
			return "", ErrOpen
		}
		return string(plain), nil
	}
	return "", ErrOpen
}

// Random returns 256 random bits in hexadecimal.
func Random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return hex.EncodeToString(b[:])
}

// Hash is what is kept of a random secret: it finds the row and does not give the secret back.
func Hash(random string) string {
	sum := sha256.Sum256([]byte(random))
	return hex.EncodeToString(sum[:])
}
