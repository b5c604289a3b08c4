package report_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/encoding/simplifiedchinese"

	"offramp/internal/mail/report"
)

const mailID = "00112233445566778899aabbccddeeff"

var seals = report.NewSeals([]byte("a secret of at least 32 characters"))

// dsn is a report of delivery with these fields about the recipient, to our return address.
func dsn(first, recipient, quoted string) string {
	return strings.ReplaceAll(fmt.Sprintf(`Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@relay.example>
To: %s
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
%s
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
Arrival-Date: Mon, 1 Jun 2026 01:00:00 +0000

%s

--b
Content-Type: message/rfc822

%s
--b--
`, report.Return("bounces@moving.example", seals.Token(mailID)), first, recipient, quoted), "\n", "\r\n")
}

const plain = "Content-Type: text/plain\n\nThis is the mail system.\n"

const original = "From: moving@boats.example\nTo: ann@customer.example\nSubject: Boats close\n\nHello\n"

func TestN03_ReportsAreReadInTheirManyShapes(t *testing.T) {
	gb, err := simplifiedchinese.GB18030.NewEncoder().String("退信：用户不存在")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		raw  string
		want report.Report
	}{
		"postfix": {
			dsn(plain, "Final-Recipient: rfc822; ann@customer.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <ann@customer.example>: Recipient address\n rejected: User unknown", original),
			report.Report{Kind: report.Bounced, Status: "5.1.1", Code: 550, Detail: "550 5.1.1 <[email]>: Recipient address rejected: User unknown"},
		},
		"delayed is no bounce": {
			dsn(plain, "Final-Recipient: rfc822; ann@customer.example\nAction: delayed\nStatus: 4.4.1\nWill-Retry-Until: Sat, 6 Jun 2026 01:00:00 +0000", original),
			report.Report{Kind: report.Delayed, Status: "4.4.1", Until: time.Date(2026, 6, 6, 1, 0, 0, 0, time.UTC)},
		},
		"no diagnostic code": {
			dsn(plain, "Final-Recipient: rfc822; ann@customer.example\nAction: failed\nStatus: 5.0.0", original),
			report.Report{Kind: report.Bounced, Status: "5.0.0"},
		},
		"neither status nor code": {
			dsn(plain, "Final-Recipient: rfc822; ann@customer.example\nAction: failed", original),
			report.Report{Kind: report.Bounced},
		},
		"the other server's code where the reporter has only said failed": {
			dsn(plain, "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.7.1 blocked", original),
			report.Report{Kind: report.Bounced, Status: "5.7.1", Code: 550, Detail: "550 5.7.1 blocked"},
		},
		"delivered": {
			dsn(plain, "Action: delivered\nStatus: 2.1.5", original),
			report.Report{Kind: report.Delivered, Status: "2.1.5"},
		},
		"nested, as Gmail writes it": {
			dsn("Content-Type: multipart/related; boundary=c\n\n--c\nContent-Type: multipart/alternative; boundary=d\n\n--d\nContent-Type: text/plain; charset=UTF-8\n\n** Address not found **\n--d--\n--c\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\naWNvbg==\n--c--\n",
				"Final-Recipient: rfc822; ann@customer.example\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; gmail-smtp-in.l.google.com\nDiagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist.", original),
			report.Report{Kind: report.Bounced, Status: "5.1.1", Code: 550, Detail: "550-5.1.1 The email account that you tried to reach does not exist."},
		},
		"within another multipart": {
			"To: " + report.Return("bounces@moving.example", seals.Token(mailID)) + "\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/report; boundary=y\n\n--y\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\nUmVwb3J0aW5nLU1UQTogZG5zOyB4CgpBY3Rpb246IGZhaWxlZApTdGF0dXM6IDUuMS4xMAo=\n--y--\n--x--\n",
			report.Report{Kind: report.Bounced, Status: "5.1.10"},
		},
		"in Chinese, with bytes of GB 18030": {
			dsn("Content-Type: text/plain; charset=gb18030\nContent-Transfer-Encoding: 8bit\n\n"+gb+"\n", "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 "+gb, original),
			report.Report{Kind: report.Bounced, Status: "5.1.1", Code: 550, Detail: "550 退信：用户不存在"},
		},
		"in a character set that nobody knows": {
			dsn("Content-Type: text/plain; charset=x-none\n\nwords\n", "Action: failed\nStatus: 5.2.2", original),
			report.Report{Kind: report.Bounced, Status: "5.2.2"},
		},
		"several recipients": {
			dsn(plain, "Action: delayed\nStatus: 4.0.0\n\nAction: failed\nStatus: 5.1.1\n\nAction: delivered\nStatus: 2.0.0", original),
			report.Report{Kind: report.Bounced, Status: "5.1.1"},
		},
		"complaint": {
			"To: fbl@moving.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\nOriginal-Mail-From: <" + report.Return("bounces@moving.example", seals.Token(mailID)) + ">\n\n--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n--b--\n",
			report.Report{Kind: report.Complaint, Detail: "abuse"},
		},
		"complaint by our Message-ID alone": {
			"To: fbl@moving.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n--b\nContent-Type: message/rfc822\n\nSubject: x\nMessage-ID: <" + seals.Token(mailID) + "@boats.example>\n\nHello\n--b--\n",
			report.Report{Kind: report.Complaint, Detail: "abuse"},
		},
		"taken back": {
			"To: " + report.Return("bounces@moving.example", seals.Token(mailID)) + "\nContent-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: not-spam\n\n--b--\n",
			report.Report{Kind: report.NotSpam, Detail: "not-spam"},
		},
		"out of office": {
			"To: " + report.Return("bounces@moving.example", seals.Token(mailID)) + "\nAuto-Submitted: auto-replied (vacation)\nSubject: Away\n\nBack on Monday. 550 5.1.1\n",
			report.Report{Kind: report.AutoReply},
		},
		"somebody's words": {
			"To: " + report.Return("bounces@moving.example", seals.Token(mailID)) + "\nSubject: Re\n\nAction: failed\nStatus: 5.1.1\n",
			report.Report{Kind: report.Letter},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := report.Read(strings.NewReader(c.raw))
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(report.Report{}, "Tokens")); diff != "" {
				t.Error(diff)
			}
			if id, ok := seals.Prove(got); !ok || id != mailID {
				t.Errorf("proves %q %t", id, ok)
			}
		})
	}
}

