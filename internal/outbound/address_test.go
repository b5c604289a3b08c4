package outbound

import (
	"errors"
	"net/netip"
	"testing"
)

func TestO04_AnAddressIsCheckedWithoutItsDisguise(t *testing.T) {
	allow := []netip.Prefix{netip.MustParsePrefix("10.20.0.0/16")}
	for text, blocked := range map[string]bool{
		"::ffff:127.0.0.1": true, "::ffff:169.254.169.254": true, "fe80::1%eth0": true, "10.21.0.1": true, "::ffff:10.21.0.1": true,
		"10.20.1.1": false, "::ffff:10.20.1.1": false, "93.184.216.34": false, "::ffff:93.184.216.34": false, "2606:2800:220:1::1": false,
	} {
		err := check(netip.MustParseAddr(text), allow)
		if errors.Is(err, ErrBlocked) != blocked {
			t.Errorf("%s: %v, want blocked %t", text, err, blocked)
		}
	}
}
