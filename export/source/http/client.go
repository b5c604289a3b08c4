package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"offramp/export/source"
	"offramp/internal/outbound"
)

const (
	// maxPage bounds one answer, unpacked: a compressed one cannot grow beyond it either.
	maxPage = 64 << 20
	// maxWait bounds how long an answer may send us away before the export is tried later instead.
	maxWait = 2 * time.Minute
	// slowest is how many times the stall time-out one whole answer may take, however steadily it drips.
	slowest = 20
)

var (
	errStalled = errors.New("no byte arrived in time")
	errSlow    = errors.New("the answer took too long as a whole")
	byteOrder  = []byte("\xef\xbb\xbf") // some begin with it, though JSON has none
)

// client asks one API: at its rate, with its secret, and nobody else. It is safe for concurrent use.
type client struct {
	base   *url.URL
	name   string // of the header with the secret
	secret string
	client *http.Client
	away   []string     // hosts to which attachments may be redirected
	guest  *http.Client // asks there, without the secret
	limit  *rate.Limiter
	slots  slots
	stall  time.Duration
	tries  int

	mu    sync.Mutex
	quiet time.Time // until then the API wants to be left alone
}

func newTransport(stall time.Duration) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: min(stall, 10*time.Second), KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:    min(stall, 10*time.Second),
		IdleConnTimeout:        time.Minute,
		MaxIdleConnsPerHost:    16,
		MaxConnsPerHost:        32,
		MaxResponseHeaderBytes: 256 << 10,
		ForceAttemptHTTP2:      true,
	}
}

// fault is an answer, or the lack of one, that gives no data.
type fault struct {
	kind   source.Kind
	status int // 0: none came
	after  time.Duration
	to     *url.URL // where a redirect leads
	cause  error
}

// Error names the cause.
func (f *fault) Error() string { return f.cause.Error() }

// Unwrap returns the cause.
func (f *fault) Unwrap() error { return f.cause }

// again reports whether the same request may go well in a moment.
func (f *fault) again() bool { return f.kind == source.Unavailable && f.after <= maxWait }

// retrying calls do, each time when it is our turn, until it succeeds, fails for good, or has failed as often as it may.
func (c *client) retrying(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		if err := c.turn(ctx); err != nil {
			return err
		}
		err := do()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var f *fault
		if !errors.As(err, &f) || !f.again() || try >= c.tries {
			return err
		}
		if f.after > 0 {
			c.leave(ctx, f.after)
			continue
		}
		if err := sleep(ctx, min(10*time.Second, 100*time.Millisecond<<min(try-1, 10))); err != nil {
			return err
		}
	}
}

// leave notes that the API wants no request from anybody for a while.
func (c *client) leave(ctx context.Context, d time.Duration) {
	c.slots.hold(ctx, d)
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := time.Now().Add(d); until.After(c.quiet) {
		c.quiet = until
	}
}

// turn waits until one more request may be made.
func (c *client) turn(ctx context.Context) error {
	c.mu.Lock()
	quiet := time.Until(c.quiet)
	c.mu.Unlock()
	if err := sleep(ctx, quiet); err != nil {
		return err
	}
	wait, shared := c.slots.take(ctx, time.Duration(float64(time.Second)/float64(c.limit.Limit())))
	if shared && !soonEnough(ctx, wait) {
		return errNoTime()
	}
	if shared {
		return sleep(ctx, wait)
	}
	err := c.limit.Wait(ctx)
	if err != nil && ctx.Err() == nil {
		return errNoTime()
	}
	if err != nil {
		return context.Cause(ctx)
	}
	return nil
}

// soonEnough reports whether a wait ends before ctx does.
func soonEnough(ctx context.Context, wait time.Duration) bool {
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) > wait
}

