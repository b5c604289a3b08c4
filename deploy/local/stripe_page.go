package local

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/bojanz/currency"
)

// stripePage is what web/stripe.html shows.
type stripePage struct {
	Lang, Title string
	Refunds     []StripeRefund
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
		servePage(w, http.StatusOK, "stripe.html", "form-action 'self'", stripePage{Lang: "en", Title: "Payment provider", Refunds: s.Refunds()})
	})
	mux.HandleFunc("GET /api/refunds", func(w http.ResponseWriter, _ *http.Request) { serveJSON(w, s.Refunds()) })
	mux.HandleFunc("GET /api/payments", func(w http.ResponseWriter, _ *http.Request) { serveJSON(w, s.Payments()) })
	mux.HandleFunc("GET /api/events", func(w http.ResponseWriter, _ *http.Request) { serveJSON(w, s.Events()) })
	mux.HandleFunc("POST /api/payments", s.seedByCall)
	mux.HandleFunc("POST /refunds/{id}", s.settleByForm)
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

// settleByForm is what the page's buttons do.
func (s *Stripe) settleByForm(w http.ResponseWriter, r *http.Request) {
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