func TestN13_AForgedReportProvesNothing(t *testing.T) {
	other := report.NewSeals([]byte("another secret of 32 characters!!"))
	forged := strings.ReplaceAll(dsn(plain, "Action: failed\nStatus: 5.1.1", "Message-ID: <"+other.Token(mailID)+"@boats.example>\n\n"), seals.Token(mailID), other.Token(mailID))
	got := report.Read(strings.NewReader(forged))
	if id, ok := seals.Prove(got); ok || got.Kind != report.Bounced || len(got.Tokens) == 0 {
		t.Errorf("proves %q with %+v", id, got)
	}
	flipped := []byte(seals.Token(mailID))
	flipped[0] ^= 1
	if id, ok := seals.Open(string(flipped)); ok {
		t.Errorf("an altered token is %s", id)
	}
	if id, ok := seals.Open(strings.ToUpper(seals.Token(mailID))); !ok || id != mailID {
		t.Error("a mail system that raises letters spoils the token")
	}
	if id, ok := report.NewSeals([]byte("new"), []byte("a secret of at least 32 characters")).Open(seals.Token(mailID)); !ok || id != mailID {
		t.Error("a change of the installation's secret loses reports")
	}
	if seals.Token("short") != "" || (report.Seals{}).Token(mailID) != "" {
		t.Error("a token of nothing")
	}
}

// endless is a mail that never ends.
type endless struct {
	head io.Reader
	read int
}

func (e *endless) Read(p []byte) (int, error) {
	if n, err := e.head.Read(p); err == nil {
		e.read += n
		return n, nil
	}
	for i := range p {
		p[i] = 'x'
	}
	p[len(p)-1] = '\n'
	e.read += len(p)
	return len(p), nil
}

func TestN13_HugeAndDeepReportsAreBounded(t *testing.T) {
	raw := dsn(plain, "Action: failed\nStatus: 5.1.1", original)
	cut := raw[:strings.LastIndex(raw, "--b--")]
	e := &endless{head: strings.NewReader(cut)}
	if got := report.Read(e); got.Kind != report.Bounced || e.read > 2*report.MaxBytes {
		t.Errorf("%s after %d bytes", got.Kind, e.read)
	}
	var deep bytes.Buffer
	for i := range 5000 {
		fmt.Fprintf(&deep, "Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	deep.WriteString("Content-Type: message/delivery-status\n\nAction: failed\n\n")
	if got := report.Read(&deep); got.Kind != report.Letter {
		t.Errorf("deep: %+v", got)
	}
	long := report.Read(strings.NewReader(dsn(plain, "Action: failed\nDiagnostic-Code: smtp; "+strings.Repeat("550 很长", 10000), original)))
	if n := len([]rune(long.Detail)); n > 200 {
		t.Errorf("%d characters of evidence", n)
	}
	for _, raw := range []string{"", "\r\n", "no mail", "\x00\xff", strings.Repeat("To: a@b\n", 1<<16)} {
		_ = report.Read(strings.NewReader(raw)) // says something, whatever it is
	}
}

func TestBlame(t *testing.T) {
	for _, c := range []struct {
		status string
		code   int
		want   string
	}{
		{"5.1.1", 550, report.Address},
		{"5.1.10", 556, report.Address},
		{"5.2.1", 550, report.Address},
		{"5.4.4", 0, report.Address},
		{"", 550, report.Address},
		{"5.2.2", 552, report.Mailbox},
		{"4.2.2", 452, report.Mailbox},
		{"4.4.1", 0, report.Mailbox},
		{"", 452, report.Mailbox},
		{"5.1.8", 550, report.Ours},
		{"5.7.1", 550, report.Ours},
		{"4.7.0", 421, report.Ours},
		{"5.4.5", 550, report.Ours},
		{"5.6.0", 554, report.Ours},
		{"5.0.0", 550, report.Unclear},
		{"", 0, report.Unclear},
		{"", 554, report.Unclear},
	} {
		if got := report.Blame(c.status, c.code); got != c.want {
			t.Errorf("%s %d is about %s, want %s", c.status, c.code, got, c.want)
		}
	}
}

func TestReturnAddressesFitAMailSystem(t *testing.T) {
	for base, fits := range map[string]bool{
		"bounces@example.com": true, "b@x.example": true, "": false, "bounces": false, "b+x@example.com": false,
		"Bounces <bounces@example.com>": false, strings.Repeat("b", 22) + "@example.com": false, strings.Repeat("b", 21) + "@example.com": true,
	} {
		if wrong := report.CheckReturn(base); (wrong == "") != fits {
			t.Errorf("%s: %q", base, wrong)
		}
	}
	local, _, _ := strings.Cut(report.Return(strings.Repeat("b", 21)+"@example.com", seals.Token(mailID)), "@")
	if len(local) > 64 {
		t.Errorf("%d characters before the @", len(local))
	}
}
