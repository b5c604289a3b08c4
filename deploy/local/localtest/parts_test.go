package localtest_test

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/wneessen/go-mail"

	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
)

func send(t *testing.T, box *local.Mail, to string) {
	t.Helper()
	c, err := mail.NewClient("127.0.0.1", mail.WithPort(box.Port()), mail.WithTLSPolicy(mail.NoTLS), mail.WithHELO("localhost"))
	if err != nil {
		t.Fatal(err)
	}
	m := mail.NewMsg()
	if err := errors.Join(m.From("portal@hezhou.example"), m.To(to)); err != nil {
		t.Fatal(err)
	}
	m.Subject("您的数据副本已就绪")
	m.SetBodyString(mail.TypeTextPlain, "请打开 https://portal.example/exports/1")
	m.AddAlternativeString(mail.TypeTextHTML, `<!doctype html><html lang="zh-CN"><head><title>就绪</title></head><body><main><h1 style="color:#123">就绪</h1></main></body></html>`)
	if err := c.DialAndSendWithContext(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func TestNetworkFaults(t *testing.T) {
	d := localtest.EmptyDatabase(t)
	cfg, err := pgx.ParseConfig(d.AppURL)
	if err != nil {
		t.Fatal(err)
	}
	network := localtest.Toxiproxy(t, fmt.Sprintf("%s:%d", cfg.Host, cfg.Port))
	proxied, err := net.ResolveTCPAddr("tcp", network.Address)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Port = proxied.AddrPort().Port()
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	network.Add(localtest.Toxic{Kind: "latency", Attributes: map[string]any{"latency": 200}})
	began := time.Now()
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("took only %v", took)
	}
	network.Heal()
	network.Cut()
	if _, err := conn.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("the cut network still works")
	}
	network.Join()
	again, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatalf("joined: %v", err)
	}
	_ = again.Close(t.Context())
}
