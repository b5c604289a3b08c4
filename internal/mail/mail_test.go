package mail_test

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"

	"offramp/deploy/local"
	"offramp/deploy/local/localtest"
	"offramp/internal/clock"
	"offramp/internal/db"
	"offramp/internal/jobs"
	"offramp/internal/mail"
)

var noon = time.Date(2026, time.November, 21, 4, 0, 0, 0, time.UTC) // in Shanghai

const portal = "https://moving.hezhou.example"

// office sends mails by a real queue to a real SMTP server.
type office struct {
	*testing.T
	database localtest.TestDatabase
	db       *db.DB
	sink     *local.Mail
	inserter *jobs.Client
	port     int // of the server that mails go to
}

func open(t *testing.T) *office { return openOn(t, 0) }

// openOn sends to another server than the sink.
func openOn(t *testing.T, port int) *office {
	t.Helper()
	o := &office{T: t, database: localtest.Database(t), sink: localtest.Mail(t), port: port}
	if port == 0 {
		o.port = o.sink.Port()
	}
	o.db = o.database.Open(t, db.Options{Clock: clock.NewManual(noon)})
	workers := river.NewWorkers()
	if err := mail.Register(t.Context(), workers, o.config()); err != nil {
		t.Fatal(err)
	}
	client, err := jobs.New(o.db, jobs.Config{
		ID: "mail", Workers: workers, Queues: map[string]int{mail.Queue: 4}, Drain: time.Second,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Stop(context.Background()) })
	if o.inserter, err = jobs.NewInserter(o.db); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) config() mail.Config {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		o.Fatal(err)
	}
	head := mail.Letterhead{
		Product: map[string]string{"en": "Hezhou Teamwork", "zh-CN": "合舟协作"}, Company: map[string]string{"en": "Hezhou Ltd", "zh-CN": "合舟公司"},
		Zone: zone, Email: "moving@hezhou.example", Phone: "400 000 0000", Hours: map[string]string{"en": "Mon to Fri, 09:00 to 18:00", "zh-CN": "周一至周五09:00–18:00"},
		Colour: "#7a3b0b",
	}
	return mail.Config{
		Host: "127.0.0.1", Port: o.port, TLS: mail.None, From: "Moving team <moving@hezhou.example>",
		DB: o.db, Logger: slog.New(slog.DiscardHandler), PortalURL: portal + "/",
		Letterhead: func(context.Context) (mail.Letterhead, error) { return head, nil },
	}
}

// contact adds an active contact of an own customer and returns its id, which is also the customer's.
func (o *office) contact(id, name, email, locale string) string {
	o.Helper()
	err := o.db.InTx(o.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		const customer = `INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ($1, 'HZ-' || $1, 'x', 'x', 'en', 'UTC', $2, $2)`
		_, err := tx.Pgx.Exec(o.Context(), customer, id, tx.Now)
		const contact = `INSERT INTO contact (id, customer_id, email, name, role, locale, imported_at, updated_at) VALUES ($1, $1, $2, $3, 'owner', $4, $5, $5)`
		_, err2 := tx.Pgx.Exec(o.Context(), contact, id, email, name, locale, tx.Now)
		return errors.Join(err, err2)
	})
	if err != nil {
		o.Fatal(err)
	}
	return id
}

func (o *office) write(contact, template string) (id int64) {
	o.Helper()
	args := mail.Args{Template: template, CustomerID: contact, ContactID: contact, Key: "k", Data: map[string]string{
		"export_id": "EXID", "reference": "EX-10001", "size": "1288490188", "until": "2026-11-28T02:24:00Z",
	}}
	err := o.db.InTx(o.Context(), db.CustomerScope(contact), func(tx *db.Tx) (err error) {
		id, err = o.inserter.InsertTx(o.Context(), tx, args, nil)
		return err
	})
	if err != nil {
		o.Fatal(err)
	}
	return id
}

func (o *office) receive(to string) local.Message {
	o.Helper()
	ctx, cancel := context.WithTimeout(o.Context(), 20*time.Second)
	defer cancel()
	m, err := o.sink.Wait(ctx, to, nil)
	if err != nil {
		o.Fatal(err)
	}
	return m
}

// settled waits until the job is in the state.
func (o *office) settled(id int64, want string) {
	o.Helper()
	var state string
	for deadline := time.Now().Add(20 * time.Second); state != want; <-time.After(20 * time.Millisecond) {
		if err := o.db.Pool.QueryRow(o.Context(), `SELECT state FROM river_job WHERE id = $1`, id).Scan(&state); err != nil {
			o.Fatal(err)
		}
		if time.Now().After(deadline) {
			o.Fatalf("the job is %s, want %s", state, want)
		}
	}
}

