package local

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// StripeFault is a way in which the provider breaks on one call.
type StripeFault int

// The faults. Those that say after have done what was asked before they break.
const (
	StripeFine        StripeFault = iota
	Stripe503Before               // 503 from the edge; nothing was done
	Stripe503After                // 503 from the edge, although it was done; the key remembers success
	Stripe500Kept                 // 500, although it was done, and the key remembers the 500
	StripeResetBefore             // the connection is reset; nothing was done
	StripeResetAfter              // the connection is reset, although it was done
	StripeHangBefore              // no answer until the caller hangs up; nothing is done
	StripeHangAfter               // no answer until the caller hangs up, although it was done
	StripeGarbled                 // 200 with half an answer, after it was done
	StripeLimited                 // 429, nothing was done
	StripeConflict                // 409, the key is in use; nothing was done
)

func (f StripeFault) before() bool {
	return slices.Contains([]StripeFault{Stripe503Before, StripeResetBefore, StripeHangBefore, StripeLimited, StripeConflict}, f)
}

// stripeFaults decides how calls break.
type stripeFaults struct {
	mu     sync.Mutex
	queued map[bool][]StripeFault // by whether the call reads
	by     func(*http.Request) StripeFault
}

// FaultNext breaks the next calls that ask for a refund, one fault each; after them, what FaultBy has set.
func (s *Stripe) FaultNext(faults ...StripeFault) { s.faults.queue(false, faults) }

// FaultNextRead breaks the next calls that read.
func (s *Stripe) FaultNextRead(faults ...StripeFault) { s.faults.queue(true, faults) }

// FaultBy asks by how each call is to break, from now on. nil: none does.
func (s *Stripe) FaultBy(by func(*http.Request) StripeFault) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.by, s.faults.queued = by, nil
}

func (f *stripeFaults) queue(reads bool, faults []StripeFault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.queued == nil {
		f.queued = map[bool][]StripeFault{}
	}
	f.queued[reads] = append(f.queued[reads], faults...)
}

func (f *stripeFaults) next(r *http.Request) StripeFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	reads := r.Method == http.MethodGet
	if q := f.queued[reads]; len(q) > 0 {
		f.queued[reads] = q[1:]
		return q[0]
	}
	if f.by != nil {
		return f.by(r)
	}
	return StripeFine
}

// broken answers, or does not, as the fault says. reply is what would have been answered.
func (s *Stripe) broken(w http.ResponseWriter, r *http.Request, fault StripeFault, reply stripeReply) {
	switch fault {
	case Stripe503Before, Stripe503After:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("<html>upstream connect error</html>"))
	case StripeResetBefore, StripeResetAfter:
		reset(w)
	case StripeHangBefore, StripeHangAfter:
		select {
		case <-r.Context().Done():
		case <-s.done.Done():
		}
	case StripeGarbled:
		reply.Body = reply.Body[:len(reply.Body)/2]
		reply.write(w)
	case StripeLimited:
		stripeError(http.StatusTooManyRequests, "invalid_request_error", "rate_limit", "", "Too many requests in too short a time.").write(w)
	case StripeConflict:
		stripeError(http.StatusConflict, "idempotency_error", "idempotency_key_in_use", "", "Another request with this key is under way.").write(w)
	default:
		reply.write(w)
	}
}

// reset ends the connection without a goodbye.
func reset(w http.ResponseWriter) {
	connection, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// reference returns the id at the end of the path.
func reference(r *http.Request) string { return r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:] }
