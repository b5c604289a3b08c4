package outbound_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"offramp/internal/outbound"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func get(t *testing.T, c *http.Client, url string) (*http.Response, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.Do(request)
	if err == nil {
		t.Cleanup(func() { _ = response.Body.Close() })
	}
	return response, err
}

func TestO04_AddressesThatAreNotPublicAreBlockedWhenDialling(t *testing.T) {
	c := outbound.NewClient(outbound.Options{Timeout: 2 * time.Second})
	for _, host := range []string{
		"127.0.0.1", "localhost", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
		"224.0.0.1", "255.255.255.255", "198.18.0.1", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]",
		"[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fc00::1]",
		"[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]", "[ff02::1]",
	} {
		if _, err := get(t, c, "http://"+host+":9/"); !errors.Is(err, outbound.ErrBlocked) {
			t.Errorf("%s: %v, want blocked", host, err)
		}
	}
}

// Spellings that some resolvers read as 127.0.0.1 must not connect, however the machine reads them.
func TestO04_UnusualSpellingsDoNotConnect(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	c := outbound.NewClient(outbound.Options{Timeout: 2 * time.Second, Resolver: answers(t, "127.0.0.1")})
	for _, host := range []string{"2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"} {
		if _, err := get(t, c, "http://"+host+":"+port+"/"); err == nil {
			t.Errorf("%s connected", host)
		}
	}
}

// answers is a resolver on a real name server that gives these addresses in turn, one a question, and then the last.
func answers(t *testing.T, addresses ...string) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	var asked atomic.Int64
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				i := min(int(asked.Add(1)), len(addresses)) - 1
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
					Body:   &dnsmessage.AResource{A: netip.MustParseAddr(addresses[i]).As4()},
				}}
			}
			packed, err := m.Pack()
			if err == nil {
				_, _ = server.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

func TestO04_ANameThatChangesItsAnswerIsCheckedEachTime(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // so that the next call dials again
	}))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	c := outbound.NewClient(outbound.Options{
		Allow:    []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Timeout:  2 * time.Second,
		Resolver: answers(t, "127.0.0.1", "169.254.169.254"),
	})
	if _, err := get(t, c, "http://sink.example.test:"+port+"/"); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, c, "http://sink.example.test:"+port+"/"); !errors.Is(err, outbound.ErrBlocked) {
		t.Errorf("after the name moved: %v, want blocked", err)
	}
}

func TestO04_RedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/next" {
			reached.Store(true)
			return
		}
		http.Redirect(w, r, "/next", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	response, err := get(t, outbound.NewClient(outbound.Options{Allow: loopback}), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusTemporaryRedirect || reached.Load() {
		t.Errorf("status %d, followed %t", response.StatusCode, reached.Load())
	}
}

func TestO03_TheBodyIsCapped(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"announced": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 1001)) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for range 100 {
				_, _ = io.WriteString(w, strings.Repeat("x", 100))
				w.(http.Flusher).Flush()
			}
		},
	} {
		server := httptest.NewServer(handler)
		response, err := get(t, outbound.NewClient(outbound.Options{Allow: loopback, MaxBody: 1000}), server.URL)
		var body []byte
		if err == nil {
			body, err = io.ReadAll(response.Body)
		}
		if !errors.Is(err, outbound.ErrTooLarge) || len(body) > 1000 {
			t.Errorf("%s: %d bytes, %v", name, len(body), err)
		}
		server.Close()
	}
}

func TestABodyOfExactlyTheCapIsRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, strings.Repeat("x", 1000))
	}))
	defer server.Close()
	response, err := get(t, outbound.NewClient(outbound.Options{Allow: loopback, MaxBody: 1000}), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(response.Body); err != nil || len(body) != 1000 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestO03_ASilentServerTimesOut(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	_, err := get(t, outbound.NewClient(outbound.Options{Allow: loopback, Timeout: 100 * time.Millisecond}), server.URL)
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("%v, want a time-out", err)
	}
}

func TestTheEnvironmentsProxyIsNotUsed(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:9")
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := get(t, outbound.NewClient(outbound.Options{Allow: loopback}), server.URL); err != nil {
		t.Error(err)
	}
}

// TestACertificateThatNobodyVouchesForIsRefused calls a server that signed its certificate itself, and one of another name.
func TestACertificateThatNobodyVouchesForIsRefused(t *testing.T) {
	called := false
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	c := outbound.NewClient(outbound.Options{Timeout: 2 * time.Second, Allow: loopback})
	_, err := get(t, c, server.URL)
	var unknown *tls.CertificateVerificationError
	if !errors.As(err, &unknown) || called {
		t.Errorf("called: %v, %v", called, err)
	}
}

// TestOldVersionsOfTLSAreNotSpoken calls a server that knows nothing newer than TLS 1.1.
func TestOldVersionsOfTLSAreNotSpoken(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11} // the old server
	server.StartTLS()
	defer server.Close()
	c := outbound.NewClient(outbound.Options{Timeout: 2 * time.Second, Allow: loopback})
	if _, err := get(t, c, server.URL); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Error(err)
	}
}
