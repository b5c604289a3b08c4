package localtest

import (
	"testing"

	"offramp/deploy/local"
)

// Network is [local.Network] for a test, which fails where the proxy does not do as it is told.
type Network struct {
	Address string // connect here instead of to the server

	t  testing.TB
	in *local.Network
}

// Toxic is one fault of a network.
type Toxic = local.Toxic

// Toxiproxy puts a proxy in front of upstream (host:port) until the test ends. It starts out as a good network.
func Toxiproxy(t testing.TB, upstream string) *Network {
	t.Helper()
	in, err := local.StartNetwork(t.Name(), upstream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(in.Cut)
	return &Network{Address: in.Address, t: t, in: in}
}

// Add adds a fault, also to connections that are open.
func (n *Network) Add(x Toxic) {
	n.t.Helper()
	if err := n.in.Add(x); err != nil {
		n.t.Fatal(err)
	}
}

// Remove removes a fault by its name.
func (n *Network) Remove(name string) {
	n.t.Helper()
	if err := n.in.Remove(name); err != nil {
		n.t.Fatal(err)
	}
}

// Heal removes every fault.
func (n *Network) Heal() { n.in.Heal() }

// Cut ends all connections and refuses new ones.
func (n *Network) Cut() { n.in.Cut() }

// Join ends a Cut.
func (n *Network) Join() {
	n.t.Helper()
	if err := n.in.Join(); err != nil {
		n.t.Fatal(err)
	}
}
