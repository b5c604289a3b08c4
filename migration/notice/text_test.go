package notice_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/smsgateway"
	"offramp/internal/db"
	"offramp/internal/sms"
	"offramp/migration"
	"offramp/migration/notice"
	"offramp/migration/notice/reader"
	"offramp/migration/notice/truth"
)

// texting is the boats' programme with short messages before the call.
var texting = strings.NewReplacer(
	"notices:\n  list:", "notices:\n  channels: [sms, call]\n  list:",
	"          script: {en: \"Say", "          sms: {en: \"{product} closes on {date:service_end}: {link:plan}\", zh-CN: \"{product}将于{date:service_end}停止服务：{link:plan}\"}\n          script: {en: \"Say",
	"channels: [email]", "channels: [sms]",
	"          next: {en: \"[Export](", "          sms: {en: \"{days:export_deadline} left to export: {link:export}\", zh-CN: \"还剩{days:export_deadline}可导出：{link:export}\"}\n          next: {en: \"[Export](",
	"          next: {en: \"[Dates](", "          sms: {en: \"Note your dates: {link:dates}\", zh-CN: \"请确认日期：{link:dates}\"}\n          next: {en: \"[Dates](",
).Replace(boats)

// quay is a harbour with a gateway for short messages.
type quay struct {
	*harbour
	gateway *smsgateway.Gateway
}

// openQuay imports customers, written as ref,phone,consent (a day, or empty), and gives them a gateway whose receipts come back.
func openQuay(t *testing.T, src string, customers ...string) *quay {
	t.Helper()
	q := &quay{harbour: openHarbour(t, src)}
	q.number(customers...)
	var err error
	if q.gateway, err = smsgateway.Start(t.Context(), smsgateway.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = q.gateway.Close() })
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := truth.Verify([]string{q.gateway.HookSecret}, r.Header, body); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if _, err := q.truth.TakeTextHook(context.WithoutCancel(r.Context()), r.Header.Get("webhook-id"), body); err != nil {
			t.Errorf("the gateway's event: %v", err)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(hook.Close)
	q.gateway.SetHook(hook.URL)
	q.sender.Texts = q.texts()
	return q
}

func (q *quay) texts() *sms.Gateway {
	q.Helper()
	c := q.gateway.Config()
	c.Allow, c.Timeout = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, time.Second
	g, err := sms.New(c)
	if err != nil {
		q.Fatal(err)
	}
	return g
}

func (q *quay) number(customers ...string) {
	q.Helper()
	var b strings.Builder
	b.WriteString("ref,name,email,phone,sms_consent\n")
	for _, c := range customers {
		parts := strings.Split(c, ",")
		fmt.Fprintf(&b, "%s,Customer %s,%s@customer.example,%s,%s\n", parts[0], parts[0], strings.ToLower(parts[0]), parts[1], parts[2])
	}
	rows := migration.CSVRows(strings.NewReader(b.String()))
	r, err := migration.NewImporter(q.db, q.programmes).Import(q.Context(), anna, rows, migration.ImportOptions{})
	if err != nil || r.Count(migration.LineRefused) > 0 {
		q.Fatalf("%v %+v", err, r)
	}
}

// standing is what became of a customer's messages: notice channel state, and of its deliveries the state.
func (q *quay) standing(ref string) (text string) {
	q.Helper()
	err := q.db.InTx(q.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		return tx.Pgx.QueryRow(q.Context(), `SELECT coalesce(string_agg(concat_ws(' ', m.notice, m.channel, m.state, d.channel, d.state), '; ' ORDER BY m.notice, d.channel), '')
		FROM notice_message m JOIN customer c ON c.id = m.customer_id LEFT JOIN notice_delivery d ON d.message_id = m.id WHERE c.ref = $1`, ref).Scan(&text)
	})
	if err != nil {
		q.Fatal(err)
	}
	return text
}

func (q *quay) want(ref, want string) {
	q.Helper()
	if got := q.standing(ref); got != want {
		q.Errorf("%s: %s, want %s", ref, got, want)
	}
}

// wait lets receipts that are on their way arrive.
func (q *quay) settled(ref, want string) {
	q.Helper()
	for range 400 {
		if strings.HasSuffix(q.standing(ref), want) {
			return
		}
		runtime.Gosched()
		time.Sleep(5 * time.Millisecond) // the gateway's own HTTP call is the signal, and nothing of ours sees its end
	}
	q.want(ref, want)
}

