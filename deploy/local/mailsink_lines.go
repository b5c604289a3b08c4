package local

import (
	"context"
	"sync"

	"github.com/emersion/go-smtp"
)

// mailLines are a sink's open conversations.
type mailLines struct {
	mu    sync.Mutex
	begun int
	open  map[*smtp.Conn]bool
	moved chan struct{} // closed at the next change
	after int           // mails after which the sink hangs up; 0: never
}

// NewSession begins a conversation.
func (m *Mail) NewSession(c *smtp.Conn) (smtp.Session, error) {
	l := &m.lines
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[*smtp.Conn]bool{}
	}
	l.begun++
	l.open[c] = true
	l.change()
	return &mailSession{sink: m, conn: c}, nil
}

func (l *mailLines) ended(c *smtp.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c)
	l.change()
}

func (l *mailLines) change() {
	if l.moved != nil {
		close(l.moved)
	}
	l.moved = make(chan struct{})
}

// Connections counts the conversations that have begun, and those that are open.
func (m *Mail) Connections() (begun, open int) {
	m.lines.mu.Lock()
	defer m.lines.mu.Unlock()
	return m.lines.begun, len(m.lines.open)
}

// WaitOpen returns as soon as so many conversations are open.
func (m *Mail) WaitOpen(ctx context.Context, n int) error {
	l := &m.lines
	for {
		l.mu.Lock()
		if len(l.open) == n {
			l.mu.Unlock()
			return nil
		}
		if l.moved == nil {
			l.moved = make(chan struct{})
		}
		moved := l.moved
		l.mu.Unlock()
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// HangUp ends all conversations, as servers do with idle ones: with a last word, or without.
func (m *Mail) HangUp(word bool) {
	m.lines.mu.Lock()
	open := make([]*smtp.Conn, 0, len(m.lines.open))
	for c := range m.lines.open {
		open = append(open, c)
	}
	m.lines.mu.Unlock()
	for _, c := range open {
		if word {
			_, _ = c.Conn().Write([]byte("421 4.4.2 idle for too long\r\n"))
		}
		_ = c.Close()
	}
}

// HangUpAfter makes the sink end each conversation after so many mails; 0: never.
func (m *Mail) HangUpAfter(mails int) {
	m.lines.mu.Lock()
	defer m.lines.mu.Unlock()
	m.lines.after = mails
}

// Reset ends a transaction, which the server has answered.
func (s *mailSession) Reset() {
	s.from, s.to = "", nil
	s.sink.lines.mu.Lock()
	after := s.sink.lines.after
	s.sink.lines.mu.Unlock()
	if after > 0 && s.mails >= after {
		_ = s.conn.Conn().Close()
	}
}

// Logout ends the conversation.
func (s *mailSession) Logout() error {
	s.sink.lines.ended(s.conn)
	return nil
}
