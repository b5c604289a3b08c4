package inspect_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/migration/refund/inspect"
)

// program finds a program of the system, or skips the test.
func program(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin") {
		if path := filepath.Join(dir, name); isFile(path) {
			return path
		}
	}
	t.Skipf("%s is not installed, so nothing was tried against it", name)
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// clamd starts the real daemon with one signature: the test file's.
func clamd(t *testing.T, more ...string) inspect.Clamd {
	t.Helper()
	path := program(t, "clamd")
	dir, err := os.MkdirTemp("", "clamd") // the path of a socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	write(t, filepath.Join(dir, "db", "own.ndb"), "Eicar-Test-Signature:0:*:"+hex.EncodeToString([]byte(inspect.EICAR()))+"\n")
	write(t, filepath.Join(dir, "clamd.conf"), strings.Join(append([]string{
		"Foreground yes", "LocalSocket " + socket, "DatabaseDirectory " + filepath.Join(dir, "db"), "TemporaryDirectory " + dir,
		"SelfCheck 0", "MaxThreads 4", "ConcurrentDatabaseReload no",
	}, more...), "\n")+"\n")
	run(t, path, "-c", filepath.Join(dir, "clamd.conf"))
	awaits(t, "unix", socket)
	return inspect.Clamd{Network: "unix", Address: socket}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts a program that ends with the test.
func run(t *testing.T, path string, args ...string) {
	t.Helper()
	var said bytes.Buffer
	ctx, end := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, path, args...)
	c.Stdout, c.Stderr, c.WaitDelay = &said, &said, 10*time.Second
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) } // so that it ends its children, too
	if err := c.Start(); err != nil {
		end()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end()
		if _ = c.Wait(); t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(path), said.String())
		}
	})
}

// awaits waits until somebody listens.
func awaits(t *testing.T, network, address string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := new(net.Dialer).DialContext(t.Context(), network, address); err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatalf("nobody listens at %s", address)
}

// freePort is a port that nobody has at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// judged holds a scanner to what it has to tell apart.
func judged(t *testing.T, s inspect.Scanner) {
	t.Helper()
	called, err := inspect.Prove(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.ToLower(called), "eicar") {
		t.Errorf("the test file is called %q", called)
	}
	long := strings.Repeat("%PDF-1.7 and so on ", 200_000) // nearly 4 MB
	for name, c := range map[string]struct {
		content string
		found   bool
	}{
		"nothing":                {"", false},
		"a long harmless one":    {long, false},
		"the same with a tail":   {long + inspect.EICAR(), true},
		"one byte":               {"x", false},
		"as long as one chunk":   {strings.Repeat("x", 64<<10), false},
		"one more than a chunk":  {strings.Repeat("x", 64<<10+1), false},
		"with the end of a body": {"0\r\n\r\n", false},
	} {
		found, err := s.Scan(t.Context(), strings.NewReader(c.content))
		if err != nil || (found != "") != c.found {
			t.Errorf("%s: found %q, %v", name, found, err)
		}
	}
}

func TestTheRealClamdRefusesTheTestFile(t *testing.T) {
	t.Parallel()
	s := clamd(t, "StreamMaxLength 5M")
	judged(t, s)
	if found, err := s.Scan(t.Context(), strings.NewReader(strings.Repeat("x", 6<<20))); err == nil {
		t.Errorf("beyond the daemon's own limit: %q, and no error", found)
	}
}

