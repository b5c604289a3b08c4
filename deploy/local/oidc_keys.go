package local

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// signingKey is one RSA key under its id.
type signingKey struct {
	id      string
	private *rsa.PrivateKey
}

func newKey() (*signingKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	return &signingKey{id: rand.Text(), private: private}, nil
}

// loadKey reads the key from a file, or makes one and writes it there. Without a file the key lasts as long as the process.
func loadKey(file string) (*signingKey, error) {
	if file == "" {
		return newKey()
	}
	content, err := os.ReadFile(file) // the caller's own
	if errors.Is(err, os.ErrNotExist) {
		k, err := newKey()
		if err != nil {
			return nil, err
		}
		block := &pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Kid": k.id}, Bytes: x509.MarshalPKCS1PrivateKey(k.private)}
		return k, os.WriteFile(file, pem.EncodeToMemory(block), 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("read signing key: %w", err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, fmt.Errorf("read signing key: %s is not a PEM file", file)
	}
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read signing key from %s: %w", file, err)
	}
	return &signingKey{id: block.Headers["Kid"], private: private}, nil
}

func (k *signingKey) ID() string                                  { return k.id }
func (k *signingKey) Key() any                                    { return k.private }
func (k *signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }

// publicKey is what the key set shows of a signing key.
type publicKey struct{ *signingKey }

func (k publicKey) Key() any                           { return &k.private.PublicKey }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }

// SigningKey is the newest key.
func (s *providerState) SigningKey(context.Context) (op.SigningKey, error) {
	return s.currentKey(), nil
}

func (s *providerState) currentKey() *signingKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys[0]
}

// SignatureAlgorithms lists the one that is used.
func (s *providerState) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256}, nil
}

// KeySet lists all keys that valid tokens may bear.
func (s *providerState) KeySet(context.Context) ([]op.Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var set []op.Key
	for _, k := range s.keys {
		set = append(set, publicKey{k})
	}
	return set, nil
}

// PublicKey is the current key, for tests that misuse it.
func (p *OIDC) PublicKey() *rsa.PublicKey { return &p.state.currentKey().private.PublicKey }

// Sign signs arbitrary claims with the current key: tests forge tokens with it that only one claim makes wrong. typ is the
// header's type, such as "JWT" or "logout+jwt".
func (p *OIDC) Sign(typ string, claims map[string]any) (string, error) {
	return p.state.currentKey().sign(typ, claims)
}

func (k *signingKey) sign(typ string, claims map[string]any) (string, error) {
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", k.id)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: k.private}, options)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return signed.CompactSerialize()
}

// Tamper replaces each ID token on its way from the token endpoint by what change makes of it; nil ends that.
func (p *OIDC) Tamper(change func(idToken string) string) {
	if change == nil {
		p.tamper.Store(nil)
		return
	}
	p.tamper.Store(&change)
}

// tampering applies Tamper to what the token endpoint answers.
func (p *OIDC) tampering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		change := p.tamper.Load()
		if change == nil {
			next.ServeHTTP(w, r)
			return
		}
		held := &heldResponse{header: http.Header{}, status: http.StatusOK}
		next.ServeHTTP(held, r)
		body := held.body.Bytes()
		var answer map[string]any
		if json.Unmarshal(body, &answer) == nil {
			if token, ok := answer["id_token"].(string); ok {
				answer["id_token"] = (*change)(token)
				body, _ = json.Marshal(answer)
			}
		}
		w.Header().Set("Content-Type", held.header.Get("Content-Type"))
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(held.status)
		_, _ = w.Write(body)
	})
}
