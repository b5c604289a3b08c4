package local

import (
	"cmp"
	"net/http"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
)

// Bounce is an address whose mails the sink refuses.
type Bounce struct {
	To   string
	Code int // of SMTP: 451 for now, 550 for good
}

// Words says what becomes of a mail to it.
func (b Bounce) Words() string {
	if b.Code < 500 {
		return "refused for now, and tried again"
	}
	return "bounces for good"
}

// bounces are the addresses that the page has set.
type bounces struct {
	mu   sync.Mutex
	code map[string]int // by address in small letters
}

func (b *bounces) of(to string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.code[strings.ToLower(to)]
}

// set has an address bounce; a code of 0 takes its mails again.
func (b *bounces) set(to string, code int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.code == nil {
		b.code = map[string]int{}
	}
	if code == 0 {
		delete(b.code, strings.ToLower(to))
		return
	}
	b.code[strings.ToLower(to)] = code
}

func (b *bounces) list() (all []Bounce) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for to, code := range b.code {
		all = append(all, Bounce{to, code})
	}
	slices.SortFunc(all, func(x, y Bounce) int { return cmp.Compare(x.To, y.To) })
	return all
}

// bounceCodes are what the page's buttons send, as SMTP says it.
var bounceCodes = map[string]int{"good": 550, "now": 451, "no": 0}

// bounceByForm has an address bounce, or takes its mails again.
func (m *Mail) bounceByForm(w http.ResponseWriter, r *http.Request) {
	code, known := bounceCodes[r.PostFormValue("for")]
	to, err := netmail.ParseAddress(strings.TrimSpace(r.PostFormValue("address")))
	if !known || err != nil {
		servePage(w, http.StatusUnprocessableEntity, "notice.html", "", noticePage{Lang: "en", Title: "No such address", Text: "Write one address, such as owner@example.com."})
		return
	}
	m.bounce.set(to.Address, code)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
