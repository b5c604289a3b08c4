package smsgateway

import (
	"html/template"
	"maps"
	"net/http"
	"slices"
	"time"

	"offramp/internal/sms"

	_ "embed"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS []byte

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"clock":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"pretty": sms.Pretty,
}).Parse(pageHTML))

// view is what the page shows.
type view struct {
	Texts  []Text
	Faults []set
	Kinds  any
	Told   []string
	Waits  int
}

// set is a number with what becomes of messages to it.
type set struct{ Number, Words string }

func (g *Gateway) view() view {
	v := view{Texts: g.Texts(), Kinds: Faults}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(g.faults)) {
		for _, f := range Faults {
			if f.Fault == g.faults[number] {
				v.Faults = append(v.Faults, set{number, f.Words})
			}
		}
	}
	v.Told, v.Waits = slices.Clone(g.told), len(g.after)
	slices.Reverse(v.Told)
	return v
}

func (g *Gateway) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/messages", g.take)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'")
		h.Set("Cache-Control", "no-store")
		if err := page.Execute(w, g.view()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		_, _ = w.Write(pageCSS)
	})
	mux.HandleFunc("GET /api/texts", func(w http.ResponseWriter, r *http.Request) {
		list := g.Texts()
		if to := r.FormValue("to"); to != "" {
			list = g.To(to)
		}
		answer(w, http.StatusOK, list)
	})
	act := func(do func(r *http.Request)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			do(r)
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}
	}
	mux.HandleFunc("POST /faults", func(w http.ResponseWriter, r *http.Request) {
		number, err := sms.Number(r.FormValue("number"))
		if err != nil {
			http.Error(w, "This is no number. Write it with its country code: +49 1511 2345678", http.StatusUnprocessableEntity)
			return
		}
		g.Set(number, Fault(r.FormValue("fault")))
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /answer", act(func(r *http.Request) { g.Answer(r.FormValue("number"), r.FormValue("text")) }))
	mux.HandleFunc("POST /release", act(func(*http.Request) { g.Release() }))
	return http.NewCrossOriginProtection().Handler(mux)
}