func errNoTime() error {
	return &source.Error{Kind: source.Locked, Cause: errors.New("the rate at which the API may be asked (rate=) leaves no time for it")}
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// answer is what came, while it is read. Close it.
type answer struct {
	*http.Response
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *time.Timer
	stall  time.Duration
}

// send makes one request. Whatever is not a success, it returns as *fault.
func (c *client) send(ctx context.Context, target *url.URL, header map[string]string) (*answer, error) {
	a := &answer{stall: c.stall}
	a.ctx, a.cancel = context.WithCancelCause(ctx)
	request, err := http.NewRequestWithContext(a.ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		a.cancel(nil)
		return nil, &fault{kind: source.Invalid, cause: errors.New("the address cannot be used")}
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	client := c.client
	switch {
	case !sameOrigin(c.base, target):
		client = c.guest
	case c.name != "":
		request.Header.Set(c.name, c.secret)
	}
	request.Header.Set("User-Agent", "Offramp")
	a.watch = time.AfterFunc(c.stall, func() { a.cancel(errStalled) })
	if a.Response, err = client.Do(request); err != nil { //nolint:bodyclose // answer.Close does
		err = a.cause(err)
		a.cancel(nil)
		a.watch.Stop()
		kind := source.Unavailable
		if errors.Is(err, outbound.ErrBlocked) {
			kind = source.Invalid
		}
		return nil, &fault{kind: kind, cause: c.scrubbed(err)}
	}
	a.watch.Stop()
	if f := c.statusFault(a); f != nil {
		a.Close()
		return nil, f
	}
	return a, nil
}

// cause puts the reason for a cancelled request in the place of its error, and takes away what repeats the address.
func (a *answer) cause(err error) error {
	if cause := context.Cause(a.ctx); errors.Is(cause, errStalled) || errors.Is(cause, errSlow) {
		return fmt.Errorf("%w (timeout=%s)", cause, a.stall)
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// Read implements io.Reader. Only while someone waits for bytes can they be late.
func (a *answer) Read(p []byte) (int, error) {
	a.watch.Reset(a.stall)
	n, err := a.Body.Read(p)
	a.watch.Stop()
	if err != nil && !errors.Is(err, io.EOF) {
		err = a.cause(err)
	}
	return n, err
}

// Close ends the request.
func (a *answer) Close() {
	a.watch.Stop()
	a.cancel(nil)
	_ = a.Body.Close()
}

// statusFault judges an answer by its status. It repeats nothing of the text, which may hold a customer's data.
func (c *client) statusFault(a *answer) *fault {
	f := &fault{status: a.StatusCode}
	switch s := a.StatusCode; {
	case s == http.StatusOK || s == http.StatusPartialContent:
		return nil
	case s >= 300 && s < 400:
		where := "elsewhere"
		if to, err := a.Location(); err == nil {
			where, f.to = "to "+to.Scheme+"://"+to.Host, to
		}
		f.kind, f.cause = source.Invalid, fmt.Errorf("status %d leads %s; redirects are not followed, but those of attachments to hosts that redirect= names: set the right address", s, where)
		return f
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		f.kind = source.Denied
	case s == http.StatusNotFound || s == http.StatusGone:
		f.kind = source.Schema
	case s >= 500, s == http.StatusTooManyRequests, s == http.StatusRequestTimeout, s == http.StatusTooEarly:
		f.kind, f.after = source.Unavailable, retryAfter(a.Header.Get("Retry-After"))
	case s < 300:
		f.kind = source.Inconsistent
	default:
		f.kind = source.Invalid
	}
	f.cause = fmt.Errorf("status %s, %s", statusOf(a), unquoted(a, a.ContentLength))
	if !f.again() && f.kind == source.Unavailable {
		f.cause = fmt.Errorf("%w; it asks to wait %s", f.cause, f.after.Round(time.Second))
	}
	return f
}

// retryAfter reads seconds or a date.
// Source: RFC 9110, section 10.2.3.
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, 1<<30)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// statusOf is an answer's status in the words of the standard, whatever the server wrote there.
func statusOf(a *answer) string {
	return strings.TrimSpace(strconv.Itoa(a.StatusCode) + " " + http.StatusText(a.StatusCode))
}

// mediaTypes are named in errors. Another one might say anything.
var mediaTypes = regexp.MustCompile(`^[a-z]+/[a-z0-9.+-]{1,60}$`)

// unquoted tells of an answer that is no data what is fit for a log: its kind and length, and none of its text. A length below 0
// is not known.
func unquoted(a *answer, length int64) string {
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if !mediaTypes.MatchString(kind) {
		kind = "no media type"
	}
	if length < 0 {
		return kind
	}
	return fmt.Sprintf("%s, %d bytes", kind, length)
}

// scrub removes the secret from a text, also without the scheme before it, as in "Bearer x".
func (c *client) scrub(text string) string {
	if c.secret == "" {
		return text
	}
	text = strings.ReplaceAll(text, c.secret, "***")
	if i := strings.LastIndexByte(c.secret, ' '); i >= 0 && i+1 < len(c.secret) {
		text = strings.ReplaceAll(text, c.secret[i+1:], "***")
	}
	return text
}

// scrubbed keeps an error unless its text has the secret.
func (c *client) scrubbed(err error) error {
	if text := c.scrub(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// page reads one answer whole into b, trying again what may go well in a moment. Only a whole answer is ever used: what an
// answer that broke off had begun to tell is asked for again from the same place.
func (c *client) page(ctx context.Context, target *url.URL, header map[string]string, b *bytes.Buffer) (http.Header, error) {
	var got http.Header
	err := c.retrying(ctx, func() error {
		whole, cancel := context.WithTimeoutCause(ctx, slowest*c.stall, errSlow)
		defer cancel()
		a, err := c.send(whole, target, header)
		if err != nil {
			return err
		}
		defer a.Close()
		got = a.Header
		return c.readPage(a, b)
	})
	return got, err
}

func (c *client) readPage(a *answer, b *bytes.Buffer) error {
	if a.StatusCode != http.StatusOK {
		return &fault{kind: source.Inconsistent, status: a.StatusCode, cause: fmt.Errorf("status %s in place of a page", statusOf(a))}
	}
	if e := a.Header.Get("Content-Encoding"); e != "" {
		return &fault{kind: source.Inconsistent, cause: fmt.Errorf("the answer is packed as %q, which was not asked for", e)}
	}
	b.Reset()
	n, err := b.ReadFrom(io.LimitReader(a, maxPage+1))
	if err != nil {
		return &fault{kind: source.Unavailable, cause: c.scrubbed(fmt.Errorf("the answer broke off after %d bytes: %w", n, err))}
	}
	if n > maxPage {
		return &fault{kind: source.Invalid, cause: fmt.Errorf("one answer has more than %d MiB; ask for smaller pages with paging.size", maxPage>>20)}
	}
	return c.kindOfPage(a, b.Bytes())
}

// kindOfPage refuses what is not JSON before anybody tries to read it as such.
func (c *client) kindOfPage(a *answer, text []byte) error {
	kind, parameters, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if set := strings.ToLower(parameters["charset"]); set != "" && set != "utf-8" && set != "utf8" && set != "us-ascii" {
		return &fault{kind: source.Inconsistent, cause: fmt.Errorf("the answer's charset is %q; JSON is UTF-8", set)}
	}
	first := bytes.TrimLeft(bytes.TrimPrefix(text, byteOrder), " \t\r\n")
	if strings.Contains(kind, "html") || len(first) == 0 || first[0] != '{' && first[0] != '[' {
		return &fault{kind: source.Inconsistent, cause: fmt.Errorf("status %s, but no JSON; %s", statusOf(a), unquoted(a, int64(len(text))))}
	}
	return nil
}
