package truth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/internal/fault"
	"offramp/internal/mail/report"
)

// Bring takes mails that a mail system brings.
func (s *Service) Bring(log *slog.Logger) func(ctx context.Context, raw []byte, to []string) error {
	return func(ctx context.Context, raw []byte, to []string) error {
		_, err := s.Take(ctx, Listener, raw, to...)
		if err != nil {
			log.ErrorContext(ctx, "keep a mail report", slog.Any("error", err))
		}
		return err
	}
}

// maxEvents bounds one message of a provider.
const maxEvents = 500

// What a provider's message may be refused for.
var (
	ErrUnsigned = fault.New(fault.Unauthenticated, "truth.unsigned")
	ErrBadEvent = fault.New(fault.Invalid, "truth.bad_event")
)

// Verify checks that a message was signed with one of the secrets, as Standard Webhooks has it, and is not older than five minutes.
// ErrUnsigned.
func Verify(secrets []string, header http.Header, body []byte) error {
	for _, one := range secrets {
		if w, err := webhooks.NewWebhook(one); err == nil && w.Verify(body, header) == nil {
			return nil
		}
	}
	return ErrUnsigned
}

// Event is what a mail provider tells of one mail.
type Event struct {
	Type   string    `json:"type"`   // bounced, delayed, delivered or complained
	Mail   string    `json:"mail"`   // our Message-ID, or the envelope's sender, either of which holds the proof
	Status string    `json:"status"` // enhanced status code; may be missing
	Code   int       `json:"code"`   // of the dialogue; may be missing
	Detail string    `json:"detail"` // the other server's words; may be missing
	Until  time.Time `json:"until"`  // of a delay; may be missing
}

var eventKinds = map[string]string{
	"bounced": report.Bounced, "delayed": report.Delayed, "delivered": report.Delivered, "complained": report.Complaint,
}

// TakeHook records the events of a signed message: {"events": [...]}. Each counts once, however often the message comes. It returns
// how many told something of a mail of ours. ErrBadEvent.
func (s *Service) TakeHook(ctx context.Context, messageID string, body []byte) (taken int, err error) {
	var message struct {
		Events []Event `json:"events"`
	}
	strict := json.NewDecoder(bytes.NewReader(body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&message); err != nil {
		return 0, ErrBadEvent.Wrap(err)
	}
	if len(message.Events) == 0 || len(message.Events) > maxEvents {
		return 0, ErrBadEvent.Wrap(fmt.Errorf("%d events, want 1 to %d", len(message.Events), maxEvents))
	}
	if i := slices.IndexFunc(message.Events, func(e Event) bool { return eventKinds[e.Type] == "" || e.Mail == "" }); i >= 0 {
		return 0, ErrBadEvent.Wrap(fmt.Errorf("event %d has no mail, or the type %q", i, message.Events[i].Type))
	}
	for i, e := range message.Events {
		r := report.Report{
			Kind: eventKinds[e.Type], Status: report.StatusOf(e.Status), Code: e.Code, Detail: report.Clean(e.Detail), Until: e.Until,
			Tokens: report.TokensOf(e.Mail),
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", messageID, i))
		outcome, err := s.take(ctx, Webhook, hex.EncodeToString(sum[:]), r)
		if err != nil {
			return taken, err
		}
		if outcome == Taken {
			taken++
		}
	}
	return taken, nil
}
