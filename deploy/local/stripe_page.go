package local

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/bojanz/currency"
)

// stripePage is what web/stripe.html shows.
type stripePage struct {
	Lang, Title string
	Refunds     []StripeRefund
	Waiting     []string // how the next orders break, in words
}

// stripeOutcomes are the ways in which the page can have the next order break, by the name that its buttons send.
var stripeOutcomes = []struct {
	Name, Words string
	fault       StripeFault
}{
	{"timeout", "no answer, although it is carried out", StripeHangAfter},
	{"lost", "no answer, and nothing is carried out", StripeHangBefore},
	{"error", "an error, although it is carried out", Stripe503After},
	{"refused", "an error, and nothing is carried out", Stripe503Before},
}

func (s *Stripe) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/refunds", s.call("/v1/refunds", s.createRefund))
	mux.HandleFunc("GET /v1/refunds", s.call("/v1/refunds", s.listRefunds))
	mux.HandleFunc("GET /v1/refunds/{refund}", s.call("/v1/refunds/{refund}", s.getRefund))
	mux.HandleFunc("GET /v1/payment_intents/{intent}", s.call("/v1/payment_intents/{intent}", s.getPayment))
	mux.HandleFunc("GET /v1/charges/{charge}", s.call("/v1/charges/{charge}", s.getCharge))
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		stripeError(http.StatusNotFound, "invalid_request_error", "", "", "Unrecognized request URL ("+r.Method+": "+r.URL.Path+")").write(w)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		servePage(w, http.StatusOK, "stripe.html", "form-action 'self'", stripePage{Lang: "en", Title: "Payment provider", Refunds: s.Refunds(), Waiting: s.faults.words()})
	})
	mux.HandleFunc("GET /api/refunds", func(w http.ResponseWriter, _ *http.Request) { serveJSON(w, s.Refunds()) })
	mux.HandleFunc("GET /api/payments", func(w http.ResponseWriter, _ *http.Request) { serveJSON(w, s.Payments()) })
	mux.HandleFunc("GET /api/events", func(w http.ResponseWriter, _ *http.Request) { serveJSON(w, s.Events()) })
	mux.HandleFunc("POST /api/payments", s.seedByCall)
	mux.HandleFunc("POST /refunds/{id}", s.settleByForm)
	mux.HandleFunc("POST /next", s.breakByForm)
	guard := http.NewCrossOriginProtection()
	return guard.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !serveAssets(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
}

// seedByCall adds the payments of a JSON list.
func (s *Stripe) seedByCall(w http.ResponseWriter, r *http.Request) {
	var payments []StripePayment
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 16<<20)).Decode(&payments); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.Seed(payments...)
	w.WriteHeader(http.StatusNoContent)
}

// breakByForm has the next order break in a way; an outcome that is none of them has all go well again.
func (s *Stripe) breakByForm(w http.ResponseWriter, r *http.Request) {
	name, known := r.PostFormValue("outcome"), false
	for _, o := range stripeOutcomes {
		if o.Name == name {
			known = true
			s.FaultNext(o.fault)
		}
	}
	if !known {
		s.faults.clear()
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// words says how the next orders break, in their order.
func (f *stripeFaults) words() (list []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, queued := range f.queued[false] {
		for _, o := range stripeOutcomes {
			if o.fault == queued {
				list = append(list, o.Words)
			}
		}
	}
	return list
}

func (f *stripeFaults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.queued, false)
}

// failsLater is how long the page's button waits before a refund fails: longer than it takes to look at the portal.
const failsLater = 20 * time.Second

// settleByForm is what the page's buttons do.
func (s *Stripe) settleByForm(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("later") == "yes" {
		id, status, failure := r.PathValue("id"), r.PostFormValue("status"), r.PostFormValue("failure")
		s.timers.Go(func() {
			select {
			case <-time.After(failsLater):
				_ = s.Settle(id, status, failure) // settled otherwise meanwhile: then that stays
			case <-s.done.Done():
			}
		})
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if err := s.Settle(r.PathValue("id"), r.PostFormValue("status"), r.PostFormValue("failure")); err != nil {
		servePage(w, http.StatusConflict, "notice.html", "", noticePage{Lang: "en", Title: "That cannot be", Text: err.Error()})
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// stripeAmount writes an amount as Stripe counts it for people. Its units are those of the currency, but for a few that the
// demonstration does not use.
func stripeAmount(amount int64, code string) string {
	a, err := currency.NewAmountFromInt64(amount, strings.ToUpper(code))
	if err != nil {
		return code
	}
	return a.String()
}
