package delivery

import (
	"fmt"
	"net"
	"testing"

	"offramp/internal/outbound"
)

// TestO04_PrivateHostsAndUnknownOnesAreWordedAlike holds what a customer reads of an address of theirs: it must not
// tell which names and addresses our own network has.
func TestO04_PrivateHostsAndUnknownOnesAreWordedAlike(t *testing.T) {
	blocked := diagnose(fmt.Errorf("put: %w", outbound.ErrBlocked), "write")
	unknown := diagnose(fmt.Errorf("put: %w", &net.DNSError{Err: "no such host", Name: "nowhere", IsNotFound: true}), "write")
	blocked.cause, unknown.cause = "", "" // for support alone
	if blocked != unknown || blocked.field != "endpoint" || !blocked.final {
		t.Errorf("a private host: %+v; an unknown one: %+v", blocked, unknown)
	}
}
