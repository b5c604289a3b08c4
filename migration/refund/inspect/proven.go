package inspect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// ErrBlind is a scanner that lets the test file pass, or refuses what is harmless: what it says of others is worth nothing.
var ErrBlind = errors.New("inspect: the scanner does not tell the test file from a harmless one")

// EICAR is the test file that every scanner refuses and that does nothing (European Expert Group for IT Security). It is put
// together here, so that no scanner stops at our own files.
func EICAR() string {
	return strings.Join([]string{`X5O!P%@AP[4\PZX54(P^)7CC)7}`, `$EICAR-STANDARD-`, `ANTIVIRUS-TEST-FILE!`, `$H+H*`}, "")
}

// harmless is what no scanner refuses.
const harmless = "%PDF-1.7\n% Offramp asks whether its scanner works.\n%%EOF\n"

// Prove has a scanner refuse the test file and let a harmless one pass. It returns what the scanner calls the test file. ErrBlind.
func Prove(ctx context.Context, s Scanner) (called string, err error) {
	called, err = s.Scan(ctx, strings.NewReader(EICAR()))
	if err != nil {
		return "", err
	}
	if called == "" {
		return "", fmt.Errorf("%w: it lets the test file pass", ErrBlind)
	}
	found, err := s.Scan(ctx, strings.NewReader(harmless))
	if err == nil && found != "" {
		err = fmt.Errorf("%w: it finds %q where nothing is", ErrBlind, found)
	}
	return called, err
}

// Proven is a scanner that is believed only as long as it refuses the test file, which is tried again every so often: one that has
// lost its signatures, or lets everything pass while its engine is down, must not clear anything.
type Proven struct {
	Scanner
	Every time.Duration // default 10 minutes

	lock sync.Mutex
	at   time.Time
}

const provenFor = 10 * time.Minute

// Scan implements Scanner.
func (p *Proven) Scan(ctx context.Context, body io.Reader) (string, error) {
	if err := p.prove(ctx); err != nil {
		return "", err
	}
	return p.Scanner.Scan(ctx, body)
}

func (p *Proven) prove(ctx context.Context) error {
	p.lock.Lock()
	defer p.lock.Unlock()
	every := p.Every
	if every == 0 {
		every = provenFor
	}
	if !p.at.IsZero() && time.Since(p.at) < every {
		return nil
	}
	p.at = time.Time{}
	if _, err := Prove(ctx, p.Scanner); err != nil {
		return err
	}
	p.at = time.Now()
	return nil
}
