package local

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Delivery is one request that the receiver got.
type Delivery struct {
	Number   int               `json:"number"`
	At       time.Time         `json:"at"`
	Path     string            `json:"path"`
	ID       string            `json:"id"` // the webhook-id header, equal in every try of one message
	Header   map[string]string `json:"header"`
	Body     string            `json:"body"`
	Verified bool              `json:"verified"` // its Standard Webhooks signature is ours and recent
	Fault    string            `json:"fault"`    // why it is not verified
	Status   int               `json:"status"`   // what the receiver answered
}

// Answer is what the receiver answers to a delivery. The zero Answer is 204 at once.
type Answer struct {
	Status     int
	Delay      time.Duration // before answering, or until the sender hangs up
	RetryAfter string        // a Retry-After header
	Location   string        // a Location header, for redirects
	Bytes      int64         // the size of the answer's body
}

// WebhookOptions say how to run a receiver.
type WebhookOptions struct {
	Address string // default: a free port of this machine
	Secret  string // "whsec_" and base64; default random
}

// Webhooks is a running receiver of webhooks. Anything posted to it is kept, the last 2,000 deliveries, and shown on a page and
// as JSON at /api/events?id=.
type Webhooks struct {
	URL    string // of the page
	Hook   string // where to post
	Secret string

	box   *inbox[Delivery]
	count atomic.Int64
	stop  func() error

	mu     sync.Mutex
	always Answer
	queued []Answer
}

// StartWebhooks starts a receiver. It runs until Close.
func StartWebhooks(ctx context.Context, o WebhookOptions) (*Webhooks, error) {
	if o.Secret == "" {
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		o.Secret = "whsec_" + base64.StdEncoding.EncodeToString(key)
	}
	verifier, err := standardwebhooks.NewWebhook(o.Secret)
	if err != nil {
		return nil, fmt.Errorf("read webhook secret: %w", err)
	}
	l, err := listen(ctx, o.Address)
	if err != nil {
		return nil, err
	}
	url := "http://" + l.Addr().String()
	h := &Webhooks{URL: url, Hook: url + "/hook", Secret: o.Secret, box: newInbox[Delivery]()}
	h.stop = serve(l, h.handler(verifier))
	return h, nil
}

// Close stops answering.
func (h *Webhooks) Close() error { return h.stop() }

// Events lists the deliveries, newest first.
func (h *Webhooks) Events() []Delivery { return h.box.list(func(Delivery) bool { return true }) }

// Wait returns the newest delivery that matches, as soon as there is one.
func (h *Webhooks) Wait(ctx context.Context, match func(Delivery) bool) (Delivery, error) {
	found, err := h.box.wait(ctx, match)
	if err != nil {
		return found, fmt.Errorf("wait for a webhook: %w", err)
	}
	return found, nil
}

// Clear forgets all deliveries.
func (h *Webhooks) Clear() { h.box.clear() }

// Answer sets what to answer from now on.
func (h *Webhooks) Answer(a Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.always, h.queued = a, nil
}

// AnswerNext sets what to answer to the next deliveries, one answer each; after them, what Answer has set.
func (h *Webhooks) AnswerNext(answers ...Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queued = append(h.queued, answers...)
}

func (h *Webhooks) answer() Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.always
	if len(h.queued) > 0 {
		a, h.queued = h.queued[0], slices.Clone(h.queued[1:])
	}
	if a.Status == 0 {
		a.Status = http.StatusNoContent
		if a.Bytes > 0 {
			a.Status = http.StatusOK
		}
	}
	return a
}

// webhookPage is what web/webhooks.html and web/webhook.html show.
type webhookPage struct {
	Lang, Title, Hook string
	Events            []Delivery
	Event             Delivery
}

func (h *Webhooks) handler(verifier *standardwebhooks.Webhook) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		servePage(w, http.StatusOK, "webhooks.html", "", webhookPage{Lang: "en", Title: "Webhooks", Hook: h.Hook, Events: h.Events()})
	})
	mux.HandleFunc("GET /api/events", func(w http.ResponseWriter, r *http.Request) {
		id := r.FormValue("id")
		serveJSON(w, h.box.list(func(d Delivery) bool { return id == "" || d.ID == id }))
	})
	mux.HandleFunc("GET /events/{number}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("number"))
		found := h.box.list(func(d Delivery) bool { return d.Number == n })
		if len(found) == 0 {
			servePage(w, http.StatusNotFound, "notice.html", "", noticePage{Lang: "en", Title: "No such delivery", Text: "The receiver keeps the last 2,000."})
			return
		}
		servePage(w, http.StatusOK, "webhook.html", "", webhookPage{Lang: "en", Title: "Delivery " + strconv.Itoa(n), Event: found[0]})
	})
	mux.HandleFunc("POST /", h.receive(verifier))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !serveAssets(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
}

func (h *Webhooks) receive(verifier *standardwebhooks.Webhook) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		a := h.answer()
		d := Delivery{
			Number: int(h.count.Add(1)), At: time.Now().UTC(), Path: r.URL.Path, ID: r.Header.Get("webhook-id"), Header: map[string]string{},
			Body: string(body), Verified: true, Status: a.Status,
		}
		for name := range r.Header {
			d.Header[name] = r.Header.Get(name)
		}
		if err := verifier.Verify(body, r.Header); err != nil {
			d.Verified, d.Fault = false, err.Error()
		}
		h.box.add(d)
		a.write(w, r)
	}
}

func (a Answer) write(w http.ResponseWriter, r *http.Request) {
	if a.Delay > 0 {
		select {
		case <-time.After(a.Delay):
		case <-r.Context().Done():
			return
		}
	}
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	if a.Location != "" {
		w.Header().Set("Location", a.Location)
	}
	w.WriteHeader(a.Status)
	for piece := bytes.Repeat([]byte("x"), 32<<10); a.Bytes > 0; a.Bytes -= int64(len(piece)) {
		if _, err := w.Write(piece[:min(a.Bytes, int64(len(piece)))]); err != nil {
			return
		}
	}
}
