package secret

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"offramp/internal/clock"
)

// wrapped begins an envelope that carries its own key, wrapped by a key management service:
// v2.<wrapped key>.<body>, the body bound to the wrapped key and to the owner.
const wrapped = "v2"

// ErrKeys is a key management service that does not answer, or does not let us use its key. What was sealed is not lost.
var ErrKeys = errors.New("secret: the key management service cannot be used now")

// Keys is a key management service. It makes keys for data and opens wrapped ones; the key that wraps them never leaves it.
// Safe for concurrent use.
type Keys interface {
	// Generate returns a fresh key of 32 bytes for a purpose, and the same key wrapped. ErrKeys.
	Generate(ctx context.Context, purpose string) (key, wrapped []byte, err error)
	// Unwrap opens what Generate wrapped for the same purpose. ErrOpen for what no key of ours has wrapped, ErrKeys.
	Unwrap(ctx context.Context, purpose string, wrapped []byte) (key []byte, err error)
}

// VaultOptions say what a vault stands on, and bound how long keys stay in memory. Bounds of zero take the defaults.
type VaultOptions struct {
	Purpose string
	Ring    *Box // of the same purpose: it opens what it sealed, whoever seals now
	Keys    Keys // nil: none
	Retired bool // Keys only open what they sealed earlier; the ring seals
	Clock   clock.Clock

	SealFor  time.Duration // how long one key seals; default a day
	SealMost int           // how many values one key seals; default 10,000
	OpenFor  time.Duration // how long an unwrapped key is kept to open with; default 10 minutes
	OpenMost int           // how many of them are kept; default 1,000
	CallFor  time.Duration // how long the service may take over one call, retries included; default 5 seconds
}

// Vault seals and opens as a Box does, by keys of a key management service where there is one. A key of the service seals many
// values, so that opening a thousand of them asks the service a few times only. Safe for concurrent use.
type Vault struct {
	VaultOptions
	mu      sync.Mutex
	sealing *dataKey
	opened  map[string]*dataKey // by wrapped key
	order   []string            // of opened, the oldest first
}

// dataKey is an unwrapped key and its bounds.
type dataKey struct {
	aead    cipher.AEAD
	wrapped string
	until   time.Time
	left    int
}

// NewVault makes a vault.
func NewVault(o VaultOptions) *Vault {
	if o.Clock == nil {
		o.Clock = clock.System()
	}
	for _, b := range []struct {
		bound *time.Duration
		usual time.Duration
	}{{&o.SealFor, 24 * time.Hour}, {&o.OpenFor, 10 * time.Minute}, {&o.CallFor, 5 * time.Second}} {
		if *b.bound <= 0 {
			*b.bound = b.usual
		}
	}
	if o.SealMost <= 0 {
		o.SealMost = 10_000
	}
	if o.OpenMost <= 0 {
		o.OpenMost = 1000
	}
	return &Vault{VaultOptions: o, opened: map[string]*dataKey{}}
}

// Seal encrypts plain for its owner, as Box.Seal does. ErrKeys.
func (v *Vault) Seal(ctx context.Context, plain, owner string) (string, error) {
	if v.Keys == nil || v.Retired {
		return v.Ring.Seal(plain, owner), nil
	}
	k, err := v.sealer(ctx)
	if err != nil {
		return "", err
	}
	head := wrapped + "." + k.wrapped
	body := k.aead.Seal(nil, nil, []byte(plain), bound(head, owner)) //nolint:gosec // this AEAD takes a random nonce itself and puts it in front
	return head + "." + encoding.EncodeToString(body), nil
}

// Open decrypts an envelope of Seal with the same owner. ErrOpen, ErrKeys.
func (v *Vault) Open(ctx context.Context, envelope, owner string) (string, error) {
	rest, ours := strings.CutPrefix(envelope, wrapped+".")
	if !ours {
		return v.Ring.Open(envelope, owner)
	}
	key, body, _ := strings.Cut(rest, ".")
	text, err := encoding.DecodeString(body)
	if err != nil {
		return "", ErrOpen
	}
	k, err := v.opener(ctx, key)
	if err != nil {
		return "", err
	}
	plain, err := k.aead.Open(nil, nil, text, bound(wrapped+"."+key, owner))
	if err != nil {
		return "", ErrOpen
	}
	return string(plain), nil
}

