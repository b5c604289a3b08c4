package local

import (
	"bytes"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"
)

//go:embed web
var web embed.FS

// pagePolicy lets a page load its stylesheet and nothing else. Callers add directives for what a page needs beyond that.
const pagePolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'self'"

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"amount": stripeAmount,
	"clock":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"json":   prettyJSON,
	"words":  splitLinks,
}).ParseFS(web, "web/*.html"))

// servePage renders a whole page before it writes any of it.
func servePage(w http.ResponseWriter, status int, name, policy string, data any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", strings.TrimSuffix(pagePolicy+"; "+policy, "; "))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes())
}

// serveAssets answers for the stylesheet and the icon, and says whether it did.
func serveAssets(w http.ResponseWriter, r *http.Request) bool {
	switch r.URL.Path {
	case "/local.css":
		http.ServeFileFS(w, r, web, "web/local.css")
	case "/favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	default:
		return false
	}
	return true
}

func serveJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(v)
}

// prettyJSON indents JSON and leaves everything else as it is.
func prettyJSON(s string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(s), "", "  ") != nil {
		return s
	}
	return b.String()
}

// word is a piece of plain text: an address to follow, or what stands between two of them.
type word struct{ Text, Link string }

var address = regexp.MustCompile(`https?://[^\s<>"']+[^\s<>"'.,;:!?)，。；：）]`)

// splitLinks finds the addresses in plain text.
func splitLinks(s string) []word {
	var words []word
	at := 0
	for _, m := range address.FindAllStringIndex(s, -1) {
		words = append(words, word{Text: s[at:m[0]]}, word{Text: s[m[0]:m[1]], Link: s[m[0]:m[1]]})
		at = m[1]
	}
	return append(words, word{Text: s[at:]})
}
