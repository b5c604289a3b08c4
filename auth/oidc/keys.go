package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// algorithms are the signatures we take: asymmetric ones only, so that nothing public can sign.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
}

func algorithmNames() []string {
	var names []string
	for _, a := range algorithms {
		names = append(names, string(a))
	}
	return names
}

const keysFresh = time.Hour // withdrawn keys are forgotten after so long

var errSignature = errors.New("no key of the provider made this signature")

// errKeys is a signature that could not be checked for want of keys.
func errKeys(cause error) error { return fmt.Errorf("fetch the provider's keys: %w", cause) }

// outage carries such an error past go-oidc, which flattens its key set's errors to text.
type outage struct{ cause error }

type outageKey struct{}

func withOutage(ctx context.Context) (context.Context, *outage) {
	o := &outage{}
	return context.WithValue(ctx, outageKey{}, o), o
}

func noteOutage(ctx context.Context, cause error) error {
	if o, ok := ctx.Value(outageKey{}).(*outage); ok {
		o.cause = errKeys(cause)
	}
	return cause
}

// keySet checks signatures by the provider's published keys. It takes the place of go-oidc's own set, which asks the
// provider again for each forged key id.
type keySet struct {
	keys *remote[[]jose.JSONWebKey]
}

func newKeySet(client *http.Client, url string) *keySet {
	return &keySet{keys: newRemote(keysFresh, func(ctx context.Context) ([]jose.JSONWebKey, error) {
		return fetchKeys(ctx, client, url)
	})}
}

var _ gooidc.KeySet = (*keySet)(nil)

// VerifySignature implements gooidc.KeySet.
func (k *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(jws.Signatures) != 1 {
		return nil, errSignature
	}
	id := jws.Signatures[0].Header.KeyID
	keys, version, err := k.keys.get(ctx)
	if err != nil {
		return nil, noteOutage(ctx, err)
	}
	payload, known := verify(jws, id, keys)
	if payload != nil {
		return payload, nil
	}
	if known && id != "" {
		return nil, errSignature // a new fetch would not change a key that has this id
	}
	if keys, _, err = k.keys.newer(ctx, version); err != nil {
		return nil, noteOutage(ctx, err)
	}
	if payload, _ = verify(jws, id, keys); payload == nil {
		return nil, errSignature
	}
	return payload, nil
}

// verify tries the keys with this id, or all when the token names none.
func verify(jws *jose.JSONWebSignature, id string, keys []jose.JSONWebKey) (payload []byte, known bool) {
	algorithm := jws.Signatures[0].Header.Algorithm
	for _, key := range keys {
		if id != "" && key.KeyID != id {
			continue
		}
		known = true
		if key.Algorithm != "" && key.Algorithm != algorithm {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, known
}

// fetchKeys reads a JWK set, leaving out keys that are not for signatures or of a kind that we do not know.
func fetchKeys(ctx context.Context, client *http.Client, url string) ([]jose.JSONWebKey, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", res.StatusCode)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && key.IsPublic() && key.Valid() && (key.Use == "" || key.Use == "sig") {
			keys = append(keys, key)
		}
	}
	return keys, nil
}
