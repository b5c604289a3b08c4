package inspect

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ICAP asks a service of an ICAP server (RFC 3507). It sends the whole file in one request and offers no preview: a server that
// was shown the beginning of a file could let the rest pass unseen.
type ICAP struct {
	Address string        // host:port
	Service string        // the path, such as avscan
	TLS     bool          // icaps
	Roots   *tls.Config   // for TLS; nil: the system's
	Timeout time.Duration // of a whole scan; default 60 s
}

const (
	icapTimeout = 60 * time.Second
	icapAnswer  = 64 << 20 // bytes that an answer may have: it may hold the file once more, or the page that replaces it
	maxHeads    = 64 << 10
)

// Scan implements Scanner by RESPMOD, or by REQMOD where the service knows that alone. A service finds something when it says so
// in a header, answers in the place of the one that was to give the file, or changes the file. ICAP has no other verdict.
func (c ICAP) Scan(ctx context.Context, body io.Reader) (found string, err error) {
	if c.Timeout == 0 {
		c.Timeout = icapTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	method, err := c.method(ctx)
	if err != nil {
		return "", err
	}
	talk, err := c.dial(ctx)
	if err != nil {
		return "", err
	}
	defer talk.close()
	sum := sha256.New()
	sent := make(chan error, 1)
	go func() { sent <- talk.send(c, method, io.TeeReader(body, sum)) }()
	a, err := talk.answer()
	if err != nil {
		return "", errors.Join(err, talk.end(sent))
	}
	if found = a.named(); found != "" {
		_ = talk.end(sent) // maybe it was found before all was sent
		return found, nil
	}
	return talk.verdict(a, method, sum, sent)
}

// method asks what the service can do (4.10).
func (c ICAP) method(ctx context.Context) (string, error) {
	talk, err := c.dial(ctx)
	if err != nil {
		return "", err
	}
	defer talk.close()
	if _, err := io.WriteString(talk.conn, c.head("OPTIONS", "Encapsulated: null-body=0")); err != nil {
		return "", fmt.Errorf("ask the scanner what it can do: %w", err)
	}
	a, err := talk.answer()
	if err != nil {
		return "", err
	}
	var can []string
	for _, m := range strings.Split(strings.Join(a.header.Values("Methods"), ","), ",") {
		can = append(can, strings.ToUpper(strings.TrimSpace(m)))
	}
	for _, m := range []string{"RESPMOD", "REQMOD"} {
		if a.code == http.StatusOK && slices.Contains(can, m) {
			return m, nil
		}
	}
	return "", fmt.Errorf("the scanner has no service %q that looks at files: it said %d, and %q for what it can do", c.Service, a.code, a.header.Get("Methods"))
}

// head begins a request of a method.
func (c ICAP) head(method string, lines ...string) string {
	scheme := "icap"
	if c.TLS {
		scheme = "icaps"
	}
	first := []string{
		fmt.Sprintf("%s %s://%s/%s ICAP/1.0", method, scheme, c.Address, c.Service), "Host: " + c.Address, "User-Agent: Offramp", "Connection: close",
	}
	return strings.Join(append(first, lines...), "\r\n") + "\r\n\r\n"
}

func (c ICAP) dial(ctx context.Context) (*icapTalk, error) {
	var conn net.Conn
	var err error
	if c.TLS {
		conn, err = (&tls.Dialer{Config: c.Roots}).DialContext(ctx, "tcp", c.Address)
	} else {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", c.Address)
	}
	if err != nil {
		return nil, fmt.Errorf("reach the scanner: %w", err)
	}
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("reach the scanner: %w", err)
	}
	return &icapTalk{conn: conn, r: bufio.NewReader(io.LimitReader(conn, icapAnswer))}, nil
}

// icapTalk is one request and its answer.
type icapTalk struct {
	conn net.Conn
	r    *bufio.Reader
}

func (t *icapTalk) close() { _ = t.conn.Close() }

// end closes the connection, so that the sender ends, and waits for it.
func (t *icapTalk) end(sent <-chan error) error {
	t.close()
	return <-sent
}

