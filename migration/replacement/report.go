package replacement

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"offramp/internal/audit"
	"offramp/internal/db"
	"offramp/migration"
)

// Verify checks that a message comes from a replacement, as Standard Webhooks has it, and is not older than five minutes, and
// returns its id. ErrUnsigned where it does not, or where no secret is configured for the replacement.
// Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func (s *Service) Verify(key string, header http.Header, body []byte) (messageID string, err error) {
	for _, one := range strings.Fields(s.secrets[strings.ReplaceAll(key, "-", "_")]) {
		w, err := webhooks.NewWebhook(one)
		if err != nil {
			continue // doctor and serve's configuration check name it
		}
		if w.Verify(body, header) == nil {
			return header.Get(webhooks.HeaderWebhookID), nil
		}
	}
	reports.WithLabelValues(known(s.secrets, key), "refused").Inc()
	return "", ErrUnsigned
}

// known keeps labels of metrics to the replacements that are configured.
func known(secrets map[string]string, key string) string {
	if _, ok := secrets[strings.ReplaceAll(key, "-", "_")]; ok {
		return key
	}
	return "unknown"
}

// Report is what a replacement says of a customer's move.
type Report struct {
	CustomerRef string `json:"customer_ref"` // or HandOverID
	HandOverID  string `json:"hand_over_id"`
	State       string `json:"state"` // accepted, importing, done or failed
}

// reported maps what replacements say to states and to what the journey is told.
var reported = map[string]struct {
	state State
	event migration.EventKind
}{
	"accepted":  {Accepted, migration.ChoiceAccepted},
	"importing": {Importing, migration.ChoiceImporting},
	"done":      {Moved, migration.ChoiceMoved},
	"failed":    {Failed, migration.ChoiceFailed},
}

// ReadReport reads the body of a report. ErrBadReport.
func ReadReport(body []byte) (Report, error) {
	var r Report
	if err := json.Unmarshal(body, &r); err != nil {
		return Report{}, ErrBadReport.Wrap(err)
	}
	if _, ok := reported[r.State]; !ok {
		return Report{}, ErrBadReport.Field("state", "replacement.report.state", nil)
	}
	if (r.CustomerRef == "") == (r.HandOverID == "") {
		return Report{}, ErrBadReport.Field("customer_ref", "replacement.report.who", nil)
	}
	return r, nil
}

// Take applies a report that Verify let pass. The same message again, one that comes late and one that says what is known
// change nothing. ErrNotFound for a customer or hand-over that there is not, ErrNothingChosen where the customer has decided
// otherwise since.
func (s *Service) Take(ctx context.Context, key, messageID string, r Report) error {
	outcome := "repeated"
	err := s.db.InTx(ctx, db.SystemScope("take report of "+key), func(tx *db.Tx) error {
		fresh, err := s.store.addReport(ctx, tx, key, messageID)
		if err != nil || !fresh {
			return err
		}
		customerID, choiceID, err := s.store.reportedOn(ctx, tx, key, r)
		if err != nil {
			return err
		}
		if err := s.store.lineUp(ctx, tx, customerID); err != nil {
			return err
		}
		current, err := s.store.current(ctx, tx, customerID)
		if err != nil {
			return err
		}
		if current == nil || current.Replacement != key || choiceID != "" && current.ID != choiceID {
			return ErrNothingChosen
		}
		to := reported[r.State]
		next, changes := current.Report(tx.Now, to.state)
		if !changes {
			return nil
		}
		outcome = "moved"
		if err := s.store.setState(ctx, tx, next.ID, next.State, next.Reason); err != nil {
			return err
		}
		e := migration.Event{Kind: to.event, Actor: audit.System, Choice: next.detail()}
		if _, err := s.journeys.Tell(ctx, tx, customerID, e); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{
			Actor: "replacement " + key, ActorKind: audit.System, Act: "choice." + string(next.State), Object: object(key), CustomerID: customerID,
			Detail: map[string]any{"message": messageID},
		})
	})
	if err != nil {
		outcome = "refused"
	}
	reports.WithLabelValues(known(s.secrets, key), outcome).Inc()
	return err
}
