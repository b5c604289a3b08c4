// Package pop3 is a small POP3 server (RFC 1939) over mails in memory, for the demo and tests.
package pop3

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server keeps one mailbox. Safe for concurrent use.
type Server struct {
	User, Password string
	Drop           atomic.Int32 // hangs up after so many mails of a talk, before it deletes any; 0: never

	mu    sync.Mutex
	mails [][]byte
	read  int // mails that were read, ever
}

// Add puts a mail into the mailbox.
func (s *Server) Add(raw []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, raw)
}

// Len is how many mails lie in the mailbox.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.mails)
}

// Read is how many mails were read, ever.
func (s *Server) Read() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read
}

// Serve answers on a listener until it is closed.
func (s *Server) Serve(on net.Listener) {
	for {
		conn, err := on.Accept()
		if err != nil {
			return
		}
		go s.talk(conn)
	}
}

// talk is one session; what it deletes goes when it ends with QUIT.
type talk struct {
	*Server
	*textproto.Conn
	user    string
	entered bool
	mails   [][]byte
	deleted map[int]bool
	read    int
}

func (s *Server) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	t := talk{Server: s, Conn: textproto.NewConn(conn), deleted: map[int]bool{}}
	t.say("+OK ready")
	for {
		line, err := t.ReadLine()
		if err != nil || !t.answer(line) {
			return
		}
	}
}

func (t *talk) say(line string) { _ = t.PrintfLine("%s", line) }

// answer reports whether the talk goes on.
func (t *talk) answer(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb = strings.ToUpper(verb); {
	case verb == "USER":
		t.user = rest
		t.say("+OK")
	case verb == "PASS" && t.user == t.User && rest == t.Password:
		t.mu.Lock()
		t.mails, t.entered = slices.Clone(t.Server.mails), true
		t.mu.Unlock()
		t.say("+OK")
	case verb == "QUIT":
		t.remove(t.mails, t.deleted)
		t.say("+OK")
		return false
	case !t.entered:
		t.say("-ERR sign in first")
	case verb == "STAT":
		t.say(fmt.Sprintf("+OK %d %d", len(t.mails), 0))
	default:
		return t.about(verb, rest)
	}
	return true
}

// about answers what names a mail.
func (t *talk) about(verb, rest string) bool {
	var n int
	_, _ = fmt.Sscan(rest, &n)
	switch there := n >= 1 && n <= len(t.mails) && !t.deleted[n]; {
	case there && verb == "RETR":
		t.read++
		if n := int(t.Drop.Load()); n > 0 && t.read > n {
			return false
		}
		t.mu.Lock()
		t.Server.read++
		t.mu.Unlock()
		t.say("+OK")
		w := t.DotWriter()
		_, _ = io.Copy(w, bytes.NewReader(t.mails[n-1]))
		_ = w.Close()
	case there && verb == "DELE":
		t.deleted[n] = true
		t.say("+OK")
	default:
		t.say("-ERR")
	}
	return true
}

// remove takes deleted mails out of the mailbox, into which others may have come.
func (s *Server) remove(mails [][]byte, deleted map[int]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := make([][]byte, 0, len(s.mails))
	for i, m := range s.mails {
		if i < len(mails) && deleted[i+1] {
			continue
		}
		kept = append(kept, m)
	}
	s.mails = kept
}
