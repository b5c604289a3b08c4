package feedback

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// A draft is sealed with a key that is made from the link, which the mail alone holds: whoever reads the database cannot read what
// somebody was about to say.

func box(token string) (cipher.AEAD, error) {
	key := sha256.Sum256([]byte("offramp feedback draft\n" + token))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("seal a draft: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func seal(token string, draft map[string]string) ([]byte, error) {
	plain, err := json.Marshal(draft)
	if err != nil {
		return nil, fmt.Errorf("seal a draft: %w", err)
	}
	b, err := box(token)
	if err != nil {
		return nil, err
	}
	return b.Seal(nil, nil, plain, nil), nil //nolint:gosec // this AEAD makes its own nonce
}

func unseal(token string, sealed []byte) (map[string]string, error) {
	draft := map[string]string{}
	if len(sealed) == 0 {
		return draft, nil
	}
	b, err := box(token)
	if err != nil {
		return nil, err
	}
	plain, err := b.Open(nil, nil, sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("open a draft: %w", err)
	}
	if err := json.Unmarshal(plain, &draft); err != nil {
		return nil, fmt.Errorf("open a draft: %w", err)
	}
	return draft, nil
}

// newToken makes what stands in a link: 130 bits.
func newToken() string { return rand.Text() }
