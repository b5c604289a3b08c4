package report

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	netmail "net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // reports come in the character set of whoever writes them
	"golang.org/x/text/encoding/simplifiedchinese"

	"offramp/internal/logging"
)

// What a mail that came back is.
const (
	Bounced   = "bounced"   // Action: failed
	Delayed   = "delayed"   // Action: delayed; whoever reports goes on trying
	Delivered = "delivered" // Action: delivered, relayed or expanded
	Complaint = "complaint" // somebody has marked the mail as spam
	AutoReply = "auto_reply"
	Letter    = "letter"   // somebody's words, or a report that no program can read
	Unread    = "unread"   // no mail at all
	NotSpam   = "not_spam" // somebody has taken a complaint back
)

// Bounds of what is read of a mail. A report comes before the mail that it is about, so that the rest may be left.
const (
	MaxBytes  = 256 << 10
	maxDepth  = 8
	maxParts  = 64
	maxDetail = 200 // characters
	maxTokens = 20
)

// Report is what one mail says about a mail of ours. Nothing of it is believed before Seals.Prove.
type Report struct {
	Kind   string
	Status string    // enhanced status code, such as 5.1.1; empty: it has none
	Code   int       // of the dialogue, where the report quotes it; 0: it does not
	Detail string    // the other server's words, without addresses; empty: it has none
	Until  time.Time // of a delay: how long whoever reports goes on trying; zero: it does not say
	Tokens []string  // what may prove which mail it is about
}

// Read reads a mail that came in, of which it takes at most MaxBytes. to are the addresses of the envelope, where they are known.
// A mail that is none has the kind Unread.
func Read(r io.Reader, to ...string) Report {
	w := &walk{}
	for _, address := range to {
		w.token(address)
	}
	// What is cut off, or is in a character set that nobody knows, is read as far as it goes.
	m, err := message.ReadWithOptions(io.LimitReader(r, MaxBytes), &message.ReadOptions{MaxHeaderBytes: MaxBytes})
	if m == nil || err != nil && !message.IsUnknownCharset(err) && !message.IsUnknownEncoding(err) {
		return Report{Kind: Unread, Tokens: w.tokens}
	}
	for _, name := range []string{"Delivered-To", "X-Original-To", "Envelope-To", "To", "X-Failed-Message-Id", "In-Reply-To", "References"} {
		for fields := m.Header.FieldsByKey(name); fields.Next(); {
			w.token(fields.Value())
		}
	}
	w.part(m, 0)
	w.report.Tokens = w.tokens
	if w.report.Kind == "" {
		w.report.Kind = Letter
		if automatic(m.Header) {
			w.report.Kind = AutoReply
		}
	}
	return w.report
}

// automatic reports whether a program has answered for a person: RFC 3834, and what came before it.
func automatic(h message.Header) bool {
	if auto := strings.ToLower(strings.TrimSpace(h.Get("Auto-Submitted"))); strings.HasPrefix(auto, "auto-replied") {
		return true
	}
	for _, name := range []string{"X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Mail-Autoreply"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return strings.EqualFold(strings.TrimSpace(h.Get("Precedence")), "auto_reply")
}

// walk gathers what the parts of a mail say.
type walk struct {
	report Report
	tokens []string
	parts  int
}

// words that an address or a Message-ID may stand in.
var words = regexp.MustCompile(`[^\s<>,;"()]+@[^\s<>,;"()]+`)

func (w *walk) token(text string) {
	for _, word := range words.FindAllString(text, maxTokens) {
		if t := tokenOf(word); t != "" && len(w.tokens) < maxTokens {
			w.tokens = append(w.tokens, t)
		}
	}
}

// part reads one part of a mail and what is in it.
func (w *walk) part(e *message.Entity, depth int) {
	if w.parts++; w.parts > maxParts || depth > maxDepth {
		return
	}
	kind, _, _ := e.Header.ContentType() // a header that cannot be read has the kind of a text
	switch {
	case strings.HasPrefix(kind, "multipart/"):
		w.within(e.MultipartReader(), depth+1)
	case kind == "message/delivery-status", kind == "message/global-delivery-status":
		w.status(blocks(e.Body))
	case kind == "message/feedback-report":
		w.feedback(blocks(e.Body))
	case kind == "text/rfc822-headers", kind == "message/global-headers", w.report.Kind != "" && isMail(kind):
		w.quoted(e.Body)
	case isMail(kind): // somebody has sent the report on
		if inner, err := message.Read(e.Body); inner != nil && legible(err) {
			w.head(inner.Header)
			w.part(inner, depth+1)
		}
	}
}

// within reads the parts of a multipart; nil: it has none.
func (w *walk) within(parts message.MultipartReader, depth int) {
	for parts != nil {
		p, err := parts.NextPart()
		if p == nil || !legible(err) {
			return
		}
		w.part(p, depth)
	}
}

// legible reports whether a part can be read though its charset or encoding is unknown.
func legible(err error) bool {
	return err == nil || message.IsUnknownCharset(err) || message.IsUnknownEncoding(err)
}

func isMail(kind string) bool { return kind == "message/rfc822" || kind == "message/global" }

// quoted reads the head of the mail that a report is about.
func (w *walk) quoted(body io.Reader) {
	for _, b := range blocks(io.LimitReader(body, 64<<10)) {
		w.token(b["message-id"])
		w.token(b["return-path"])
		return
	}
}

func (w *walk) head(h message.Header) {
	w.token(h.Get("Message-Id"))
	w.token(h.Get("Return-Path"))
	w.token(h.Get("To"))
}

// weight orders what a report may say of several recipients: ours have one, but whoever forwards may name more.
var weight = map[string]int{"": 0, Delivered: 1, Delayed: 2, Bounced: 3}

var actions = map[string]string{
	"failed": Bounced, "delayed": Delayed, "delivered": Delivered, "relayed": Delivered, "expanded": Delivered,
}

// status reads the groups of fields of RFC 3464: one about the mail, then one for each recipient.
func (w *walk) status(groups []map[string]string) {
	for _, g := range groups {
		w.token(g["original-envelope-id"])
		w.token(g["x-original-message-id"])
		action, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(g["action"])), " ")
		kind, known := actions[action]
		if !known || weight[kind] <= weight[w.report.Kind] {
			continue
		}
		r := Report{Kind: kind, Status: statusPattern.FindString(g["status"])}
		_, words, _ := strings.Cut(g["diagnostic-code"], ";")
		r.Detail = Clean(words)
		if found := codePattern.FindStringSubmatch(strings.TrimSpace(words)); found != nil {
			_, _ = fmt.Sscan(found[1], &r.Code) // three digits
			if found[2] != "" && (r.Status == "" || strings.HasSuffix(r.Status, ".0.0")) {
				r.Status = found[2] // the other server's own, where the reporter has only said "failed"
			}
		}
		if until, err := netmail.ParseDate(g["will-retry-until"]); err == nil {
			r.Until = until
		}
		w.report = r
	}
}

