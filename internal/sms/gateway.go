package sms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/tidwall/gjson"

	"offramp/internal/mail/report"
	"offramp/internal/outbound"
)

// What handing over one message came to. The words are those of emails.
const (
	Accepted = "accepted"
	Refused  = "refused"
	Deferred = "deferred"
	Unknown  = "unknown"
)

// Config says how the gateway takes a message.
type Config struct {
	URL      string
	Method   string // POST or PUT
	Headers  string // "Name: value; Name: value", with placeholders
	Username string // of HTTP Basic, with Secret as the password; empty: none
	Secret   string
	Format   string // JSON or Form
	Body     string // with placeholders

	Status    string   // of an answer that accepts, such as 200-299
	Field     string   // of a JSON answer that has to hold one of Values to accept, such as messages.0.status; empty: the status decides
	Values    []string // by which Field accepts
	Later     []string // values of Field, or of Code, by which nothing was taken for the moment
	IDField   string   // holds the gateway's own id; empty: it tells none
	CodeField string   // of an answer that does not accept, holds its code; empty: Field
	BadNumber []string // codes that say that there is no such number

	Timeout time.Duration  // of one call
	Allow   []netip.Prefix // our own networks that may be called
}

// Message is a short message to one number.
type Message struct {
	Number    string // E.164
	Text      string
	Reference string // ours, the same in every try
}

// Result is what handing over one message came to.
type Result struct {
	State     string // one of the above
	Detail    string // the gateway's status and words; never a number
	ID        string // the gateway's own
	Code      string // the gateway's, of what it did not accept
	BadNumber bool   // the gateway says that there is no such number
}

// Gateway hands messages over. Safe for concurrent use.
type Gateway struct {
	config    Config
	template  template
	headers   http.Header
	low, high int
	client    *http.Client
}

// Field is a fault of one setting.
type Field struct{ Name, Message string }

// Check lists what is wrong with a configuration, by the names of the settings without their prefix.
func (c Config) Check() (faults []Field) {
	add := func(name, format string, args ...any) {
		faults = append(faults, Field{name, fmt.Sprintf(format, args...)})
	}
	c.checkPlaces(add)
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		add("URL", "is no address such as https://sms.example.com/messages")
	} else if u.Scheme == "http" && !loopback(u.Hostname()) {
		add("URL", "must be https: numbers and texts are not safe without it")
	}
	if c.Method != http.MethodPost && c.Method != http.MethodPut {
		add("METHOD", "is %s; it must be POST or PUT", c.Method)
	}
	if _, err := parseHeaders(c.Headers); err != nil {
		add("HEADERS", "%v", err)
	}
	if _, err := parseTemplate(c.Format, c.Body); err != nil {
		add("BODY", "%v", err)
	}
	if _, _, err := parseRange(c.Status); err != nil {
		add("ACCEPTED_STATUS", "%v", err)
	}
	if (c.Field == "") != (len(c.Values) == 0) {
		add("ACCEPTED_FIELD", "set both SMS_ACCEPTED_FIELD and SMS_ACCEPTED_VALUES, or neither")
	}
	if c.Timeout < time.Second || c.Timeout > 5*time.Minute {
		add("TIMEOUT", "must be from 1s to 5m")
	}
	return faults
}