var (
	// halfWidth finds ASCII punctuation beside Chinese.
	halfWidth = regexp.MustCompile(`\p{Han}[,;:!?()]|[,;:!?(]\p{Han}|\p{Han}\.(\p{Han}|\s|$)`)
	tag       = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)
	links     = regexp.MustCompile(`(?:href|src|action|background|url)\s*=?\s*["'(]([^"')]*)`)
)

func TestEveryTemplateInBothLanguages(t *testing.T) {
	t.Parallel()
	o := open(t)
	for _, c := range []struct{ locale, template, subject, line, button string }{
		{"en", mail.ExportReady, "Your Hezhou Teamwork data is ready: download it by 28 November 2026", "28 November 2026, 10:24", "Sign in and download"},
		{"zh-CN", mail.ExportReady, "您的合舟协作数据已备好，请在2026年11月28日前下载", "2026年11月28日 10:24", "登录并下载"},
		{"en", mail.ExportFailed, "Your Hezhou Teamwork data export did not finish", "EX-10001", "Sign in and try again"},
		{"zh-CN", mail.ExportFailed, "您的合舟协作数据导出未能完成", "EX-10001", "登录并重试"},
		{"en", mail.ExportExpiring, "Download your Hezhou Teamwork export by 28 November 2026", "1.3 GB", "Sign in and download"},
		{"zh-CN", mail.ExportExpiring, "您的合舟协作导出文件可下载至2026年11月28日", "北京时间", "登录并下载"},
	} {
		address := c.template + "." + c.locale + "@example.com"
		o.write(o.contact(c.template+c.locale, "李雷", address, c.locale), c.template)
		m := o.receive(address)
		if m.Subject != c.subject {
			t.Errorf("subject %q, want %q", m.Subject, c.subject)
		}
		words := tag.ReplaceAllString(m.HTML, "\n")
		for part, text := range map[string]string{"text": m.Text, "HTML": words} {
			for _, want := range []string{c.line, c.button, "EX-10001", "HZ-" + c.template + c.locale, "moving@hezhou.example", "李雷"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s %s: no %q in the %s part:\n%s", c.template, c.locale, want, part, text)
				}
			}
			if strings.Contains(text, "⟦") || strings.Contains(text, "{{") {
				t.Errorf("%s %s: an unfilled word in the %s part:\n%s", c.template, c.locale, part, text)
			}
			if found := halfWidth.FindString(text); c.locale == "zh-CN" && found != "" {
				t.Errorf("%s: half-width punctuation %q in the %s part", c.template, found, part)
			}
		}
		if !strings.Contains(m.Text, portal+"/exports/EXID\r\n") || !strings.Contains(m.HTML, `lang="`+c.locale+`"`) {
			t.Errorf("%s %s: no link or language:\n%s", c.template, c.locale, m.Text)
		}
		for _, link := range links.FindAllStringSubmatch(m.HTML, -1) {
			if link[1] != portal+"/exports/EXID" && link[1] != "mailto:moving@hezhou.example" {
				t.Errorf("%s %s: a mail may not lead to %q", c.template, c.locale, link[1])
			}
		}
		if len(m.Attachments) > 0 || strings.Contains(m.HTML, "<img") {
			t.Errorf("%s %s: a mail holds words only", c.template, c.locale)
		}
	}
}

