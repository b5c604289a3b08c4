package notice_test

import (
	"context"
	"runtime"
	"testing"

	"offramp/internal/mail"
	"offramp/migration/notice"
	"offramp/migration/notice/truth"
)

// early is a server whose report about A-1 comes before its answer.
type early struct {
	notice.Poster
	h *harbour
}

func (e *early) Hand(ctx context.Context, envelope mail.Envelope) mail.Result {
	r := e.Poster.Hand(ctx, envelope)
	if envelope.Address == "a-1@customer.example" {
		e.h.report(failed(e.h.mail("A-1"), noSuchUser), truth.Taken)
	}
	return r
}

// deadly ends the goroutine that hands over a mail, as a process that is killed in the middle of it would.
type deadly struct {
	t    *testing.T
	died error
}

// Hand never returns.
func (d deadly) Hand(context.Context, mail.Envelope) mail.Result {
	runtime.Goexit()
	return mail.Result{}
}
