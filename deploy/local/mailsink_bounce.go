package local

import (
	"cmp"
	"fmt"
	"net/http"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounce is an address whose mails the sink refuses.
type Bounce struct {
	To   string
	Code int // of SMTP: 451 for now, 550 for good; or one of the below
}

// What may become of a mail that the sink takes.
const (
	BounceLater = 1 // it comes back as a report of delivery
	BounceSlow  = 2 // a report says that it is delayed
	BounceHang  = 3 // the sink says nothing after the message
	BounceSpam  = 4 // somebody complains of it
)

// Words says what becomes of a mail to it.
func (b Bounce) Words() string {
	switch {
	case b.Code == BounceLater:
		return "taken, and sent back later"
	case b.Code == BounceSlow:
		return "taken, and delayed"
	case b.Code == BounceHang:
		return "taken without an answer"
	case b.Code == BounceSpam:
		return "taken, and reported as spam"
	case b.Code < 500:
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
var bounceCodes = map[string]int{
	"good": 550, "now": 451, "later": BounceLater, "slow": BounceSlow, "hang": BounceHang, "spam": BounceSpam, "no": 0,
}

// Bounce has mails to an address fare as one of the constants or codes says; 0 takes them again.
func (m *Mail) Bounce(to string, code int) { m.bounce.set(to, code) }

// sendBack writes the report that the page has asked for about a mail, and reports whether the sink answers.
func (m *Mail) sendBack(x Message) (answers bool) {
	for _, to := range x.To {
		switch m.bounce.of(to) {
		case BounceLater:
			m.Reports.Add(reportOf(x, "message/delivery-status", "Reporting-MTA: dns; localhost\r\n\r\nFinal-Recipient: rfc822; "+to+
				"\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 the demo's mailbox knows nobody of this name\r\n"))
		case BounceSlow:
			m.Reports.Add(reportOf(x, "message/delivery-status", "Reporting-MTA: dns; localhost\r\n\r\nFinal-Recipient: rfc822; "+to+
				"\r\nAction: delayed\r\nStatus: 4.4.1\r\nWill-Retry-Until: "+x.At.AddDate(0, 0, 5).Format(time.RFC1123Z)+"\r\n"))
		case BounceSpam:
			m.Reports.Add(reportOf(x, "message/feedback-report", "Feedback-Type: abuse\r\nVersion: 1\r\nUser-Agent: demo\r\n"))
		case BounceHang:
			return false
		}
	}
	return true
}

// reportOf is a report about a mail, to the sender of its envelope.
func reportOf(x Message, kind, fields string) []byte {
	return fmt.Appendf(nil, "From: MAILER-DAEMON@localhost\r\nTo: %s\r\nSubject: About your mail\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/report; boundary=report\r\n\r\n--report\r\nContent-Type: text/plain\r\n\r\nA report about your mail.\r\n"+
		"--report\r\nContent-Type: %s\r\n\r\n%s\r\n--report\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <%s>\r\n\r\n--report--\r\n",
		x.From, kind, fields, x.MessageID)
}

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
