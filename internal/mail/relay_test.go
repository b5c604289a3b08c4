package mail

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
)

// relay is a mail server that breaks off at one point of the dialogue.
type relay struct {
	at     string // greeting, EHLO, MAIL, RCPT, DATA or end (after the last byte)
	answer string // what it says there before it closes; empty: nothing
	hang   bool   // it says nothing and does not close
}

// serve answers on one connection.
func (r relay) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = fmt.Fprintf(conn, "%s\r\n", line) }
	breaks := func(at string) bool {
		if r.at != at {
			return false
		}
		if r.hang {
			_, _ = in.ReadByte() // until the client gives up
		} else if r.answer != "" {
			say(r.answer)
		}
		return true
	}
	if breaks("greeting") {
		return
	}
	say("220 relay.example")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(line)), " ")
		if breaks(verb) {
			return
		}
		switch verb {
		case "EHLO":
			say("250 relay.example")
		case "DATA":
			say("354 go on")
			for line != ".\r\n" {
				if line, err = in.ReadString('\n'); err != nil {
					return
				}
			}
			if breaks("end") {
				return
			}
			say("250 taken")
		default:
			say("250 fine")
		}
	}
}

// listen serves until the test ends, and returns the port.
func (r relay) listen(t *testing.T) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
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
			go r.serve(conn)
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	n, _ := strconv.Atoi(port)
	return n
}

// A relay that breaks off before it has everything leaves the mail to the second one, under the same id; one that may have it keeps it.
func TestARelayThatBreaksOff(t *testing.T) {
	t.Parallel()
	const id = "00112233445566778899aabbccddeeff"
	for name, c := range map[string]struct {
		relay  relay
		want   string // with a second relay
		alone  string // without one
		second int    // mails that the second one got
	}{
		"421 as greeting":          {relay{at: "greeting", answer: "421 4.3.2 closing"}, Accepted, Deferred, 1},
		"closes at once":           {relay{at: "greeting"}, Accepted, Deferred, 1},
		"421 to the sender":        {relay{at: "MAIL", answer: "421 4.3.2 closing"}, Accepted, Deferred, 1},
		"closes at the sender":     {relay{at: "MAIL"}, Accepted, Deferred, 1},
		"451 to the recipient":     {relay{at: "RCPT", answer: "451 4.7.1 greylisted"}, Accepted, Deferred, 1},
		"550 to the recipient":     {relay{at: "RCPT", answer: "550 5.1.1 nobody"}, Refused, Refused, 0},
		"closes at the recipient":  {relay{at: "RCPT"}, Accepted, Deferred, 1},
		"421 to DATA":              {relay{at: "DATA", answer: "421 4.3.2 closing"}, Accepted, Deferred, 1},
		"closes at DATA":           {relay{at: "DATA"}, Accepted, Deferred, 1},
		"451 after the last byte":  {relay{at: "end", answer: "451 4.3.0 disk full"}, Accepted, Deferred, 1},
		"550 after the last byte":  {relay{at: "end", answer: "550 5.7.1 policy"}, Refused, Refused, 0},
		"closes after the message": {relay{at: "end"}, Unknown, Unknown, 0},
		"hangs after the message":  {relay{at: "end", hang: true}, Unknown, Unknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sink := localtest.Mail(t)
			first := Config{Host: "127.0.0.1", Port: c.relay.listen(t), TLS: None, From: "moving@hezhou.example", Timeout: 2 * time.Second}
			mail := Envelope{Name: "A", Address: "a@example.com", Tag: "en", Subject: "S", HTML: "<p>x</p>", Plain: "x", ID: id, At: time.Now()}
			for _, second := range []*Config{nil, {Host: "127.0.0.1", Port: sink.Port(), TLS: None, Timeout: 10 * time.Second}} {
				p, err := NewPost(t.Context(), first, second)
				if err != nil {
					t.Fatal(err)
				}
				want := c.alone
				if second != nil {
					want = c.want
				}
				if got := p.Hand(t.Context(), mail); got.State != want {
					t.Errorf("second relay %t: %+v, want %s", second != nil, got, want)
				}
			}
			got := sink.Messages("a@example.com")
			if len(got) != c.second || len(got) > 0 && !strings.HasPrefix(got[0].MessageID, id) {
				t.Errorf("the second relay got %d mails: %+v", len(got), got)
			}
		})
	}
}