// Check asks the service for a key and to unwrap it again. ErrKeys, ErrOpen.
func (v *Vault) Check(ctx context.Context) error {
	if v.Keys == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, v.CallFor)
	defer cancel()
	key, wrapped, err := v.Keys.Generate(ctx, v.Purpose)
	if err != nil {
		return err
	}
	again, err := v.Keys.Unwrap(ctx, v.Purpose, wrapped)
	if err == nil && (len(key) != 32 || sha256.Sum256(key) != sha256.Sum256(again)) {
		err = fmt.Errorf("%w: it does not give back what it wrapped", ErrOpen)
	}
	return err
}

// bound is what a body is bound to: its head holds no line break.
func bound(head, owner string) []byte { return []byte(head + "\n" + owner) }

// sealer is the key that seals at present. Two callers who find none may both ask for one; either serves.
func (v *Vault) sealer(ctx context.Context) (*dataKey, error) {
	if k := v.current(); k != nil {
		return k, nil
	}
	ctx, cancel := context.WithTimeout(ctx, v.CallFor)
	defer cancel()
	key, wrapped, err := v.Keys.Generate(ctx, v.Purpose)
	if err != nil {
		return nil, err
	}
	k, err := newDataKey(key, encoding.EncodeToString(wrapped))
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	k.until, k.left = v.Clock.Now().Add(v.SealFor), v.SealMost-1
	v.sealing = k
	return k, nil
}

// current takes one use of the key that seals; nil: there is none, or it has served.
func (v *Vault) current() *dataKey {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := v.sealing
	if k == nil || k.left == 0 || !v.Clock.Now().Before(k.until) {
		v.sealing = nil
		return nil
	}
	k.left--
	return k
}

// opener is the key that an envelope carries.
func (v *Vault) opener(ctx context.Context, wrapped string) (*dataKey, error) {
	if k := v.kept(wrapped); k != nil {
		return k, nil
	}
	blob, err := encoding.DecodeString(wrapped)
	if err != nil || v.Keys == nil {
		return nil, ErrOpen
	}
	ctx, cancel := context.WithTimeout(ctx, v.CallFor)
	defer cancel()
	key, err := v.Keys.Unwrap(ctx, v.Purpose, blob)
	if err != nil {
		return nil, err
	}
	k, err := newDataKey(key, wrapped)
	if err != nil {
		return nil, err
	}
	v.keep(k)
	return k, nil
}

// kept is an unwrapped key that is in memory still, such as the one that seals.
func (v *Vault) kept(wrapped string) *dataKey {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sealing != nil && v.sealing.wrapped == wrapped {
		return v.sealing
	}
	k := v.opened[wrapped]
	if k == nil || !v.Clock.Now().Before(k.until) {
		return nil
	}
	return k
}

// keep keeps an unwrapped key, and forgets what is over and the oldest one beyond the bound.
func (v *Vault) keep(k *dataKey) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.Clock.Now()
	if v.opened[k.wrapped] == nil {
		v.order = append(v.order, k.wrapped)
	}
	k.until = now.Add(v.OpenFor)
	v.opened[k.wrapped] = k
	for len(v.order) > 0 && (len(v.order) > v.OpenMost || !now.Before(v.opened[v.order[0]].until)) {
		delete(v.opened, v.order[0])
		v.order = v.order[1:]
	}
}

// newDataKey readies a key and wipes its bytes.
func newDataKey(key []byte, wrapped string) (*dataKey, error) {
	defer clear(key)
	if len(key) != 32 {
		return nil, fmt.Errorf("%w: it gave a key of %d bytes", ErrKeys, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return &dataKey{aead: aead, wrapped: wrapped}, nil
}