func TestARealICAPServerRefusesTheTestFile(t *testing.T) {
	t.Parallel()
	path := program(t, "c-icap")
	for _, part := range []string{"/usr/share/c_icap/templates/virus_scan", "/etc/c-icap/c-icap.magic"} {
		if _, err := os.Stat(part); err != nil {
			t.Skipf("c-icap is here without what it needs to ask clamd (libc-icap-mod-virus-scan), so nothing was tried against it: %v", err)
		}
	}
	daemon, port, dir := clamd(t), freePort(t), t.TempDir()
	write(t, filepath.Join(dir, "c-icap.conf"), strings.Join([]string{
		"PidFile " + dir + "/pid", "CommandsSocket " + dir + "/ctl", "ServerLog " + dir + "/log", "AccessLog " + dir + "/access", "TmpDir " + dir,
		"Port 127.0.0.1:" + port, "StartServers 1", "MaxServers 2", "ThreadsPerChild 20", "LoadMagicFile /etc/c-icap/c-icap.magic", "TemplateDir /usr/share/c_icap/templates/",
		"ModulesDir /usr/lib/x86_64-linux-gnu/c_icap", "ServicesDir /usr/lib/x86_64-linux-gnu/c_icap",
		"Service antivirus virus_scan.so", "ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple", "Service echo srv_echo.so",
		"virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE DOCUMENT GRAPHICS GIF JPEG MSOFFICE", "virus_scan.MaxObjectSize 12M", "virus_scan.DefaultEngine clamd",
		"Module common clamd_mod.so", "clamd_mod.ClamdSocket " + daemon.Address,
	}, "\n")+"\n")
	run(t, path, "-N", "-f", filepath.Join(dir, "c-icap.conf"))
	awaits(t, "tcp", "127.0.0.1:"+port)
	judged(t, inspect.ICAP{Address: "127.0.0.1:" + port, Service: "avscan"})
	if _, err := inspect.Prove(t.Context(), inspect.ICAP{Address: "127.0.0.1:" + port, Service: "echo"}); !errors.Is(err, inspect.ErrBlind) {
		t.Errorf("a service that lets everything pass: %v", err)
	}
	if found, err := (inspect.ICAP{Address: "127.0.0.1:" + port, Service: "none"}).Scan(t.Context(), strings.NewReader("x")); err == nil {
		t.Errorf("a service that is not there: %q", found)
	}
}

// icap speaks the protocol, by what answer gives for each body.
func icap(t *testing.T, methods string, answer func(method string, body []byte) string) inspect.ICAP {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				_, _ = io.WriteString(conn, asked(bufio.NewReader(conn), methods, answer))
			}()
		}
	}()
	return inspect.ICAP{Address: l.Addr().String(), Service: "avscan", Timeout: 5 * time.Second}
}

// asked reads one request, byte by byte as RFC 3507 has it, and answers it.
func asked(r *bufio.Reader, methods string, answer func(method string, body []byte) string) string {
	first, _ := r.ReadString('\n')
	method, rest, _ := strings.Cut(first, " ")
	if !strings.Contains(rest, "/avscan ICAP/1.0\r\n") {
		return "ICAP/1.0 400 Bad request\r\n\r\n"
	}
	at, allowed := -1, false
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			break
		}
		allowed = allowed || line == "Allow: 204\r\n"
		if parts, ok := strings.CutPrefix(line, "Encapsulated: "); ok {
			_, _ = fmt.Sscanf(parts[strings.LastIndex(parts, "=")+1:], "%d", &at)
		}
	}
	if method == "OPTIONS" {
		return "ICAP/1.0 200 OK\r\nMethods: " + methods + "\r\nISTag: \"1\"\r\nPreview: 1024\r\nAllow: 204\r\nEncapsulated: null-body=0\r\n\r\n"
	}
	heads := make([]byte, max(at, 0))
	_, _ = io.ReadFull(r, heads)
	if at < 0 || !allowed || !bytes.HasSuffix(heads, []byte("\r\n\r\n")) {
		return "ICAP/1.0 400 Bad request\r\n\r\n"
	}
	body, err := io.ReadAll(httputil.NewChunkedReader(r))
	if err != nil {
		return "ICAP/1.0 408 Too slow\r\n\r\n"
	}
	return answer(method, body)
}

// within answers 200 with a message within.
func within(head, body string) string {
	head += "\r\n\r\n"
	kind := "res"
	if !strings.HasPrefix(head, "HTTP/") {
		kind = "req"
	}
	return fmt.Sprintf("ICAP/1.0 200 OK\r\nISTag: \"1\"\r\nEncapsulated: %s-hdr=0, %s-body=%d\r\n\r\n%s%x\r\n%s\r\n0\r\n\r\n", kind, kind, len(head), head, len(body), body)
}

