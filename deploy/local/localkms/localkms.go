// Package localkms is a key management service that speaks the protocol of AWS's, for tests and trials.
package localkms

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nsmithuk/local-kms/src"
	"github.com/nsmithuk/local-kms/src/config"
	"github.com/nsmithuk/local-kms/src/data"
)

// Region is where its keys are.
const Region = "eu-central-1"

// The part keeps these in package variables.
var once sync.Once

// Server is one service with keys of its own, on a loopback address.
type Server struct {
	URL string

	database *data.Database
	http     *http.Server
	address  string
	calls    atomic.Int64
	stalled  atomic.Pointer[chan struct{}]
}

// Start starts a service that keeps its keys in a folder.
func Start(ctx context.Context, dir string) (*Server, error) {
	once.Do(func() { config.AWSRegion, config.AWSAccountId = Region, "111122223333" })
	s := &Server{database: data.NewDatabase(dir)}
	return s, s.listen(ctx, "127.0.0.1:0")
}

func (s *Server) listen(ctx context.Context, address string) error {
	var l net.ListenConfig
	listener, err := l.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.address = listener.Addr().String()
	s.URL = "http://" + s.address
	s.http = &http.Server{Handler: http.HandlerFunc(s.answer), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.http.Serve(listener) }()
	return nil
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	if gate := s.stalled.Load(); gate != nil {
		select {
		case <-*gate:
		case <-r.Context().Done():
			return
		}
	}
	if target := r.Header.Get("X-Amz-Target"); strings.HasSuffix(target, ".GenerateDataKey") || strings.HasSuffix(target, ".Decrypt") {
		s.calls.Add(1)
	}
	src.HandleRequest(w, r, s.database)
}

// Calls is how often data keys were made or unwrapped.
func (s *Server) Calls() int64 { return s.calls.Load() }

// CreateKey makes a key and returns its id.
func (s *Server) CreateKey(ctx context.Context) (string, error) {
	var made struct {
		KeyMetadata struct {
			ID string `json:"KeyId"`
		}
	}
	err := s.call(ctx, "CreateKey", map[string]any{}, &made)
	return made.KeyMetadata.ID, err
}

// Disable takes a key out of use; Enable puts it back.
func (s *Server) Disable(ctx context.Context, key string) error {
	return s.call(ctx, "DisableKey", map[string]any{"KeyId": key}, nil)
}

// Enable puts a key back into use.
func (s *Server) Enable(ctx context.Context, key string) error {
	return s.call(ctx, "EnableKey", map[string]any{"KeyId": key}, nil)
}

func (s *Server) call(ctx context.Context, act string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/", strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "TrentService."+act)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", act, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", act, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// Stop cuts every connection and answers nobody until Resume.
func (s *Server) Stop() error { return s.http.Close() }

// Resume answers again, at the same address.
func (s *Server) Resume(ctx context.Context) error { return s.listen(ctx, s.address) }

// Stall takes requests and leaves them unanswered until the returned function is called.
func (s *Server) Stall() (release func()) {
	gate := make(chan struct{})
	s.stalled.Store(&gate)
	return sync.OnceFunc(func() {
		s.stalled.Store(nil)
		close(gate)
	})
}

// Close ends the service.
func (s *Server) Close() error {
	err := s.http.Close()
	s.database.Close()
	return err
}