func TestHeadersSayWhatTheMailIs(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.write(o.contact("a", "Ann", "ann@example.com", ""), mail.ExportReady)
	m := o.receive("ann@example.com")
	got := map[string]string{}
	for _, name := range []string{"Auto-Submitted", "Content-Language", "From", "To", "Date"} {
		got[name] = m.Header[name]
	}
	want := map[string]string{
		"Auto-Submitted": "auto-generated", "Content-Language": "en", "From": `"Moving team" <moving@hezhou.example>`,
		"To": `"Ann" <ann@example.com>`, "Date": "Sat, 21 Nov 2026 04:00:00 +0000",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.HasSuffix(m.MessageID, "@hezhou.example") {
		t.Errorf("message id %q", m.MessageID)
	}
}

func TestAMailIsEnqueuedOnceAndKeepsItsIDOverTries(t *testing.T) {
	t.Parallel()
	o := open(t)
	tries := 0
	o.sink.Refuse(func(string) int {
		if tries++; tries == 1 {
			return 451
		}
		return 0
	})
	contact := o.contact("a", "Ann", "ann@example.com", "en")
	id := o.write(contact, mail.ExportReady)
	if again := o.write(contact, mail.ExportReady); again != id {
		t.Errorf("the same mail became jobs %d and %d", id, again)
	}
	first := o.receive("ann@example.com")
	o.settled(id, "completed")
	if n := len(o.sink.Messages("")); n != 1 || tries != 2 {
		t.Errorf("%d mails after %d tries", n, tries)
	}
	o.sink.Clear()
	if _, err := o.db.Pool.Exec(t.Context(), `DELETE FROM river_job`); err != nil {
		t.Fatal(err)
	}
	o.write(contact, mail.ExportReady)
	if second := o.receive("ann@example.com"); second.MessageID != first.MessageID {
		t.Errorf("ids %s and %s of one mail", first.MessageID, second.MessageID)
	}
}

func TestARefusalForGoodEndsTheMailWithoutNamingTheAddress(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.sink.Refuse(func(string) int { return 550 })
	id := o.write(o.contact("a", "Ann", "canary@example.com", "en"), mail.ExportReady)
	o.settled(id, "cancelled")
	var detail, failures string
	read := func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(t.Context(), `SELECT detail::text FROM audit WHERE act = 'mail.refused' AND customer_id = 'a'`).Scan(&detail)
	}
	if err := o.db.InTx(t.Context(), db.SystemScope("test"), read); err != nil {
		t.Fatal(err)
	}
	if err := o.db.Pool.QueryRow(t.Context(), `SELECT errors::text FROM river_job WHERE id = $1`, id).Scan(&failures); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(detail, "550") || strings.Contains(detail+failures, "canary") {
		t.Errorf("audit %s, job %s", detail, failures)
	}
}