func TestAnICAPServersAnswerIsUnderstood(t *testing.T) {
	t.Parallel()
	const pass = "ICAP/1.0 204 No modifications needed\r\nISTag: \"1\"\r\n\r\n"
	named := func(line string) string { return strings.Replace(pass, "ISTag", line+"\r\nISTag", 1) }
	for name, c := range map[string]struct {
		methods, answer, found string
		bad                    bool
	}{
		"nothing":                     {answer: pass},
		"a named infection":           {answer: named("X-Infection-Found: Type=0; Resolution=2; Threat=Eicar-Test;"), found: "Eicar-Test"},
		"a virus with an id":          {answer: named("X-Virus-ID: EICAR Test"), found: "EICAR Test"},
		"violations":                  {answer: named("X-Violations-Found: 1\r\n\t-\r\n\tEicar\r\n\t0\r\n\t0"), found: "1 - Eicar 0 0"},
		"no violations":               {answer: named("X-Violations-Found: 0")},
		"a page in its place":         {answer: within("HTTP/1.1 403 Forbidden", "no"), found: "answered by the scanner: HTTP/1.1 403 Forbidden"},
		"the same once more":          {answer: within("HTTP/1.0 200 OK\r\nVia: x", "content")},
		"another content":             {answer: within("HTTP/1.1 200 OK", "conten_"), found: "changed by the scanner"},
		"no content":                  {answer: "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, null-body=19\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", found: "changed by the scanner"},
		"after a hundred":             {answer: "ICAP/1.0 100 Continue\r\n\r\n" + pass},
		"an overload":                 {answer: "ICAP/1.0 503 Overloaded\r\n\r\n", bad: true},
		"silence":                     {answer: "", bad: true},
		"a web server":                {answer: "HTTP/1.1 200 OK\r\n\r\n", bad: true},
		"an answer that breaks off":   {answer: within("HTTP/1.1 200 OK", "content")[:100], bad: true},
		"an answer that is not there": {answer: "ICAP/1.0 200 OK\r\n\r\n", bad: true},
		"heads without measure":       {answer: "ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=999999999\r\n\r\n", bad: true},
		"requests: nothing":           {methods: "REQMOD", answer: pass},
		"requests: the same":          {methods: "REQMOD", answer: within("POST /document HTTP/1.1", "content")},
		"requests: changed":           {methods: "REQMOD", answer: within("POST /document HTTP/1.1", "other"), found: "changed by the scanner"},
		"requests: answered":          {methods: "reqmod, OPTIONS", answer: within("HTTP/1.1 200 OK", "content"), found: "answered by the scanner: HTTP/1.1 200 OK"},
		"a service of another kind":   {methods: "OPTIONS", answer: pass, bad: true},
	} {
		methods := c.methods
		if methods == "" {
			methods = "RESPMOD, REQMOD"
		}
		s := icap(t, methods, func(method string, body []byte) string {
			if want := strings.HasPrefix(name, "requests"); want != (method == "REQMOD") || string(body) != "content" {
				return "ICAP/1.0 405 " + method + "\r\n\r\n"
			}
			return c.answer
		})
		found, err := s.Scan(t.Context(), strings.NewReader("content"))
		if found != c.found || (err != nil) != c.bad {
			t.Errorf("%s: found %q, %v", name, found, err)
		}
	}
}

func TestAScannerThatAnswersEarlyOrNeverHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			if line, _ := bufio.NewReader(conn).ReadString('\n'); strings.HasPrefix(line, "OPTIONS") {
				_, _ = io.WriteString(conn, "ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nEncapsulated: null-body=0\r\n\r\n")
			} else if strings.Contains(line, "/early ") {
				_, _ = io.WriteString(conn, "ICAP/1.0 204 Fine\r\n\r\n") // without having read the body
			}
		}
	}()
	large := strings.NewReader(strings.Repeat("x", 9<<20))
	for _, service := range []string{"early", "never"} {
		s := inspect.ICAP{Address: l.Addr().String(), Service: service, Timeout: time.Second}
		if found, err := s.Scan(t.Context(), large); err == nil {
			t.Errorf("%s: %q, and no error", service, found)
		}
	}
}

// moody finds what it is told to.
type moody struct {
	lost  bool
	err   error
	asked int
}

func (m *moody) Scan(_ context.Context, body io.Reader) (string, error) {
	content, err := io.ReadAll(body)
	m.asked++
	if m.err == nil && !m.lost && strings.Contains(string(content), "EICAR") {
		return "Eicar", nil
	}
	return "", errors.Join(m.err, err)
}

func TestAScannerIsBelievedAsLongAsItRefusesTheTestFile(t *testing.T) {
	t.Parallel()
	m := &moody{}
	p := &inspect.Proven{Scanner: m, Every: time.Hour}
	scan := func() error {
		_, err := p.Scan(t.Context(), strings.NewReader("x"))
		return err
	}
	if err := errors.Join(scan(), scan()); err != nil || m.asked != 4 {
		t.Errorf("%v, asked %d times; the test file is tried once an hour", err, m.asked)
	}
	p.Every, m.lost = time.Nanosecond, true
	if err := scan(); !errors.Is(err, inspect.ErrBlind) {
		t.Errorf("without signatures: %v", err)
	}
	p.Every, m.lost = time.Hour, false
	if err := scan(); err != nil {
		t.Errorf("with its signatures again: %v", err)
	}
}
