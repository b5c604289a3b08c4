package export_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/export/delivery"
	"offramp/export/storage"
)

// across puts a network between us and the customer's bucket.
func (c *deliveryWorld) across() *localtest.Network {
	c.Helper()
	n := localtest.Toxiproxy(c.T, strings.TrimPrefix(localtest.S3(c.T).Endpoint, "http://"))
	c.target.Endpoint = "http://" + n.Address
	return n
}

// delivered holds that every file lies in the customer's bucket as it was proven here, and nothing else but what is
// named.
func (c *deliveryWorld) delivered(others ...string) {
	c.Helper()
	got := c.latest()
	if got.State != delivery.Done {
		c.Fatalf("it is %s: %s", got.State, got.Problem)
	}
	bucket := openBucket(c.T, localtest.S3(c.T).Endpoint, c.theirs, false)
	for i, v := range c.read(c.ready).Volumes {
		if proof, err := bucket.ReadBack(c.Context(), got.Names[i]); err != nil || proof.SHA256 != v.SHA256 {
			c.Errorf("%s: %v, %v", got.Names[i], proof, err)
		}
	}
	want := slices.Sorted(slices.Values(append(slices.Clone(got.Names), others...)))
	if left := c.lies(); !slices.Equal(left, want) {
		c.Errorf("the bucket holds %q, want %q", left, want)
	}
	c.forgotten()
}

// lies lists what is in the customer's bucket, unfinished uploads included.
func (c *deliveryWorld) lies() (keys []string) {
	c.Helper()
	bucket := openBucket(c.T, localtest.S3(c.T).Endpoint, c.theirs, false)
	err := bucket.ListOlder(c.Context(), "", -time.Hour, func(l storage.Leftover) error {
		keys = append(keys, strings.TrimSpace(l.Key+" "+l.UploadID))
		return nil
	})
	if err != nil {
		c.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// TestE17_ANetworkThatFailsCostsTheVolumeInWork copies three files over networks that break off, reset, stand still and
// crawl.
func TestE17_ANetworkThatFailsCostsTheVolumeInWork(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		spoil func(*localtest.Network)
		mend  func(*localtest.Network)
		tries int // that fail
	}{
		"cut": {(*localtest.Network).Cut, (*localtest.Network).Join, 1},
		"reset": {func(n *localtest.Network) {
			n.Add(localtest.Toxic{Kind: "reset_peer", Stream: "upstream", Attributes: map[string]any{"timeout": 0}})
		}, (*localtest.Network).Heal, 1},
		"silent": {func(n *localtest.Network) {
			n.Add(localtest.Toxic{Kind: "timeout", Attributes: map[string]any{"timeout": 0}})
		}, (*localtest.Network).Heal, 1},
		"slow": {func(n *localtest.Network) {
			n.Add(localtest.Toxic{Kind: "latency", Attributes: map[string]any{"latency": 30, "jitter": 10}})
			n.Add(localtest.Toxic{Kind: "bandwidth", Stream: "upstream", Attributes: map[string]any{"rate": 4000}}) // KB/s
			n.Add(localtest.Toxic{Kind: "slicer", Attributes: map[string]any{"average_size": 1000, "size_variation": 500, "delay": 10}})
		}, (*localtest.Network).Heal, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newDeliveryWorld(t, 1500)
			c.split(3)
			n := c.across()
			c.dlv.Stall = 400 * time.Millisecond
			d := c.start()
			var spoilt atomic.Bool
			attempt := func() error {
				return deliver(t.Context(), c.dlv, d, func(at string) {
					if at == "volume 2" && spoilt.CompareAndSwap(false, true) {
						x.spoil(n)
					}
				})
			}
			for range x.tries {
				if err := attempt(); err == nil {
					t.Fatal("delivered over a network that is not there")
				}
				if got := c.latest(); got.State != delivery.Waiting || got.Problem != "delivery.problem.unreachable" || len(got.Names) != 1 {
					t.Errorf("%s: %s, %d files are there", got.State, got.Problem, len(got.Names))
				}
			}
			if x.tries > 0 {
				x.mend(n)
			}
			if err := attempt(); err != nil {
				t.Fatal(err)
			}
			c.delivered()
		})
	}
}

