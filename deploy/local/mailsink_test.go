package local

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/wneessen/go-mail"
)

func startMail(t *testing.T) (*Mail, *mail.Client) {
	t.Helper()
	m, err := StartMail(t.Context(), MailOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	c, err := mail.NewClient("127.0.0.1", mail.WithPort(m.Port()), mail.WithTLSPolicy(mail.NoTLS), mail.WithHELO("localhost"))
	if err != nil {
		t.Fatal(err)
	}
	return m, c
}

func letter(t *testing.T, to string) *mail.Msg {
	t.Helper()
	m := mail.NewMsg()
	if err := errors.Join(m.FromFormat("禾舟协作", "portal@hezhou.example"), m.To(to)); err != nil {
		t.Fatal(err)
	}
	m.Subject("您的数据副本已就绪 — ready")
	m.SetMessageID()
	m.SetBodyString(mail.TypeTextPlain, "请打开 https://portal.example/exports/1。\r\n谢谢")
	m.AddAlternativeString(mail.TypeTextHTML, `<p style="color:#123">请打开 <a href="https://portal.example/exports/1">链接</a></p>`)
	return m
}

func fetch(t *testing.T, address string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

func TestMailIsKeptAndShown(t *testing.T) {
	m, c := startMail(t)
	for _, to := range []string{"a@example.com", "b@example.com"} {
		if err := c.DialAndSendWithContext(t.Context(), letter(t, to)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	got, err := m.Wait(ctx, "A@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != "您的数据副本已就绪 — ready" || !strings.HasPrefix(got.Text, "请打开") || !strings.Contains(got.HTML, "链接") || got.MessageID == "" {
		t.Errorf("got %+v", got)
	}
	_, body := fetch(t, m.URL+"/api/messages?to="+url.QueryEscape("b@example.com"))
	var listed []Message
	if err := json.Unmarshal([]byte(body), &listed); err != nil || len(listed) != 1 || listed[0].To[0] != "b@example.com" {
		t.Errorf("listed %d of b's mails: %v", len(listed), err)
	}
	res, page := fetch(t, m.URL+"/messages/1")
	if !strings.Contains(page, `<a href="https://portal.example/exports/1">`) {
		t.Error("the address in the text is no link")
	}
	if policy := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy: %s", policy)
	}
	if all := m.Messages(""); len(all) != 2 || all[0].ID < all[1].ID {
		t.Error("not newest first")
	}
}

func TestMailRefused(t *testing.T) {
	m, c := startMail(t)
	m.Refuse(func(to string) int {
		return map[string]int{"soft@example.com": 451, "hard@example.com": 550}[to]
	})
	for to, temporary := range map[string]bool{"soft@example.com": true, "hard@example.com": false} {
		var refused *mail.SendError
		err := c.DialAndSendWithContext(t.Context(), letter(t, to))
		if !errors.As(err, &refused) || refused.IsTemp() != temporary {
			t.Errorf("%s: %v", to, err)
		}
	}
	m.Refuse(nil)
	if err := c.DialAndSendWithContext(t.Context(), letter(t, "soft@example.com")); err != nil {
		t.Error(err)
	}
}

func TestInboxIsBounded(t *testing.T) {
	b := newInbox[int]()
	for i := range 3 * keep {
		b.add(i)
	}
	all := b.list(func(int) bool { return true })
	if len(all) != keep || all[0] != 3*keep-1 {
		t.Errorf("kept %d, newest %d", len(all), all[0])
	}
}