func TestShortMessagesGoOnlyWherePeopleAgreedAndOthersGoOnToTheNextChannel(t *testing.T) {
	q := openQuay(t, texting, "A-1,+4915112345601,2026-04-01", "A-2,+4915112345602,", "A-3,,")
	q.approveAll()
	q.at("2026-06-01T01:00:00Z")
	got := q.gateway.To("+4915112345601")
	if len(got) != 1 || got[0].Text != "Boats closes on 31 January 2027: https://moving.example/plan" && !strings.Contains(got[0].Text, "https://moving.example/plan") || got[0].Parts != 1 {
		t.Fatalf("A-1 was sent %+v", got)
	}
	q.settled("A-1", "announcement sms sent sms delivered")
	q.want("A-2", "announcement call sent")
	q.want("A-3", "announcement call sent")
	if n := q.gateway.Calls(); n != 1 {
		t.Errorf("%d calls of the gateway, want 1", n)
	}
	if days := q.one(`SELECT string_agg(days::text, '') FROM notice_delivery`); days != `{"service_end": "2027-01-31"}` {
		t.Errorf("the message told %s", days)
	}
	// The preview is what was sent, to the byte.
	customer := func(ref string) string { return q.one(`SELECT id FROM customer WHERE ref = $1`, ref) }
	letter, _, texted, err := q.notices.PreviewText(t.Context(), ben.ID, "announcement", customer("A-1"), "")
	if err != nil || !texted || letter.Plain != got[0].Text || letter.Sum != q.one(`SELECT body_hash FROM notice_delivery`) {
		t.Errorf("preview of A-1: %t %q, %v", texted, letter.Plain, err)
	}
	if letter, to, texted, err := q.notices.PreviewText(t.Context(), ben.ID, "announcement", customer("A-2"), "zh-CN"); err != nil || texted || to.Customer != "Customer A-2" || !strings.HasPrefix(letter.Plain, "小船将于") {
		t.Errorf("preview of A-2, who has not agreed: %t %q to %q, %v", texted, letter.Plain, to.Customer, err)
	}
	// It is in the customer's inbox, as it was sent.
	who := migration.Who{CustomerID: q.one(`SELECT id FROM customer WHERE ref = 'A-1'`), ContactID: q.one(`SELECT k.id FROM contact k JOIN customer c ON c.id = k.customer_id WHERE ref = 'A-1'`)}
	if list, err := q.notices.Inbox(t.Context(), who); err != nil || len(list) != 1 || list[0].Channel != "sms" || list[0].Body != got[0].Text {
		t.Errorf("inbox: %+v, %v", list, err)
	}
	// Who was texted, and of whom nothing was heard, is rung.
	q.at("2026-06-05T01:00:00Z")
	if n := q.one(`SELECT count(*)::text FROM notice_call k JOIN customer c ON c.id = k.customer_id WHERE ref = 'A-1'`); n != "1" {
		t.Errorf("%s calls to A-1, who was texted and is silent, want 1", n)
	}
}

