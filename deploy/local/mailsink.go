package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/emersion/go-message/charset" // mails come in other character sets too
	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"

	"offramp/deploy/local/pop3"
)

// Message is one mail that the sink has taken.
type Message struct {
	ID          int               `json:"id"`
	At          time.Time         `json:"at"`
	From        string            `json:"from"` // of the envelope
	To          []string          `json:"to"`   // of the envelope
	Subject     string            `json:"subject"`
	Text        string            `json:"text"`
	HTML        string            `json:"html"`
	MessageID   string            `json:"message_id"`
	Header      map[string]string `json:"header"` // the first value of each field
	Attachments []Attachment      `json:"attachments"`
	Raw         []byte            `json:"-"`
}

// Attachment is a file in a mail.
type Attachment struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Size int    `json:"size"`
	Data []byte `json:"-"`
}

// MailOptions say where a sink listens; empty means a free port of this machine.
type MailOptions struct{ SMTPAddress, WebAddress, POPAddress string }

// Mail is a running SMTP server that keeps what it gets, the last 2,000 mails, and shows it on a page and as JSON at
// /api/messages?to=.
type Mail struct {
	SMTP string // host:port
	URL  string // of the page
	POP  string // host:port of the mailbox that reports about mails come to, by POP3; the user is ReportUser

	// Reports is that mailbox.
	Reports *pop3.Server

	box    *inbox[Message]
	next   atomic.Int64
	refuse atomic.Pointer[func(to string) int]
	bounce bounces
	lines  mailLines
	smtp   *smtp.Server
	stop   func() error
	hung   chan struct{} // closed when the sink is

	closing sync.Once
}

// StartMail starts a sink. It runs until Close.
func StartMail(ctx context.Context, o MailOptions) (*Mail, error) {
	incoming, err := listen(ctx, o.SMTPAddress)
	if err != nil {
		return nil, err
	}
	page, err := listen(ctx, o.WebAddress)
	if err != nil {
		_ = incoming.Close()
		return nil, err
	}
	reports, err := listen(ctx, o.POPAddress)
	if err != nil {
		_, _ = incoming.Close(), page.Close()
		return nil, err
	}
	m := &Mail{POP: reports.Addr().String(), Reports: &pop3.Server{User: ReportUser, Password: ReportPassword}, SMTP: incoming.Addr().String(), URL: "http://" + page.Addr().String(), box: newInbox[Message](), hung: make(chan struct{})}
	m.smtp = smtp.NewServer(m)
	m.smtp.Domain = "localhost"
	m.smtp.ReadTimeout, m.smtp.WriteTimeout = time.Minute, time.Minute
	m.smtp.MaxMessageBytes, m.smtp.MaxRecipients = 25<<20, 100
	m.smtp.AllowInsecureAuth = true
	go func() { _ = m.smtp.Serve(incoming) }()
	go m.Reports.Serve(reports)
	stop := serve(page, m.handler())
	m.stop = func() error { return errors.Join(stop(), reports.Close()) }
	return m, nil
}

// Who signs in to the mailbox of reports.
const (
	ReportUser     = "bounces"
	ReportPassword = "demo"
)

// Close stops taking mail and answering.
func (m *Mail) Close() error {
	m.closing.Do(func() { close(m.hung) })
	return errors.Join(m.smtp.Close(), m.stop())
}

// Messages lists the mails to an address, or all when it is empty, newest first.
func (m *Mail) Messages(to string) []Message { return m.box.list(addressed(to)) }

// Wait returns the newest mail to an address (empty: anyone) that matches, as soon as there is one. A nil match takes any.
func (m *Mail) Wait(ctx context.Context, to string, match func(Message) bool) (Message, error) {
	to = strings.TrimSpace(to)
	sent := addressed(to)
	found, err := m.box.wait(ctx, func(x Message) bool { return sent(x) && (match == nil || match(x)) })
	if err != nil {
		return found, fmt.Errorf("wait for a mail to %q: %w", to, err)
	}
	return found, nil
}

// Clear forgets all mails.
func (m *Mail) Clear() { m.box.clear() }

// Refuse makes the sink answer RCPT TO with the SMTP code that by returns for the address, such as 451 (try later) or 550 (no
// such mailbox); 0 takes the mail. A nil by takes everything again.
func (m *Mail) Refuse(by func(to string) int) {
	if by == nil {
		m.refuse.Store(nil)
		return
	}
	m.refuse.Store(&by)
}

