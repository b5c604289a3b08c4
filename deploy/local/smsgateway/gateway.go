// Package smsgateway is a gateway for short messages on this machine: it takes them over HTTP as real ones do, shows on a page what it
// would have sent, tells the portal by signed messages what became of them, and breaks in the ways that real ones do, number by number.
package smsgateway

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/internal/sms"
)

// Fault is what becomes of messages to a number.
type Fault string

// The faults.
const (
	Fine      Fault = ""
	Limited   Fault = "limited"   // 429, nothing is taken
	Broken    Fault = "broken"    // 500, nothing is taken
	Hang      Fault = "hang"      // the message is taken and sent; no answer comes
	Reset     Fault = "reset"     // the message is taken and sent; the connection is cut
	Refused   Fault = "refused"   // 400, with the code of a number that does not exist
	BadText   Fault = "bad_text"  // 400, about the text
	NoService Fault = "noservice" // taken, and its receipt says that there is no such number
	Failed    Fault = "failed"    // taken, and its receipt says that it failed
	Late      Fault = "late"      // taken, and its receipt waits until it is asked for
	Early     Fault = "early"     // its receipt comes before the answer
	Silent    Fault = "silent"    // taken, and no receipt ever comes
)

// Faults lists them with what they do, for the page.
var Faults = []struct {
	Fault Fault
	Words string
}{
	{Limited, "429: too many, nothing is taken"},
	{Broken, "500: nothing is taken"},
	{Hang, "sent, but no answer comes"},
	{Reset, "sent, but the connection is cut"},
	{Refused, "400: no such number"},
	{BadText, "400: the text is not allowed"},
	{NoService, "taken, then failed: no such number"},
	{Failed, "taken, then failed for another reason"},
	{Late, "taken, receipt only when asked for"},
	{Early, "receipt comes before the answer"},
	{Silent, "taken, no receipt at all"},
}

// Codes of the gateway's refusals and failures.
const (
	CodeNumber = "21211"
	CodeText   = "21617"
	CodeFailed = "30008"
)

// Text is a short message that the gateway has sent.
type Text struct {
	ID        string    `json:"id"`
	Reference string    `json:"reference"`
	To        string    `json:"to"`
	Text      string    `json:"text"`
	Parts     int       `json:"parts"`
	Unicode   bool      `json:"unicode"`
	At        time.Time `json:"at"`
	Receipt   string    `json:"receipt"` // waits, delivered, failed or none
	Stopped   bool      `json:"stopped"` // STOP was answered
}

// Options say how to run a gateway.
type Options struct {
	Address    string        // default: a free port of this machine
	Secret     string        // that callers show as a bearer; default random
	Hook       string        // where receipts and answers go; may be set later by SetHook; empty: nowhere
	HookSecret string        // with which they are signed; default random
	Later      time.Duration // after which receipts go out; 0: at once, and before the next call returns
}

// Gateway is a running gateway.
type Gateway struct {
	URL        string // of the page
	Send       string // where messages are posted
	Secret     string
	HookSecret string

	later  time.Duration
	signer *webhooks.Webhook
	client *http.Client
	stop   func() error
	done   context.Context
	end    context.CancelFunc
	group  sync.WaitGroup

	mu     sync.Mutex
	hook   string
	texts  []Text
	faults map[string]Fault
	calls  int
	count  int
	told   []string // what the portal answered to the last messages
	after  []func() // receipts of messages to numbers that are Late
}