func TestN03_EachAnswerOfTheGatewayIsKeptAsWhatItProves(t *testing.T) {
	faults := map[string]struct {
		fault    smsgateway.Fault
		standing string
		texts    int
	}{
		"A-1": {smsgateway.Limited, "announcement sms planned sms deferred", 0},
		"A-2": {smsgateway.Broken, "announcement sms planned sms deferred", 0},
		"A-3": {smsgateway.Hang, "announcement sms sent sms delivered", 1}, // its receipt says what the answer did not
		"A-4": {smsgateway.Refused, "announcement call sent sms refused", 0},
		"A-5": {smsgateway.BadText, "announcement call sent sms refused", 0},
		"A-6": {smsgateway.NoService, "announcement call sent sms bounced", 1},
		"A-7": {smsgateway.Failed, "announcement call sent sms bounced", 1},
		"A-8": {smsgateway.Silent, "announcement sms sent sms accepted", 1},
		"A-9": {smsgateway.Early, "announcement sms sent sms delivered", 1},
	}
	var list []string
	for i := range 9 {
		list = append(list, fmt.Sprintf("A-%d,+491511234560%d,2026-04-01", i+1, i+1))
	}
	q := openQuay(t, texting, list...)
	for i := range 9 {
		q.gateway.Set(fmt.Sprintf("+491511234560%d", i+1), faults[fmt.Sprintf("A-%d", i+1)].fault)
	}
	q.approveAll()
	q.at("2026-06-01T01:00:00Z")
	for _, ref := range []string{"A-6", "A-7"} {
		q.settled(ref, "sms bounced") // before the answers of all are recorded, or after
	}
	q.settled("A-3", faults["A-3"].standing)
	q.at("2026-06-01T01:01:00Z") // what came back goes on to the next channel
	for i := range 9 {
		ref := fmt.Sprintf("A-%d", i+1)
		q.want(ref, faults[ref].standing)
		if n := len(q.gateway.To(fmt.Sprintf("+491511234560%d", i+1))); n != faults[ref].texts {
			t.Errorf("%s was sent %d texts, want %d", ref, n, faults[ref].texts)
		}
	}
	blocked := q.one(`SELECT string_agg(c.ref || ' ' || blocked_for, '; ' ORDER BY ref) FROM contact_phone n JOIN customer c ON c.id = n.customer_id WHERE blocked_at IS NOT NULL`)
	if want := `A-4 400 {"code":"21211","message":"+… is no number"}; A-6 21211 no such number`; !strings.HasPrefix(blocked, "A-4 400") || !strings.HasSuffix(blocked, "A-6 21211 · no such number") || strings.Contains(blocked, "1511") {
		t.Errorf("blocked: %s, want like %s", blocked, want)
	}
	// What was deferred is tried again, under the same reference, and arrives once.
	q.gateway.Set("+4915112345601", smsgateway.Fine)
	q.gateway.Set("+4915112345602", smsgateway.Fine)
	q.at("2026-06-01T01:20:00Z")
	q.settled("A-1", "announcement sms sent sms delivered")
	q.settled("A-2", "announcement sms sent sms delivered")
	// Nobody says anything of A-8 for three days.
	q.at("2026-06-04T01:30:00Z")
	q.want("A-8", "announcement sms sent sms lapsed")
}

