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
	"time"
)

// Server keeps one mailbox. Safe for concurrent use.
type Server struct {
	User, Password string
	Drop           int // hangs up after so many mails of a talk, before it deletes any; 0: never

	mu    sync.Mutex
	mails [][]byte
	read  int // mails that were read, ever
	on    net.Listener
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
func (s *Server) talk(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	t := textproto.NewConn(conn)
	say := func(line string) { _ = t.PrintfLine("%s", line) }
	say("+OK ready")
	user, entered := "", false
	var mails [][]byte
	deleted := map[int]bool{}
	for read := 0; ; {
		line, err := t.ReadLine()
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(line, " ")
		var n int
		_, _ = fmt.Sscan(rest, &n)
		there := n >= 1 && n <= len(mails) && !deleted[n]
		switch verb = strings.ToUpper(verb); {
		case verb == "USER":
			user = rest
			say("+OK")
		case verb == "PASS" && user == s.User && rest == s.Password:
			s.mu.Lock()
			mails, entered = slices.Clone(s.mails), true
			s.mu.Unlock()
			say("+OK")
		case verb == "QUIT":
			s.remove(mails, deleted)
			say("+OK")
			return
		case !entered:
			say("-ERR sign in first")
		case verb == "STAT":
			say(fmt.Sprintf("+OK %d %d", len(mails), 0))
		case verb == "RETR" && there:
			if read++; s.Drop > 0 && read > s.Drop {
				return
			}
			s.mu.Lock()
			s.read++
			s.mu.Unlock()
			say("+OK")
			w := t.DotWriter()
			_, _ = io.Copy(w, bytes.NewReader(mails[n-1]))
			_ = w.Close()
		case verb == "DELE" && there:
			deleted[n] = true
			say("+OK")
		default:
			say("-ERR")
		}
	}
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