// checkPlaces holds the placeholders of the body and the headers to what a message needs.
func (c Config) checkPlaces(add func(name, format string, args ...any)) {
	names := used(c.Body)
	if !slices.Contains(names, "number") && !slices.Contains(names, "digits") {
		add("BODY", "names no {number} and no {digits}: the gateway would not know whom to write to")
	}
	if !slices.Contains(names, "text") {
		add("BODY", "names no {text}")
	}
	names = append(names, used(c.Headers)...)
	if !slices.Contains(names, "reference") && c.IDField == "" {
		add("BODY", "names no {reference}, and SMS_ID_FIELD is not set: no receipt could be told from another")
	}
	for _, name := range names {
		if !slices.Contains(places, name) {
			add("BODY", "names {%s}, which is no placeholder; known are {%s}", name, strings.Join(places, "}, {"))
		}
	}
	for _, name := range used(c.Headers) {
		if name == "text" {
			add("HEADERS", "names {text}, which belongs into SMS_BODY")
		}
	}
	if c.Secret == "" && (c.Username != "" || slices.Contains(names, "secret")) {
		add("SECRET", "is not set")
	}
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// parseRange reads 200, or 200-299.
func parseRange(text string) (low, high int, err error) {
	first, last, is := strings.Cut(text, "-")
	if !is {
		last = first
	}
	low, e1 := strconv.Atoi(first)
	high, e2 := strconv.Atoi(last)
	if e1 != nil || e2 != nil || low < 200 || high > 299 || low > high {
		return 0, 0, errors.New("must be a status, or a range of them, between 200 and 299")
	}
	return low, high, nil
}

// New returns the gateway of a configuration without faults.
func New(c Config) (*Gateway, error) {
	for _, f := range c.Check() {
		return nil, fmt.Errorf("set up SMS gateway: %s %s", f.Name, f.Message)
	}
	g := &Gateway{config: c}
	g.low, g.high, _ = parseRange(c.Status)
	g.template, _ = parseTemplate(c.Format, c.Body)
	g.headers, _ = parseHeaders(c.Headers)
	g.client = outbound.NewClient(outbound.Options{Allow: c.Allow, Timeout: c.Timeout})
	return g, nil
}

// outgoing is a body that tells whether anything of it was asked for. The client cannot read it twice: nothing is sent again by
// itself, whatever happens to a kept connection.
type outgoing struct {
	*bytes.Reader
	begun atomic.Bool
}

// Read hands out the body.
func (o *outgoing) Read(p []byte) (int, error) {
	o.begun.Store(true)
	return o.Reader.Read(p)
}

// WriteTo would hand the body out at once; it counts as well.
func (o *outgoing) WriteTo(w io.Writer) (int64, error) {
	o.begun.Store(true)
	return o.Reader.WriteTo(w)
}

// Send hands one message over, once.
func (g *Gateway) Send(ctx context.Context, m Message) Result {
	v := values{number: m.Number, text: m.Text, reference: m.Reference, secret: g.config.Secret}
	raw, media, err := g.template.fill(v)
	if err != nil {
		return Result{State: Deferred, Detail: Clean(err.Error())}
	}
	body := &outgoing{Reader: bytes.NewReader(raw)}
	r, err := http.NewRequestWithContext(ctx, g.config.Method, g.config.URL, body)
	if err != nil {
		return Result{State: Deferred, Detail: Clean(err.Error())}
	}
	r.ContentLength, r.GetBody = int64(len(raw)), nil
	r.Header.Set("Content-Type", media)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Offramp")
	for name, list := range g.headers {
		for _, one := range list {
			r.Header.Add(name, v.fill(one))
		}
	}
	if g.config.Username != "" {
		r.SetBasicAuth(g.config.Username, g.config.Secret)
	}
	answer, err := g.client.Do(r)
	if err != nil {
		return g.failed(err, body.begun.Load())
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return Result{State: Unknown, Detail: fmt.Sprintf("%d, and the answer broke off", answer.StatusCode)}
	}
	return g.judge(answer.StatusCode, string(text))
}

// failed tells what a call without an answer came to: before the first byte of the message nothing can have been taken.
func (g *Gateway) failed(err error, begun bool) Result {
	var address *url.Error
	if errors.As(err, &address) { // without the address, which may hold a secret
		err = address.Err
	}
	detail := "the gateway was not reached: " + Clean(err.Error())
	if !begun {
		return Result{State: Deferred, Detail: detail}
	}
	return Result{State: Unknown, Detail: "no answer: " + Clean(err.Error())}
}

// judge tells what an answer means.
func (g *Gateway) judge(status int, text string) Result {
	c := g.config
	r := Result{Detail: strings.TrimSpace(strconv.Itoa(status) + " " + Clean(text))}
	field := func(path string) string {
		if path == "" || !gjson.Valid(text) {
			return ""
		}
		return gjson.Get(text, path).String()
	}
	said := field(c.Field)
	r.ID = short(field(c.IDField))
	if r.Code = short(field(c.CodeField)); r.Code == "" {
		r.Code = short(said)
	}
	r.State = g.state(status, said, r.Code)
	switch r.State {
	case Accepted:
		r.Code = ""
	case Refused:
		r.BadNumber = r.Code != "" && slices.Contains(c.BadNumber, r.Code)
	}
	return r
}

// state tells what an answer with a status, a value of the field and a code comes to.
func (g *Gateway) state(status int, said, code string) string {
	c, in := g.config, status >= g.low && status <= g.high
	switch {
	case in && c.Field == "", in && slices.Contains(c.Values, said):
		return Accepted
	case slices.Contains(c.Later, said) && said != "", slices.Contains(c.Later, code) && code != "":
		return Deferred
	case in && said == "", status == http.StatusGatewayTimeout, status == http.StatusConflict:
		return Unknown // whoever stands behind may have taken it, now or, by its reference, before
	case in, status == http.StatusBadRequest, status == http.StatusUnprocessableEntity, status == http.StatusGone, status == http.StatusRequestEntityTooLarge:
		return Refused
	}
	return Deferred // too many, a fault of theirs, or of our account and address: nothing that this message could help
}

// short bounds an id or a code.
func short(text string) string {
	text = strings.TrimSpace(text)
	if len(text) > 100 || strings.ContainsFunc(text, unicode.IsControl) {
		return ""
	}
	return text
}

var long = regexp.MustCompile(`[0-9][0-9 ()./-]{5,}[0-9]`)

// Clean keeps what is said about a message without the number that it went to.
func Clean(text string) string { return report.Clean(long.ReplaceAllString(text, "…")) }