// TestE17_TheNamedRightsAreEnough delivers with accounts that may do just what the page names, less than that, and
// more.
func TestE17_TheNamedRightsAreEnough(t *testing.T) {
	t.Parallel()
	named := []string{"s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"}
	check := "moving/2027/offramp-check.txt"
	for name, x := range map[string]struct {
		prefix  string
		rights  []string
		problem string
		left    []string // beside the files
	}{
		"those that are named":      {"moving/2027/", named, "delivery.check_left", []string{check}},
		"and the one to delete":     {"moving/2027/", append(slices.Clone(named), "s3:DeleteObject"), "", nil},
		"none to read":              {"moving/2027/", []string{"s3:PutObject", "s3:DeleteObject"}, "delivery.problem.denied_read", nil},
		"none to write":             {"moving/2027/", []string{"s3:GetObject"}, "delivery.problem.denied_write", nil},
		"those of another folder":   {"elsewhere/", named, "delivery.problem.denied_write", nil},
		"neither reads nor deletes": {"moving/2027/", []string{"s3:PutObject"}, "delivery.problem.denied_read", []string{check}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newDeliveryWorld(t, 3)
			var err error
			if c.target.AccessKey, c.target.SecretKey, err = localtest.S3(t).Grant(t.Context(), c.theirs, x.prefix, x.rights...); err != nil {
				t.Fatal(err)
			}
			err = deliver(t.Context(), c.dlv, c.start(), nil)
			got := c.latest()
			if got.Problem != x.problem {
				t.Errorf("%s: %q beside %q, %v", got.State, got.Problem, got.Field, err)
			}
			if !strings.HasPrefix(x.problem, "delivery.problem.") {
				c.delivered(x.left...)
				return
			}
			if left := c.lies(); got.State != delivery.Failed || got.Field != "bucket" || !slices.Equal(left, x.left) {
				t.Errorf("%s beside %q, the bucket holds %q", got.State, got.Field, left)
			}
		})
	}
}

// TestE17_NoPartsAreLeftByTheNamedRights stops a copy in the midst of a large file: what was sent of it can be removed
// with the rights that the page names.
func TestE17_NoPartsAreLeftByTheNamedRights(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 14_000) // several parts
	if c.ready.ObjectSize < 10<<20 {
		t.Fatalf("%d bytes are one part", c.ready.ObjectSize)
	}
	var err error
	c.target.AccessKey, c.target.SecretKey, err = localtest.S3(t).Grant(t.Context(), c.theirs, "moving/2027/", "s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject")
	if err != nil {
		t.Fatal(err)
	}
	n := c.across()
	d := c.start()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := deliver(ctx, c.dlv, d, func(at string) {
		if at == "volume 1" {
			n.Add(localtest.Toxic{Kind: "bandwidth", Stream: "upstream", Attributes: map[string]any{"rate": 20_000}})
			go func() {
				defer cancel()
				within(t, patience, "a part is there", func() bool {
					return slices.ContainsFunc(c.lies(), func(key string) bool { return strings.Contains(key, ".zip ") })
				})
			}()
		}
	}); err == nil {
		t.Fatal("it was not stopped")
	}
	n.Heal()
	if left := c.lies(); len(left) != 1 || !strings.HasSuffix(left[0], "offramp-check.txt") {
		t.Errorf("after the stop the bucket holds %q", left)
	}
	if err := deliver(t.Context(), c.dlv, d, nil); err != nil {
		t.Fatal(err)
	}
	c.delivered("moving/2027/offramp-check.txt")
}