// send wraps the body as what an HTTP server answers or, for REQMOD, as what a client posts.
func (t *icapTalk) send(c ICAP, method string, body io.Reader) error {
	ask := "GET /document HTTP/1.1\r\nHost: offramp.invalid\r\n\r\n"
	give := "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
	heads, parts := ask+give, fmt.Sprintf("req-hdr=0, res-hdr=%d, res-body=%d", len(ask), len(ask+give))
	if method == "REQMOD" {
		heads = "POST /document HTTP/1.1\r\nHost: offramp.invalid\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
		parts = fmt.Sprintf("req-hdr=0, req-body=%d", len(heads))
	}
	w := bufio.NewWriterSize(t.conn, chunk)
	if _, err := w.WriteString(c.head(method, "Allow: 204", "Encapsulated: "+parts) + heads); err != nil {
		return err
	}
	frame := make([]byte, chunk)
	for {
		n, err := io.ReadFull(body, frame)
		if n > 0 {
			if _, err := fmt.Fprintf(w, "%x\r\n%s\r\n", n, frame[:n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			if _, err := w.WriteString("0\r\n\r\n"); err != nil {
				return err
			}
			return w.Flush()
		case err != nil:
			return err
		}
	}
}

// icapAnswerHead is how an answer begins, with the heads of the HTTP message that it holds.
type icapAnswerHead struct {
	code    int
	header  textproto.MIMEHeader
	inner   string // the first line of the message within: of an answer or of a request
	hasBody bool
}

// answer reads the head of an answer; 100 Continue is passed over.
func (t *icapTalk) answer() (a icapAnswerHead, err error) {
	lines := textproto.NewReader(t.r)
	line, err := lines.ReadLine()
	if err != nil {
		return a, fmt.Errorf("the scanner did not answer: %w", err)
	}
	version, rest, _ := strings.Cut(line, " ")
	number, _, _ := strings.Cut(rest, " ")
	if a.code, err = strconv.Atoi(number); err != nil || !strings.HasPrefix(version, "ICAP/") {
		return a, fmt.Errorf("what answers is no ICAP server: it said %.80q", line)
	}
	if a.header, err = lines.ReadMIMEHeader(); err != nil {
		return a, fmt.Errorf("the scanner's answer broke off: %w", err)
	}
	if a.code == http.StatusContinue {
		return t.answer()
	}
	return a, t.heads(&a)
}

// heads reads the HTTP heads within an answer, whose places Encapsulated names (4.4.1).
func (t *icapTalk) heads(a *icapAnswerHead) error {
	if a.code == http.StatusNoContent {
		return nil
	}
	end := 0
	for _, part := range strings.Split(a.header.Get("Encapsulated"), ",") {
		name, at, _ := strings.Cut(strings.TrimSpace(part), "=")
		offset, err := strconv.Atoi(at)
		if err != nil || !strings.HasSuffix(strings.ToLower(name), "-body") {
			continue
		}
		end, a.hasBody = offset, !strings.EqualFold(name, "null-body")
	}
	if end < 0 || end > maxHeads {
		return fmt.Errorf("the scanner's answer is broken: Encapsulated is %q", a.header.Get("Encapsulated"))
	}
	heads := make([]byte, end)
	if _, err := io.ReadFull(t.r, heads); err != nil {
		return fmt.Errorf("the scanner's answer broke off: %w", err)
	}
	a.inner, _, _ = strings.Cut(string(heads), "\r\n")
	return nil
}

// named is what a header says was found. The first is an old draft's that all use, the others are of makers that do not.
func (a icapAnswerHead) named() string {
	for _, key := range []string{"X-Infection-Found", "X-Virus-Id", "X-Violations-Found", "X-Virus-Name"} {
		for _, value := range a.header.Values(key) {
			for _, part := range strings.Split(value, ";") {
				if threat, ok := strings.CutPrefix(strings.TrimSpace(part), "Threat="); ok && threat != "" {
					return shortly(threat)
				}
			}
			if value = strings.TrimSpace(value); value != "" && value != "0" {
				return shortly(value)
			}
		}
	}
	return ""
}

// shortly bounds what a server calls something.
func shortly(name string) string {
	const most = 120
	if r := []rune(strings.ToValidUTF8(name, "")); len(r) > most {
		return string(r[:most])
	}
	return strings.ToValidUTF8(name, "")
}

// verdict judges an answer whose headers name nothing.
func (t *icapTalk) verdict(a icapAnswerHead, method string, sum hash.Hash, sent <-chan error) (string, error) {
	if a.code == http.StatusNoContent {
		if err := <-sent; err != nil {
			return "", fmt.Errorf("the scanner let pass what it has not seen whole: %w", err)
		}
		return "", nil
	}
	own := "HTTP/1.1 200"
	if method == "REQMOD" {
		own = "POST /document"
	}
	switch {
	case a.code != http.StatusOK:
		return "", fmt.Errorf("the scanner said %d", a.code)
	case a.inner == "":
		return "", errors.New("the scanner's answer holds nothing")
	case !sameMessage(a.inner, own):
		return shortly("answered by the scanner: " + a.inner), nil
	case !a.hasBody:
		return "changed by the scanner", nil
	}
	got := sha256.New()
	if _, err := io.Copy(got, httputil.NewChunkedReader(t.r)); err != nil {
		return "", fmt.Errorf("the scanner's answer broke off: %w", err)
	}
	if err := <-sent; err != nil {
		return "", fmt.Errorf("send to the scanner: %w", err)
	}
	if string(got.Sum(nil)) != string(sum.Sum(nil)) {
		return "changed by the scanner", nil
	}
	return "", nil
}

// sameMessage compares first lines; a server may speak another HTTP.
func sameMessage(line, own string) bool {
	if strings.HasPrefix(own, "HTTP/") && strings.HasPrefix(line, "HTTP/") {
		_, line, _ = strings.Cut(line, " ")
		_, own, _ = strings.Cut(own, " ")
	}
	return strings.HasPrefix(line, own)
}
