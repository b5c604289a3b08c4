package page

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// SupportCode is the six digits by which support finds a customer on the telephone, written 7429 51. It is derived, never
// stored, and opens nothing by itself. Without a secret there is none.
func SupportCode(secret []byte, customerID string) string {
	if len(secret) == 0 || customerID == "" {
		return ""
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("support-code:" + customerID))
	n := binary.BigEndian.Uint64(mac.Sum(nil)) % 1_000_000
	return fmt.Sprintf("%04d %02d", n/100, n%100)
}
