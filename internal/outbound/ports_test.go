package outbound_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"offramp/internal/outbound"
)

func TestPortsOutsideTheListAreNotDialled(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, text, _ := net.SplitHostPort(server.Listener.Addr().String())
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, outbound.NewClient(outbound.Options{Allow: loopback, Ports: []int{443}}), server.URL); !errors.Is(err, outbound.ErrBlocked) {
		t.Errorf("another port: %v", err)
	}
	if _, err := get(t, outbound.NewClient(outbound.Options{Allow: loopback, Ports: []int{443, port}}), server.URL); err != nil {
		t.Errorf("a port of the list: %v", err)
	}
}
