package stripe_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"offramp/migration/refund/payout/stripe"
)

func TestCheckTriesTheKeyAndChangesNothing(t *testing.T) {
	provider, c := open(t)
	if err := c.Check(t.Context()); err != nil {
		t.Errorf("without refunds: %v", err)
	}
	refund(t, c, order())
	if err := c.Check(t.Context()); err != nil || len(provider.Refunds()) != 1 {
		t.Errorf("with one: %v, %d refunds", err, len(provider.Refunds()))
	}
	err := client(provider, "sk_test_stranger", time.Minute).Check(t.Context())
	if !errors.Is(err, stripe.ErrKey) || strings.Contains(err.Error(), "stranger") {
		t.Errorf("another key: %v", err)
	}
}

func TestCheckKnowsWhatIsNotStripe(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"a web page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello</html>")) },
		"a failure":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
		"other things": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"object": "list", "data": [{"object": "invoice"}]}`))
		},
	} {
		server := httptest.NewServer(answer)
		err := stripe.New(stripe.Options{Key: "sk_test_1", HTTP: way(time.Minute), URL: server.URL}).Check(t.Context())
		if !errors.Is(err, stripe.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // closed at once: nobody listens there
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	err = stripe.New(stripe.Options{Key: "sk_test_1", HTTP: way(time.Minute), URL: "http://" + l.Addr().String()}).Check(t.Context())
	if err == nil || errors.Is(err, stripe.ErrAnswer) || errors.Is(err, stripe.ErrKey) {
		t.Errorf("nobody: %v", err)
	}
}