func TestWhoIsNotActiveGetsNothing(t *testing.T) {
	t.Parallel()
	o := open(t)
	for id, sql := range map[string]string{
		"a": `UPDATE contact SET state = 'disabled' WHERE id = 'a'`,
		"b": `UPDATE customer SET state = 'disabled' WHERE id = 'b'`,
		"c": `DELETE FROM contact WHERE id = 'c'`,
	} {
		o.contact(id, "Ann", "ann@example.com", "en")
		if _, err := o.database.Super(t).Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		o.settled(o.write(id, mail.ExportReady), "completed")
	}
	if n := len(o.sink.Messages("")); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

func TestZ06_AMailReachesNoOtherCustomersContact(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.contact("a", "Ann", "ann@example.com", "en")
	o.contact("b", "Bob", "bob@example.com", "en")
	args := mail.Args{Template: mail.ExportReady, CustomerID: "a", ContactID: "b", Key: "k"}
	var id int64
	err := o.db.InTx(t.Context(), db.CustomerScope("a"), func(tx *db.Tx) (err error) {
		id, err = o.inserter.InsertTx(t.Context(), tx, args, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	o.settled(id, "completed")
	if n := len(o.sink.Messages("")); n != 0 {
		t.Errorf("%d mails were sent", n)
	}
}

func TestAHostileNameStaysAName(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.write(o.contact("a", "<script>alert(1)</script>\r\nBcc: evil@example.com\r\n", "ann@example.com", "en"), mail.ExportReady)
	m := o.receive("ann@example.com")
	if strings.Contains(m.HTML, "<script") || m.Header["Bcc"] != "" || len(m.To) != 1 {
		t.Errorf("to %v, header %v", m.To, m.Header)
	}
}

func TestBadDataEndsTheMail(t *testing.T) {
	t.Parallel()
	o := open(t)
	o.settled(o.write(o.contact("a", "Ann", "ann@example.com", "en"), "no_such_template"), "cancelled")
}

func TestCheckSaysWhetherTheServerAnswers(t *testing.T) {
	t.Parallel()
	o := open(t)
	config := o.config()
	if err := mail.Check(t.Context(), config); err != nil {
		t.Error(err)
	}
	config.TLS = mail.STARTTLS
	if err := mail.Check(t.Context(), config); err == nil {
		t.Error("a server without STARTTLS passed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config.Port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	if err := mail.Check(t.Context(), config); err == nil {
		t.Error("a server that is not there passed")
	}
}

// asciiServer is an SMTP server that does not offer SMTPUTF8 and refuses what needs it, as Amazon SES does. It returns its port, and what
// it was told since the last call.
func asciiServer(t *testing.T) (port int, told func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	var mu sync.Mutex
	var lines []string
	serve := func(c net.Conn) {
		defer c.Close()
		say := func(text string) { _, _ = c.Write([]byte(text + "\r\n")) }
		say("220 mail.example ESMTP")
		body := false
		for in := bufio.NewScanner(c); in.Scan(); {
			line := in.Text()
			if body {
				if body = line != "."; !body {
					say("250 taken")
				}
				continue
			}
			mu.Lock()
			lines = append(lines, line)
			mu.Unlock()
			foreign := strings.ContainsFunc(line, func(r rune) bool { return r > '~' })
			switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); {
			case verb == "EHLO":
				say("250-mail.example\r\n250-8BITMIME\r\n250 SIZE 10000000")
			case strings.Contains(strings.ToUpper(line), "SMTPUTF8"):
				say("555 5.5.4 unsupported parameter")
			case foreign:
				say("553 5.1.3 the address is not ASCII, and SMTPUTF8 is not offered")
			case verb == "DATA":
				body = true
				say("354 go on")
			case verb == "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, func() (all []string) {
		mu.Lock()
		defer mu.Unlock()
		all, lines = lines, nil
		return all
	}
}

// TestAServerWithoutSMTPUTF8 takes an international domain in its ASCII form. An address that only SMTPUTF8 could carry is not tried: its
// contact is marked, so that the pages ask for another.
func TestAServerWithoutSMTPUTF8(t *testing.T) {
	port, told := asciiServer(t)
	o := openOn(t, port)
	o.settled(o.write(o.contact("m", "Jürgen", "info@müller.example", "en"), "export_ready"), "completed")
	heard := strings.Join(told(), "\n")
	if !strings.Contains(heard, "RCPT TO:<info@xn--mller-kva.example>") || strings.Contains(heard, "müller") || strings.Contains(heard, "SMTPUTF8") {
		t.Errorf("the server was told:\n%s", heard)
	}
	problem := func(id string) (text string) {
		t.Helper()
		if err := o.database.Super(t).QueryRow(t.Context(), `SELECT mail_problem FROM contact WHERE id = $1`, id).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	if p := problem("m"); p != "" {
		t.Errorf("the contact is asked for another address: %q", p)
	}
	o.settled(o.write(o.contact("j", "José", "josé@example.com", "en"), "export_ready"), "cancelled")
	if heard := strings.Join(told(), "\n"); strings.Contains(heard, "RCPT") || strings.Contains(heard, "MAIL FROM") {
		t.Errorf("it was tried all the same:\n%s", heard)
	}
	if p := problem("j"); p != "unwritable" {
		t.Errorf("the contact is not asked for another address: %q", p)
	}
}

func TestOthersOfTheCustomerGetTheMailsThatTheyWantOnceEach(t *testing.T) {
	o := open(t)
	o.contact("lin", "Lin", "lin@farshore.example", "en")
	err := o.db.InTx(t.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		for _, c := range []struct{ id, email, state, topic string }{
			{"mei", "mei@farshore.example", "active", "exports"},
			{"bo", "bo@farshore.example", "active", "money"},
			{"gone", "gone@farshore.example", "disabled", "exports"},
			{"none", "none@unlinked.invalid", "active", "exports"},
		} {
			const contact = `INSERT INTO contact (id, customer_id, email, name, role, locale, state, imported_at, updated_at) VALUES ($1, 'lin', $2, $1, 'member', 'en', $3, $4, $4)`
			_, err := tx.Pgx.Exec(t.Context(), contact, c.id, c.email, c.state, tx.Now)
			const topic = `INSERT INTO reader_topic (contact_id, customer_id, topic, wants, changed_by, changed_at) VALUES ($1, 'lin', $2, TRUE, 'lin', $3)`
			_, err2 := tx.Pgx.Exec(t.Context(), topic, c.id, c.topic, tx.Now)
			if err := errors.Join(err, err2); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	o.write("lin", mail.ExportReady)
	for _, to := range []string{"lin@farshore.example", "mei@farshore.example"} {
		o.receive(to)
	}
	jobs := 0
	if err := o.database.Super(t).QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'mail'`).Scan(&jobs); err != nil || jobs != 2 {
		t.Errorf("%d mails, %v, want 2: who asked, and the one who wants them, too", jobs, err)
	}
}