// Start starts a gateway. It runs until Close.
func Start(ctx context.Context, o Options) (*Gateway, error) {
	if o.HookSecret == "" {
		key := make([]byte, 32)
		_, _ = rand.Read(key)
		o.HookSecret = "whsec_" + base64.StdEncoding.EncodeToString(key)
	}
	signer, err := webhooks.NewWebhook(o.HookSecret)
	if err != nil {
		return nil, fmt.Errorf("read the secret of receipts: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(o.Address, "127.0.0.1:0"))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("address %s is taken by another program: %w", o.Address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for short messages: %w", err)
	}
	url := "http://" + l.Addr().String()
	g := &Gateway{
		URL: url, Send: url + "/v1/messages", Secret: cmp.Or(o.Secret, rand.Text()), HookSecret: o.HookSecret, later: o.Later, hook: o.Hook,
		signer: signer, client: &http.Client{Timeout: 10 * time.Second}, faults: map[string]Fault{},
	}
	g.done, g.end = context.WithCancel(context.Background())
	server := &http.Server{Handler: g.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	g.stop = server.Close
	return g, nil
}

// Close stops answering, and waits for receipts that are on their way.
func (g *Gateway) Close() error {
	g.end()
	err := g.stop()
	g.group.Wait()
	return err
}

// SetHook says where receipts and answers go from now on.
func (g *Gateway) SetHook(url string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hook = url
}

// Set says what becomes of messages to a number from now on.
func (g *Gateway) Set(number string, f Fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f == Fine {
		delete(g.faults, number)
		return
	}
	g.faults[number] = f
}

// Texts lists what was sent, newest first.
func (g *Gateway) Texts() []Text {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := slices.Clone(g.texts)
	slices.Reverse(list)
	return list
}

// To lists the texts that were sent to a number, newest first.
func (g *Gateway) To(number string) []Text {
	return slices.DeleteFunc(g.Texts(), func(t Text) bool { return t.To != number })
}

// Calls counts the messages that were posted, taken or not.
func (g *Gateway) Calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}

// Config is that of a portal which sends through this gateway.
func (g *Gateway) Config() sms.Config {
	return sms.Config{
		URL: g.Send, Method: http.MethodPost, Headers: Headers, Secret: g.Secret, Format: sms.JSON, Body: Body, Status: "200-299", IDField: "id",
		CodeField: "code", BadNumber: []string{CodeNumber}, Timeout: 3 * time.Second,
	}
}

// Settings of a portal that sends through this gateway.
const (
	Headers = "Authorization: Bearer {secret}"
	Body    = `{"to": "{number}", "text": "{text}", "client_reference": "{reference}"}`
)

// message is what callers post.
type message struct {
	To        string `json:"to"`
	Text      string `json:"text"`
	Reference string `json:"client_reference"`
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code, words string) {
	answer(w, status, map[string]string{"code": code, "message": words})
}

// whole reports whether a message says all that is needed.
func (m message) whole() bool { return m.To != "" && m.Text != "" && m.Reference != "" }

