package refund_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"offramp/migration/refund"
)

// scanner finds the word EICAR, and does not know what "unknown" is.
type scanner struct{}

func (scanner) Scan(_ context.Context, body io.Reader) (string, error) {
	content, err := io.ReadAll(body)
	switch {
	case err != nil:
		return "", err
	case strings.Contains(string(content), "EICAR"):
		return "Eicar-Signature", nil
	case strings.Contains(string(content), "unknown"):
		return "", errors.New("the daemon loads its signatures")
	}
	return "", nil
}

func TestADocumentIsLookedIntoBeforeItExists(t *testing.T) {
	h := open(t)
	b := shelved(h)
	h.config.Scanner = scanner{}
	h.service = refund.NewService(h.config)
	h.paid("a", "P1", 365_00, "CNY")
	r := h.submit("a", "CNY", refund.Original)
	send := func(content string) error {
		_, err := h.service.Attach(t.Context(), who("a"), r.Ref, refund.Upload{Name: "x", Body: strings.NewReader(content)})
		return err
	}
	for name, c := range map[string]struct{ content, key string }{
		"a script":        {letter("<< /S /JavaScript /JS (x) >>"), "refund.document.active"},
		"encrypted":       {letter("<< /Encrypt 1 0 R >>"), "refund.document.protected"},
		"no picture":      {"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR the picture \x00\x00\x00\x00IEND\xae\x42\x60\x82", "refund.document.broken"},
		"no photograph":   {"\xff\xd8\xff\xe0 the photograph \xff\xd9", "refund.document.broken"},
		"known to be bad": {letter("EICAR"), "refund.document.malware"},
	} {
		if got := fieldKey(send(c.content)); got != c.key {
			t.Errorf("%s: %s, want %s", name, got, c.key)
		}
	}
	if err := send(letter("unknown")); !errors.Is(err, refund.ErrScanner) {
		t.Errorf("while the scanner does not know: %v", err)
	}
	if keys := shelf(h, b); len(keys) != 0 {
		t.Errorf("left in the store: %v", keys)
	}
	if n := h.text(`SELECT string_agg(detail->>'found', ',') FROM audit WHERE act = 'refund.document.malware' AND actor = 'contact-a'`); n != "Eicar-Signature" {
		t.Errorf("recorded as found: %s", n)
	}
	if err := send(letter("harmless")); err != nil {
		t.Errorf("a harmless one: %v", err)
	}
}