var (
	statusPattern = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)
	codePattern   = regexp.MustCompile(`^([245]\d\d)[ -]?(?:([245]\.\d{1,3}\.\d{1,3})\b)?`)
)

// feedback reads a complaint of RFC 5965.
func (w *walk) feedback(groups []map[string]string) {
	for _, g := range groups {
		w.token(g["original-mail-from"])
		w.token(g["original-envelope-id"])
		switch kind := strings.ToLower(strings.TrimSpace(g["feedback-type"])); kind {
		case "":
		case "not-spam":
			w.report = Report{Kind: NotSpam, Detail: kind}
		default:
			w.report = Report{Kind: Complaint, Detail: Clean(kind)}
		}
	}
}

// blocks reads groups of fields with empty lines between them; names are in small letters, and what is no field is passed over.
func blocks(r io.Reader) (groups []map[string]string) {
	lines := bufio.NewReader(io.LimitReader(r, MaxBytes))
	group, last := map[string]string{}, ""
	for {
		line, err := lines.ReadString('\n')
		text := readable(strings.TrimRight(line, "\r\n"))
		name, value, isField := strings.Cut(text, ":")
		switch {
		case strings.TrimSpace(text) == "":
			if len(group) > 0 {
				groups = append(groups, group)
				group, last = map[string]string{}, ""
			}
		case text[0] == ' ' || text[0] == '\t':
			if last != "" {
				group[last] += " " + strings.TrimSpace(text)
			}
		case isField:
			last = strings.ToLower(strings.TrimSpace(name))
			if _, twice := group[last]; !twice {
				group[last] = strings.TrimSpace(value)
			}
		}
		if err != nil || len(groups) > maxParts {
			if len(group) > 0 {
				groups = append(groups, group)
			}
			return groups
		}
	}
}

// readable turns bytes that are no UTF-8 into text: most systems that write so in reports write Chinese in GB 18030.
func readable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	if text, err := simplifiedchinese.GB18030.NewDecoder().String(s); err == nil {
		return text
	}
	return strings.ToValidUTF8(s, "?")
}

// Clean keeps a server's words as evidence: one line of bounded length, without addresses and secrets.
func Clean(s string) string {
	s = logging.Scrub(strings.Join(strings.Fields(readable(s)), " "))
	if runes := []rune(s); len(runes) > maxDetail {
		s = string(runes[:maxDetail])
	}
	return s
}

// StatusOf takes an enhanced status code out of a text; empty: there is none.
func StatusOf(text string) string { return statusPattern.FindString(text) }

// TokensOf lists what stands in a text in the place of tokens: an address, a Message-ID.
func TokensOf(text string) []string {
	w := &walk{}
	w.token(text)
	return w.tokens
}

// ReadBytes is Read of bytes.
func ReadBytes(raw []byte, to ...string) Report { return Read(bytes.NewReader(raw), to...) }
