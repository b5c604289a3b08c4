package localtest

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Network is a TCP proxy in front of a server that behaves badly on request.
type Network struct {
	Address string // connect here instead of to the server

	t     testing.TB
	proxy *toxiproxy.Proxy
}

// Toxiproxy puts a proxy in front of upstream (host:port) until the test ends. It starts out as a good network.
func Toxiproxy(t testing.TB, upstream string) *Network {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	n := &Network{t: t, proxy: toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", upstream)}
	if err := n.proxy.Start(); err != nil {
		t.Fatalf("start proxy: %v", err)
	}
	n.Address = n.proxy.Listen
	t.Cleanup(n.proxy.Stop)
	return n
}

// Toxic is one fault of a network; see Toxiproxy's documentation for the kinds: latency, bandwidth, slow_close, timeout,
// reset_peer, slicer, limit_data.
type Toxic struct {
	Name       string         `json:"name,omitempty"` // default: kind_stream
	Kind       string         `json:"type"`
	Stream     string         `json:"stream,omitempty"`   // "downstream" (default: what the server sends) or "upstream"
	Toxicity   float32        `json:"toxicity,omitempty"` // share of connections; default all
	Attributes map[string]any `json:"attributes"`
}

// Add adds a fault, also to connections that are open.
func (n *Network) Add(x Toxic) {
	n.t.Helper()
	if x.Toxicity == 0 {
		x.Toxicity = 1
	}
	if x.Attributes == nil {
		x.Attributes = map[string]any{}
	}
	order, err := json.Marshal(x)
	if err != nil {
		n.t.Fatal(err)
	}
	if _, err := n.proxy.Toxics.AddToxicJson(bytes.NewReader(order)); err != nil {
		n.t.Fatalf("add %s: %v", x.Kind, err)
	}
}

// Remove removes a fault by its name.
func (n *Network) Remove(name string) {
	n.t.Helper()
	if err := n.proxy.Toxics.RemoveToxic(context.Background(), name); err != nil {
		n.t.Fatalf("remove %s: %v", name, err)
	}
}

// Heal removes every fault.
func (n *Network) Heal() { n.proxy.Toxics.ResetToxics(context.Background()) }

// Cut ends all connections and refuses new ones.
func (n *Network) Cut() { n.proxy.Stop() }

// Join ends a Cut.
func (n *Network) Join() {
	n.t.Helper()
	if err := n.proxy.Start(); err != nil {
		n.t.Fatalf("join network: %v", err)
	}
}