func addressed(to string) func(Message) bool {
	return func(x Message) bool {
		return to == "" || slices.ContainsFunc(x.To, func(a string) bool { return strings.EqualFold(a, to) })
	}
}

// mailSession is one SMTP conversation.
type mailSession struct {
	sink  *Mail
	conn  *smtp.Conn
	from  string
	to    []string
	mails int // taken
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if by := s.sink.refuse.Load(); by != nil {
		if code := (*by)(to); code != 0 {
			return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "refused by the demo's mail sink"}
		}
	}
	if code := s.sink.bounce.of(to); code >= 400 {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "the demo's mailbox bounces this address"}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := parseMessage(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "malformed message: " + err.Error()}
	}
	m.ID, m.At, m.From, m.To = int(s.sink.next.Add(1)), time.Now().UTC(), s.from, s.to
	s.sink.box.add(m)
	s.mails++
	if s.sink.sendBack(m) {
		return nil
	}
	<-s.sink.hung // until the sink is closed: the mail was taken, and nobody says so
	return errors.New("closed")
}

func parseMessage(raw []byte) (Message, error) {
	m := Message{Raw: raw, Header: map[string]string{}, Attachments: []Attachment{}}
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return m, err
	}
	defer func() { _ = r.Close() }()
	m.Subject, _ = r.Header.Subject()
	m.MessageID, _ = r.Header.MessageID()
	for fields := r.Header.Fields(); fields.Next(); {
		if _, seen := m.Header[fields.Key()]; !seen {
			m.Header[fields.Key()], _ = fields.Text()
		}
	}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return m, err
		}
		switch h := part.Header.(type) {
		case *mail.InlineHeader:
			if kind, _, _ := h.ContentType(); kind == "text/html" {
				m.HTML = string(body)
			} else {
				m.Text = string(body)
			}
		case *mail.AttachmentHeader:
			name, _ := h.Filename()
			kind, _, _ := h.ContentType()
			m.Attachments = append(m.Attachments, Attachment{Name: name, Type: kind, Size: len(body), Data: body})
		}
	}
}

// mailPage is what web/mailbox.html and web/mail.html show.
type mailPage struct {
	Lang, Title, To string
	Messages        []Message
	Message         Message
	Bounces         []Bounce
}

func (m *Mail) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		to := strings.TrimSpace(r.FormValue("to"))
		servePage(w, http.StatusOK, "mailbox.html", "form-action 'self'", mailPage{Lang: "en", Title: "Mailbox", To: to, Messages: m.Messages(to), Bounces: m.bounce.list()})
	})
	mux.HandleFunc("POST /bounces", m.bounceByForm)
	mux.HandleFunc("GET /api/messages", func(w http.ResponseWriter, r *http.Request) {
		serveJSON(w, m.Messages(strings.TrimSpace(r.FormValue("to"))))
	})
	mux.HandleFunc("GET /messages/{id}", m.one(func(w http.ResponseWriter, x Message) {
		servePage(w, http.StatusOK, "mail.html", "frame-src 'self'", mailPage{Lang: "en", Title: x.Subject, Message: x})
	}))
	mux.HandleFunc("GET /messages/{id}/html", m.one(serveMailHTML))
	mux.HandleFunc("GET /messages/{id}/raw", m.one(func(w http.ResponseWriter, x Message) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(x.Raw)
	}))
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !serveAssets(w, r) {
			mux.ServeHTTP(w, r)
		}
	}))
}

// serveMailHTML shows a mail's HTML as a careful mail program does: its inline styles work, nothing is loaded or run, and links
// open beside.
func serveMailHTML(w http.ResponseWriter, x Message) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox")
	_, _ = io.WriteString(w, `<base target="_blank">`+x.HTML)
}

func (m *Mail) one(show func(http.ResponseWriter, Message)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.Atoi(r.PathValue("id"))
		found := m.box.list(func(x Message) bool { return x.ID == id })
		if len(found) == 0 {
			servePage(w, http.StatusNotFound, "notice.html", "", noticePage{Lang: "en", Title: "No such mail", Text: "The mailbox keeps the last 2,000 mails."})
			return
		}
		show(w, found[0])
	}
}

// Port is the SMTP port.
func (m *Mail) Port() int {
	_, port, _ := net.SplitHostPort(m.SMTP)
	n, _ := strconv.Atoi(port)
	return n
}
