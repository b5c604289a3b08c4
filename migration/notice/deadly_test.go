package notice_test

import (
	"context"
	"runtime"
	"testing"

	"offramp/internal/mail"
)

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
