package writeback

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// sender makes the calls to one sink.
type sender struct {
	sink   Sink
	source string
	client *http.Client
	keys   []*webhooks.Webhook
}

func newSender(sink Sink, source string, client *http.Client) (*sender, error) {
	keys, err := signers(sink)
	if err != nil {
		return nil, err
	}
	return &sender{sink: sink, source: source, client: client, keys: keys}, nil
}

// signers are the keys of a sink's secrets.
func signers(sink Sink) (keys []*webhooks.Webhook, err error) {
	for _, secret := range strings.Fields(sink.Secret) {
		key, err := webhooks.NewWebhook(secret)
		if err != nil {
			return nil, fmt.Errorf("the secret of sink %s is not \"whsec_\" and base64", sink.Name) // the cause would hold the secret
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("sink %s has no secret", sink.Name)
	}
	return keys, nil
}

// encode writes the event as CloudEvents 1.0 structured JSON. The bytes are the same in every try.
func (s *sender) encode(p parcel) ([]byte, error) {
	e := event.New(event.CloudEventsVersionV1)
	e.SetID(p.EventID)
	e.SetSource(s.source)
	e.SetType(p.Type)
	e.SetSubject(p.Subject)
	e.SetTime(p.At)
	e.SetExtension("partitionkey", p.Subject)
	e.SetExtension("sequence", fmt.Sprintf("%010d", p.Version))
	if err := e.SetData(event.ApplicationJSON, p.Data); err != nil {
		return nil, err
	}
	if err := e.Validate(); err != nil {
		return nil, err
	}
	return e.MarshalJSON()
}

// send makes one try.
func (s *sender) send(ctx context.Context, p parcel) answer {
	began := time.Now()
	a := s.try(ctx, p)
	a.took = time.Since(began)
	return a
}

func (s *sender) try(ctx context.Context, p parcel) answer {
	body, err := s.encode(p)
	if err != nil {
		return answer{fault: "encode event: " + err.Error()}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.sink.URL, bytes.NewReader(body))
	if err != nil {
		return answer{fault: "the sink's address is not valid"}
	}
	if err := s.sign(request, p.EventID, body); err != nil {
		return answer{fault: "sign event: " + err.Error()}
	}
	response, err := s.client.Do(request)
	if err != nil {
		return answer{fault: plain(err)}
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil { // the connection is used again only after its body was read
		return answer{status: response.StatusCode, fault: plain(err)}
	}
	a := answer{status: response.StatusCode, retry: retryAfter(response)}
	if a.status < 200 || a.status > 299 {
		a.fault = fmt.Sprintf("HTTP %d %s", a.status, http.StatusText(a.status))
	}
	return a
}

// sign sets the headers of Standard Webhooks. Receivers compare the timestamp with the world's time.
func (s *sender) sign(r *http.Request, id string, body []byte) error {
	now := time.Now()
	signatures := make([]string, 0, len(s.keys))
	for _, key := range s.keys {
		signature, err := key.Sign(id, now, body)
		if err != nil {
			return err
		}
		signatures = append(signatures, signature)
	}
	r.Header.Set("Content-Type", event.ApplicationCloudEventsJSON)
	r.Header.Set("User-Agent", "Offramp")
	r.Header.Set(webhooks.HeaderWebhookID, id)
	r.Header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(webhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// retryAfter reads how long the receiver asks us to wait (RFC 9110, section 10.2.3).
func retryAfter(r *http.Response) time.Duration {
	if r.StatusCode != http.StatusTooManyRequests && r.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	value := r.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil {
		return min(max(time.Duration(seconds), 0), maxPause/time.Second) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(time.Until(at), 0), maxPause)
	}
	return 0
}

// plain is the error without the sink's address, which may hold a secret.
func plain(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error()
}
