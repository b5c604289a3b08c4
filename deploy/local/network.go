package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Network is a TCP proxy in front of a server that behaves badly on request. It starts out as a good network.
type Network struct {
	Address string // connect here instead of to the server

	proxy *toxiproxy.Proxy
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

var quiet sync.Once

// StartNetwork puts a proxy in front of upstream (host:port).
func StartNetwork(name, upstream string) (*Network, error) {
	quiet.Do(func() { zerolog.SetGlobalLevel(zerolog.Disabled) }) // some toxics log every piece, past any logger given
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	n := &Network{proxy: toxiproxy.NewProxy(server, name, "127.0.0.1:0", upstream)}
	if err := n.proxy.Start(); err != nil {
		return nil, fmt.Errorf("start a proxy for %s: %w", name, err)
	}
	n.Address = n.proxy.Listen
	return n, nil
}

// Add adds a fault, also to connections that are open.
func (n *Network) Add(x Toxic) error {
	if x.Toxicity == 0 {
		x.Toxicity = 1
	}
	if x.Attributes == nil {
		x.Attributes = map[string]any{}
	}
	order, err := json.Marshal(x)
	if err != nil {
		return err
	}
	if _, err := n.proxy.Toxics.AddToxicJson(bytes.NewReader(order)); err != nil {
		return fmt.Errorf("add %s: %w", x.Kind, err)
	}
	return nil
}

// Remove removes a fault by its name.
func (n *Network) Remove(name string) error {
	if err := n.proxy.Toxics.RemoveToxic(context.Background(), name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}

// Heal removes every fault.
func (n *Network) Heal() { n.proxy.Toxics.ResetToxics(context.Background()) }

// Cut ends all connections and refuses new ones.
func (n *Network) Cut() { n.proxy.Stop() }

// Join ends a Cut.
func (n *Network) Join() error {
	if err := n.proxy.Start(); err != nil {
		return fmt.Errorf("join network: %w", err)
	}
	return nil
}
