package local

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// stripeReply is an answer, as a key remembers it.
type stripeReply struct {
	Request string `json:"request"` // SHA-256 of the parameters that it answers
	Status  int    `json:"status"`
	Body    []byte `json:"body"`
	Replay  bool   `json:"-"`
}

func (a stripeReply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", "req_"+rand.Text())
	if a.Replay {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

func stripeError(status int, kind, code, parameter, message string) stripeReply {
	fields := map[string]string{"type": kind, "message": message}
	for name, value := range map[string]string{"code": code, "param": parameter} {
		if value != "" {
			fields[name] = value
		}
	}
	body, _ := json.Marshal(map[string]any{"error": fields})
	return stripeReply{Status: status, Body: body}
}

func stripeFound(object any) stripeReply {
	body, err := json.Marshal(object)
	if err != nil {
		return stripeError(http.StatusInternalServerError, "api_error", "", "", err.Error())
	}
	return stripeReply{Status: http.StatusOK, Body: body}
}

func stripeMissing(what, id string) stripeReply {
	return stripeError(http.StatusNotFound, "invalid_request_error", "resource_missing", what, fmt.Sprintf("No such %s: '%s'", what, id))
}

// call answers one call of Stripe's interface. route is the path in Stripe's description.
func (s *Stripe) call(route string, answer func(*http.Request, map[string]any) stripeReply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.now().Format(http.TimeFormat))
		if r.Header.Get("Authorization") != "Bearer "+s.Key {
			stripeError(http.StatusUnauthorized, "invalid_request_error", "", "", "Invalid API Key provided").write(w)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			return
		}
		fault := s.faults.next(r)
		if fault.before() {
			s.broken(w, r, fault, stripeReply{})
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		parameters, err := s.contract.check(strings.ToLower(r.Method)+" "+route, r)
		if err != nil {
			stripeError(http.StatusBadRequest, "invalid_request_error", "parameter_unknown", "", err.Error()).write(w)
			return
		}
		s.mu.Lock()
		reply := s.remembered(r, body, fault, func() stripeReply { return answer(r, parameters) })
		s.mu.Unlock()
		s.broken(w, r, fault, reply)
	}
}

// remembered answers from the memory of the call's key, or does what is asked and remembers. s.mu is held.
func (s *Stripe) remembered(r *http.Request, body []byte, fault StripeFault, do func() stripeReply) stripeReply {
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost || key == "" {
		return do()
	}
	sum := sha256.Sum256(append([]byte(r.URL.Path+"\n"), body...))
	request := hex.EncodeToString(sum[:])
	if kept, ok := s.state.Keys[key]; ok {
		if kept.Request != request {
			return stripeError(http.StatusBadRequest, "idempotency_error", "", "", "Keys for idempotent requests can only be used with the same parameters they were first used with.")
		}
		kept.Replay = true
		return kept
	}
	reply := do()
	if fault == Stripe500Kept {
		reply = stripeError(http.StatusInternalServerError, "api_error", "", "", "An unknown error occurred")
	}
	reply.Request = request
	s.state.Keys[key] = reply
	s.save()
	return reply
}

// createRefund is POST /v1/refunds.
func (s *Stripe) createRefund(r *http.Request, parameters map[string]any) stripeReply {
	id, _ := parameters["payment_intent"].(string)
	if charge, ok := parameters["charge"].(string); ok {
		id = s.charged(charge)
	}
	p := s.state.Payments[id]
	if p == nil {
		return stripeMissing("payment_intent", id)
	}
	left := p.Amount - p.Refunded
	amount := left
	if asked, ok := parameters["amount"]; ok {
		amount, _ = strconv.ParseInt(fmt.Sprint(asked), 10, 64)
	}
	if refusal, refused := refuse(p, amount, left); refused {
		return refusal
	}
	refund := &StripeRefund{
		Number: len(s.state.Refunds) + 1, ID: "re_" + rand.Text(), Payment: p.ID, Amount: amount, Currency: p.Currency,
		Key: r.Header.Get("Idempotency-Key"), Metadata: map[string]string{}, Created: s.now().Truncate(time.Second), Status: "succeeded",
	}
	refund.Reason, _ = parameters["reason"].(string)
	refund.Updated = refund.Created
	if given, ok := parameters["metadata"].(map[string]any); ok {
		for name, value := range given {
			refund.Metadata[name] = fmt.Sprint(value)
		}
	}
	if p.After == StripeLater || p.After == StripeLost {
		refund.Status = "pending"
	}
	p.Refunded += amount
	s.state.Refunds = append(s.state.Refunds, refund)
	s.tell("refund.created", refund)
	s.schedule(refund.ID, p.After)
	return stripeFound(s.object(refund))
}

// refuse says no as Stripe does.
func refuse(p *StripePayment, amount, left int64) (stripeReply, bool) {
	const kind = "invalid_request_error"
	switch {
	case p.After == StripeRefuses:
		return stripeError(http.StatusBadRequest, kind, "charge_not_refundable", "", "This charge cannot be refunded."), true
	case p.After == StripeContested:
		return stripeError(http.StatusBadRequest, kind, "charge_disputed", "", "Charge "+p.Charge+" has been charged back; cannot issue a refund."), true
	case left == 0:
		return stripeError(http.StatusBadRequest, kind, "charge_already_refunded", "", "Charge "+p.Charge+" has already been refunded."), true
	case amount > left: // Stripe gives this one no code
		return stripeError(http.StatusBadRequest, kind, "", "amount", fmt.Sprintf("Refund amount (%d) is greater than unrefunded amount on charge (%d)", amount, left)), true
	case amount <= 0:
		return stripeError(http.StatusBadRequest, kind, "parameter_invalid_integer", "amount", "This value must be greater than or equal to 1."), true
	}
	return stripeReply{}, false
}

// schedule brings the later part of a refund about, when there is one.
func (s *Stripe) schedule(id string, after StripeAfter) {
	status, failure := "", ""
	switch after {
	case StripeLater:
		status = "succeeded"
	case StripeBounces:
		status, failure = "failed", "expired_or_canceled_card"
	case StripeLost:
		status, failure = "failed", "lost_or_stolen_card"
	}
	if status == "" || s.options.Later == 0 {
		return
	}
	s.timers.Go(func() {
		select {
		case <-time.After(s.options.Later):
			_ = s.Settle(id, status, failure) // someone may have settled it by hand
		case <-s.done.Done():
		}
	})
}

// listRefunds is GET /v1/refunds.
func (s *Stripe) listRefunds(_ *http.Request, parameters map[string]any) stripeReply {
	payment, _ := parameters["payment_intent"].(string)
	if charge, ok := parameters["charge"].(string); ok {
		payment = s.charged(charge)
	}
	if payment != "" && s.state.Payments[payment] == nil {
		return stripeMissing("payment_intent", payment)
	}
	limit, _ := strconv.Atoi(fmt.Sprint(cmp.Or(parameters["limit"], any(10))))
	after, _ := parameters["starting_after"].(string)
	page, more := []any{}, false
	for _, r := range slices.Backward(s.state.Refunds) {
		switch {
		case after != "":
			if r.ID == after {
				after = ""
			}
		case payment != "" && r.Payment != payment:
		case len(page) == limit:
			more = true
		default:
			page = append(page, s.object(r))
		}
	}
	return stripeFound(map[string]any{"object": "list", "url": "/v1/refunds", "has_more": more, "data": page})
}

func (s *Stripe) getRefund(r *http.Request, _ map[string]any) stripeReply {
	id := reference(r)
	if found := s.find(id); found != nil {
		return stripeFound(s.object(found))
	}
	return stripeMissing("refund", id)
}

func (s *Stripe) getPayment(r *http.Request, _ map[string]any) stripeReply {
	p := s.state.Payments[reference(r)]
	if p == nil {
		return stripeMissing("payment_intent", reference(r))
	}
	return stripeFound(with(s.contract.intent, map[string]any{
		"id": p.ID, "amount": p.Amount, "amount_received": p.Amount, "currency": p.Currency, "status": "succeeded", "latest_charge": p.Charge,
	}))
}

func (s *Stripe) getCharge(r *http.Request, _ map[string]any) stripeReply {
	p := s.state.Payments[s.charged(reference(r))]
	if p == nil {
		return stripeMissing("charge", reference(r))
	}
	return stripeFound(with(s.contract.charge, map[string]any{
		"id": p.Charge, "amount": p.Amount, "amount_captured": p.Amount, "amount_refunded": p.Refunded, "refunded": p.Refunded == p.Amount,
		"currency": p.Currency, "status": "succeeded", "paid": true, "payment_intent": p.ID,
	}))
}

// charged returns the payment of a charge.
func (s *Stripe) charged(charge string) string {
	for id, p := range s.state.Payments {
		if p.Charge == charge {
			return id
		}
	}
	return charge
}

// object writes a refund as Stripe does.
func (s *Stripe) object(r *StripeRefund) map[string]any {
	fields := map[string]any{
		"id": r.ID, "object": "refund", "amount": r.Amount, "currency": r.Currency, "status": r.Status, "metadata": r.Metadata,
		"created": r.Created.Unix(), "payment_intent": r.Payment, "charge": s.state.Payments[r.Payment].Charge, "reason": nil,
	}
	if r.Reason != "" {
		fields["reason"] = r.Reason
	}
	if r.Failure != "" {
		fields["failure_reason"] = r.Failure
	}
	if r.Status == "pending" {
		fields["pending_reason"] = "processing"
	}
	return with(s.contract.refund, fields)
}