func TestR03_AShortMessageWithoutAnAnswerIsUnknownAndNeverSentAgainByItself(t *testing.T) {
	q := openQuay(t, texting, "A-1,+4915112345601,2026-04-01", "A-2,+4915112345602,2026-04-01")
	q.gateway.SetHook("")
	q.gateway.Set("+4915112345601", smsgateway.Hang)
	q.gateway.Set("+4915112345602", smsgateway.Reset)
	q.approveAll()
	q.at("2026-06-01T01:00:00Z")
	for _, ref := range []string{"A-1", "A-2"} {
		q.want(ref, "announcement sms sent sms unknown")
	}
	q.at("2026-06-02T02:00:00Z")
	q.at("2026-06-03T02:00:00Z")
	if n := q.gateway.Calls(); n != 2 {
		t.Errorf("%d calls of the gateway, want one for each message", n)
	}
	// A late receipt still says what became of it.
	message := fmt.Sprintf(`{"events": [{"type": "delivered", "reference": %q}]}`, q.gateway.To("+4915112345601")[0].Reference)
	for range 2 {
		if _, err := q.truth.TakeTextHook(t.Context(), "msg_late", []byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	q.want("A-1", "announcement sms sent sms delivered")
	if n := q.one(`SELECT count(*)::text FROM notice_fact WHERE kind = 'delivered'`); n != "1" {
		t.Errorf("%s facts from a message that came twice", n)
	}
	// Nothing takes it back.
	failed := strings.Replace(message, "delivered", "failed", 1)
	if _, err := q.truth.TakeTextHook(t.Context(), "msg_later", []byte(failed)); err != nil {
		t.Fatal(err)
	}
	q.want("A-1", "announcement sms sent sms bounced") // a failure after a delivery is news that goes further
	if _, err := q.truth.TakeTextHook(t.Context(), "msg_last", []byte(message)); err != nil {
		t.Fatal(err)
	}
	q.want("A-1", "announcement sms sent sms bounced")
}

func TestStopTakesTheConsentBackAndALostGatewayIsPassedOver(t *testing.T) {
	q := openQuay(t, texting, "A-1,+4915112345601,2026-04-01", "A-2,+4915112345602,2026-04-01")
	if status := q.gateway.Answer("+4915112345601", "What is this?"); status != http.StatusOK {
		t.Fatalf("an answer: %d", status)
	}
	if status := q.gateway.Answer("+4915112345602", " Stop! "); status != http.StatusOK {
		t.Fatalf("STOP: %d", status)
	}
	q.approveAll()
	q.at("2026-06-01T01:00:00Z")
	q.settled("A-1", "announcement sms sent sms delivered")
	q.want("A-2", "announcement call sent")
	if log := q.one(`SELECT string_agg(concat_ws(' ', act, way, words), '; ' ORDER BY s.id) FROM sms_consent s JOIN customer c ON c.id = s.customer_id WHERE ref = 'A-2'`); log != "given import ; withdrawn reply Stop!" {
		t.Errorf("kept of A-2's consent: %s", log)
	}
	q.sender.Texts = nil
	q.number("A-3,+4915112345603,2026-04-01")
	q.at("2026-06-01T01:05:00Z")
	q.want("A-3", "announcement call sent")
}

func TestRemindersOfADayShareOneShortMessageOutsideTheQuietHours(t *testing.T) {
	q := openQuay(t, texting, "A-1,+4915112345601,2026-04-01")
	q.approveAll()
	q.at("2027-02-01T01:30:00Z") // 09:30 in Shanghai, 30 days (29) before the deadline
	list := q.gateway.To("+4915112345601")
	var digests []string
	for _, one := range list {
		if strings.Contains(one.Text, "Boats: Note your dates; 29 days left to export. https") {
			digests = append(digests, one.Text)
		}
	}
	if len(digests) != 1 {
		t.Fatalf("sent: %+v", list)
	}
	before := len(list)
	q.at("2027-02-15T14:00:00Z") // 22:00 in Shanghai, 15 days before
	if n := len(q.gateway.To("+4915112345601")); n != before {
		t.Errorf("%d texts within the quiet hours", n-before)
	}
	q.at("2027-02-16T00:30:00Z")
	if n := len(q.gateway.To("+4915112345601")); n != before+1 {
		t.Errorf("%d texts after the quiet hours, want 1", n-before)
	}
}

func TestR05_PeopleDecideWhoIsToldTheDates(t *testing.T) {
	h := openHarbour(t, boats, "A-1,Asia/Shanghai,en", "A-2,Asia/Shanghai,en")
	h.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at)
		SELECT 'mei', id, 'mei@customer.example', 'Mei', 'member', now(), now() FROM customer WHERE ref = 'A-1'`)
	people := reader.New(h.db)
	who := func(ref string) migration.Who {
		return migration.Who{
			CustomerID: h.one(`SELECT id FROM customer WHERE ref = $1`, ref), Role: migration.Owner,
			ContactID: h.one(`SELECT k.id FROM contact k JOIN customer c ON c.id = k.customer_id WHERE ref = $1 AND role = 'owner'`, ref),
		}
	}
	if err := people.Decide(t.Context(), who("A-1"), map[string][]string{reader.Dates: {"mei"}}); err != nil {
		t.Fatal(err)
	}
	for name, gets := range map[string][]string{"nobody": nil, "another customer's": {who("A-2").ContactID, who("A-1").ContactID}} {
		if err := people.Decide(t.Context(), who("A-1"), map[string][]string{reader.Dates: gets}); !errors.Is(err, reader.ErrNobody) && !errors.Is(err, reader.ErrPerson) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A member who is the last one may not leave, and decides about nobody else.
	mei := migration.Who{CustomerID: who("A-1").CustomerID, ContactID: "mei", Role: migration.Member}
	if err := people.Decide(t.Context(), mei, nil); !errors.Is(err, reader.ErrNobody) {
		t.Errorf("the last one left: %v", err)
	}
	if err := people.Decide(t.Context(), mei, map[string][]string{reader.Dates: {"mei", who("A-1").ContactID}}); !errors.Is(err, reader.ErrPerson) {
		t.Errorf("a member decided about the owner: %v", err)
	}
	h.approveAll()
	h.at("2026-06-01T01:00:00Z")
	if n := len(h.got("A-1")); n != 0 {
		t.Errorf("the owner of A-1, who is not to be told, got %d mails", n)
	}
	if n := len(h.box.Messages("mei@customer.example")); n != 1 {
		t.Errorf("Mei got %d mails, want 1", n)
	}
	if n := len(h.got("A-2")); n != 1 {
		t.Errorf("the owner of A-2 got %d mails, want 1", n)
	}
}

var _ notice.Texter = (*sms.Gateway)(nil)