func (g *Gateway) take(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	var m message
	if err != nil || json.Unmarshal(raw, &m) != nil || !m.whole() {
		refuse(w, http.StatusBadRequest, "20001", "to, text and client_reference are needed")
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+g.Secret {
		refuse(w, http.StatusUnauthorized, "20003", "who are you?")
		return
	}
	if n, err := sms.Number(m.To); err != nil || n != m.To {
		refuse(w, http.StatusBadRequest, CodeNumber, m.To+" is no number")
		return
	}
	g.mu.Lock()
	g.calls++
	fault := g.faults[m.To]
	g.mu.Unlock()
	if refused(w, fault, m.To) {
		return
	}
	t, fresh := g.keep(m)
	if fresh {
		g.plan(t, fault)
	}
	switch fault {
	case Hang:
		select {
		case <-r.Context().Done():
		case <-g.done.Done():
		}
	case Reset:
		reset(w)
	default:
		answer(w, http.StatusCreated, map[string]string{"id": t.ID, "client_reference": t.Reference, "status": "queued"})
	}
}

// refused answers where a fault lets nothing be taken, and reports whether it does.
func refused(w http.ResponseWriter, fault Fault, number string) bool {
	switch fault {
	case Limited:
		w.Header().Set("Retry-After", "30")
		refuse(w, http.StatusTooManyRequests, "20429", "too many")
	case Broken:
		refuse(w, http.StatusInternalServerError, "20500", "broken")
	case Refused:
		refuse(w, http.StatusBadRequest, CodeNumber, number+" is no number")
	case BadText:
		refuse(w, http.StatusBadRequest, CodeText, "this text is not allowed")
	default:
		return false
	}
	return true
}

// keep sends a message once by its reference.
func (g *Gateway) keep(m message) (t Text, fresh bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.IndexFunc(g.texts, func(t Text) bool { return t.Reference == m.Reference }); i >= 0 {
		return g.texts[i], false
	}
	g.count++
	l := sms.Measure(m.Text)
	t = Text{
		ID: fmt.Sprintf("SM%08d", g.count), Reference: m.Reference, To: m.To, Text: m.Text, Parts: l.Parts, Unicode: l.Unicode,
		At: time.Now().UTC(), Receipt: "waits",
	}
	g.texts = append(g.texts, t)
	return t, true
}

// plan sees to it that the receipt of a message goes out when it should.
func (g *Gateway) plan(t Text, fault Fault) {
	switch fault {
	case Silent:
		g.mark(t.ID, "none")
	case Late:
		g.mu.Lock()
		g.after = append(g.after, func() { g.receipt(t, fault) })
		g.mu.Unlock()
	case Early:
		g.receipt(t, fault)
	default:
		g.group.Go(func() {
			select {
			case <-time.After(g.later):
				g.receipt(t, fault)
			case <-g.done.Done():
			}
		})
	}
}

// Release sends the receipts that wait until they are asked for.
func (g *Gateway) Release() {
	g.mu.Lock()
	list := g.after
	g.after = nil
	g.mu.Unlock()
	for _, one := range list {
		one()
	}
}

// mark keeps what the receipt of a message said.
func (g *Gateway) mark(id, receipt string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.texts {
		if g.texts[i].ID == id {
			g.texts[i].Receipt = receipt
		}
	}
}

// receipt tells the portal what became of a message.
func (g *Gateway) receipt(t Text, fault Fault) {
	e := map[string]string{"type": "delivered", "reference": t.Reference}
	switch fault {
	case NoService:
		e["type"], e["code"], e["detail"], e["number"] = "failed", CodeNumber, "no such number", "unknown"
	case Failed:
		e["type"], e["code"], e["detail"] = "failed", CodeFailed, "the network did not say why"
	}
	g.mark(t.ID, e["type"])
	g.tell(e)
}

// Answer answers a text as whoever has the number would.
func (g *Gateway) Answer(number, text string) int {
	if strings.EqualFold(strings.TrimSpace(text), "stop") {
		g.mu.Lock()
		for i := range g.texts {
			g.texts[i].Stopped = g.texts[i].Stopped || g.texts[i].To == number
		}
		g.mu.Unlock()
	}
	return g.tell(map[string]string{"type": "answered", "number": number, "text": text})
}

// tell posts one signed event to the portal, trying again for a while where it does not take it, and returns the last status.
func (g *Gateway) tell(event map[string]string) (status int) {
	g.mu.Lock()
	hook := g.hook
	g.mu.Unlock()
	if hook == "" {
		return 0
	}
	body, err := json.Marshal(map[string]any{"events": []any{event}})
	if err != nil {
		return 0
	}
	id := "msg_" + rand.Text()
	for try := range 4 {
		if try > 0 {
			select {
			case <-time.After(time.Duration(try) * time.Second):
			case <-g.done.Done():
				return status
			}
		}
		if status = g.post(hook, id, body); status/100 == 2 || status == http.StatusBadRequest {
			break
		}
	}
	return status
}

func (g *Gateway) post(hook, id string, body []byte) int {
	now := time.Now()
	signature, err := g.signer.Sign(id, now, body)
	if err != nil {
		return 0
	}
	r, err := http.NewRequestWithContext(g.done, http.MethodPost, hook, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(webhooks.HeaderWebhookID, id)
	r.Header.Set(webhooks.HeaderWebhookTimestamp, fmt.Sprint(now.Unix()))
	r.Header.Set(webhooks.HeaderWebhookSignature, signature)
	response, err := g.client.Do(r)
	line := now.UTC().Format(time.TimeOnly) + " " + string(body) + ": "
	status := 0
	if err == nil {
		status = response.StatusCode
		_ = response.Body.Close()
		line += response.Status
	} else {
		line += err.Error()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.told = append(g.told, line)
	g.told = g.told[max(0, len(g.told)-20):]
	return status
}

// reset ends the connection without a goodbye.
func reset(w http.ResponseWriter) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}
