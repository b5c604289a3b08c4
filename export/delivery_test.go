package export_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"offramp/deploy/local/localtest"
	"offramp/export"
	"offramp/export/delivery"
	"offramp/export/storage"
	"offramp/internal/fault"
	"offramp/internal/outbound"
	"offramp/migration"
)

var master = []byte("a secret of thirty-two characters")

// deliveryWorld is a world with a ready export and an empty bucket of the customer's own.
type deliveryWorld struct {
	*world
	owner  migration.Who
	ready  export.Export
	theirs string
	target delivery.Target
	svc    *delivery.Service
	dlv    delivery.Config
}

const hidden = "CANARY-secret-of-the-customer"

func newDeliveryWorld(t *testing.T, projects int) *deliveryWorld {
	t.Helper()
	c := &deliveryWorld{}
	c.world, c.owner, c.ready = readyWorld(t, projects)
	s3 := localtest.S3(t)
	c.theirs = s3.Bucket(t)
	c.target = delivery.Target{Endpoint: s3.Endpoint, Bucket: c.theirs, Prefix: "/moving//2027", AccessKey: s3.AccessKey, SecretKey: s3.SecretKey}
	var err error
	c.svc, err = delivery.New(c.db, inserter(t, c.db), delivery.Options{Secret: master, PlainHTTP: true, Principal: "arn:aws:iam::1:role/offramp"})
	if err != nil {
		t.Fatal(err)
	}
	box, err := delivery.NewBox(master)
	if err != nil {
		t.Fatal(err)
	}
	c.dlv = delivery.Config{
		DB: c.db, Queue: inserter(t, c.db), Bucket: c.bucket, Box: box, Secret: master, Programmes: fixed{c.prog}, Logger: quiet(),
		Dialer:    outbound.Dialer(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}),
		Heartbeat: 20 * time.Millisecond, Backoff: []time.Duration{time.Millisecond},
	}
	return c
}

// deliver makes one attempt without a queue, and tells each point at which a worker may die.
func deliver(ctx context.Context, c delivery.Config, d delivery.Delivery, at func(point string)) error {
	c.At = at
	args := delivery.Args{DeliveryID: d.ID, CustomerID: d.CustomerID}
	return delivery.NewWorker(c).Work(ctx, &river.Job[delivery.Args]{JobRow: &rivertype.JobRow{}, Args: args})
}

func (c *deliveryWorld) start() delivery.Delivery {
	c.Helper()
	d, err := c.svc.Start(c.Context(), c.owner, c.prog, c.ready.ID, c.target)
	if err != nil {
		c.Fatal(err)
	}
	return d
}

func (c *deliveryWorld) latest() delivery.Delivery {
	c.Helper()
	d, err := c.svc.Latest(c.Context(), c.owner, c.ready.ID)
	if err != nil {
		c.Fatal(err)
	}
	return d
}

// forgotten holds that nothing of an ended delivery's secret is left.
func (c *deliveryWorld) forgotten() {
	c.Helper()
	if n := c.count(`SELECT count(*) FROM export_delivery WHERE secret IS NOT NULL AND finished_at IS NOT NULL`); n != 0 {
		c.Errorf("%d ended deliveries keep a secret", n)
	}
}

func TestE17_ACopyLiesInTheCustomersBucketProven(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 3000)
	d := c.start()
	if err := deliver(t.Context(), c.dlv, d, nil); err != nil {
		t.Fatal(err)
	}
	got := c.latest()
	if got.State != delivery.Done || got.BytesDone != c.ready.ObjectSize || len(got.Names) != len(c.ready.Volumes) {
		t.Fatalf("%+v", got)
	}
	bucket := openBucket(t, localtest.S3(t).Endpoint, c.theirs, false)
	for i, v := range c.read(c.ready).Volumes {
		proof, err := bucket.ReadBack(t.Context(), got.Names[i])
		if err != nil || proof.SHA256 != v.SHA256 || !strings.HasPrefix(got.Names[i], "moving/2027/hezhou-2027-HZ-20418-EX-") {
			t.Errorf("%s: %v, %v", got.Names[i], proof, err)
		}
	}
	c.forgotten()
	if mails := c.mails(); mails[len(mails)-1] != "export_delivered" {
		t.Errorf("mails: %v", mails)
	}
	if len(c.audited("export.delivered")) != 1 || len(c.audited("export.deliver")) != 1 {
		t.Error("the audit log lacks the delivery")
	}
	if err := deliver(t.Context(), c.dlv, d, nil); err != nil || c.latest().Attempt != 1 {
		t.Errorf("the job ran again: %v, attempt %d", err, c.latest().Attempt)
	}
}

func TestE17_TheSecretIsNowhereInClear(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 3)
	c.target.SecretKey = hidden
	d := c.start()
	rows, err := c.database.Super(t).Query(t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = 'public'
		AND query_to_xml(format('SELECT * FROM %I', tablename), true, false, '')::text LIKE '%' || $1 || '%'`, hidden)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		t.Error("a table holds the secret in clear")
	}
	rows.Close()
	if err := deliver(t.Context(), c.dlv, d, nil); err == nil || strings.Contains(err.Error(), hidden) {
		t.Errorf("%v", err)
	}
	c.forgotten()
	if got := c.latest(); got.Target.SecretKey != "" || strings.Contains(got.Problem+got.Cause, hidden) {
		t.Errorf("%+v", got)
	}
}

// TestE17_EachFaultOfABucketIsNamed delivers to buckets that will not do.
func TestE17_EachFaultOfABucketIsNamed(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 3)
	answer := func(code string, status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && strings.HasPrefix(code, "read ") {
				return
			}
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<Error><Code>" + strings.TrimPrefix(code, "read ") + "</Code></Error>"))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	redirect := httptest.NewServer(http.RedirectHandler("http://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect))
	t.Cleanup(redirect.Close)
	page := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(page.Close)
	for name, x := range map[string]struct {
		change         func(*delivery.Target)
		field, problem string
	}{
		"unknown key":     {func(x *delivery.Target) { x.AccessKey = "nobody" }, "access_key", "access_key"},
		"wrong secret":    {func(x *delivery.Target) { x.SecretKey = "wrong" }, "secret_key", "secret_key"},
		"no such bucket":  {func(x *delivery.Target) { x.Bucket = "nowhere" }, "bucket", "bucket"},
		"may not write":   {func(x *delivery.Target) { x.Endpoint = answer("AccessDenied", 403) }, "bucket", "denied_write"},
		"may not read":    {func(x *delivery.Target) { x.Endpoint = answer("read AccessDenied", 403) }, "bucket", "denied_read"},
		"clock":           {func(x *delivery.Target) { x.Endpoint = answer("RequestTimeTooSkewed", 403) }, "endpoint", "clock"},
		"region":          {func(x *delivery.Target) { x.Endpoint = answer("AuthorizationHeaderMalformed", 400) }, "region", "region"},
		"a web server":    {func(x *delivery.Target) { x.Endpoint = page.URL }, "endpoint", "not_s3"},
		"a redirect":      {func(x *delivery.Target) { x.Endpoint = redirect.URL }, "region", "region"}, // as AWS says it
		"private":         {func(x *delivery.Target) { x.Endpoint = "http://10.0.0.1:9000" }, "endpoint", "unknown_host"},
		"metadata":        {func(x *delivery.Target) { x.Endpoint = "http://169.254.169.254" }, "endpoint", "unknown_host"},
		"mapped metadata": {func(x *delivery.Target) { x.Endpoint = "http://[::ffff:169.254.169.254]" }, "endpoint", "unknown_host"},
	} {
		c.clock.Advance(time.Second) // the latest is the one that was asked for last
		good := c.target
		x.change(&c.target)
		d := c.start()
		c.target = good
		err := deliver(t.Context(), c.dlv, d, nil)
		got := c.latest()
		if err == nil || got.State != delivery.Failed || got.Field != x.field || got.Problem != "delivery.problem."+x.problem || got.Attempt != 1 {
			t.Errorf("%s: %s beside %q: %s after %d attempts; %v", name, got.State, got.Field, got.Problem, got.Attempt, err)
		}
	}
	c.forgotten()
	if mails := c.mails(); mails[len(mails)-1] != "export_not_delivered" {
		t.Errorf("mails: %v", mails)
	}
}

func TestE17_WhatPassesIsTriedAgainWithinBounds(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 3)
	c.target.Endpoint = "http://127.0.0.1:1"
	c.dlv.Retries = 2
	d := c.start()
	if err := deliver(t.Context(), c.dlv, d, nil); err == nil {
		t.Fatal("delivered to nobody")
	}
	if got := c.latest(); got.State != delivery.Waiting || got.Problem != "delivery.problem.unreachable" || got.Failures != 1 {
		t.Errorf("%+v", got)
	}
	if err := deliver(t.Context(), c.dlv, d, nil); err == nil {
		t.Fatal("delivered to nobody")
	}
	if got := c.latest(); got.State != delivery.Failed || got.Field != "endpoint" {
		t.Errorf("%+v", got)
	}
	c.forgotten()
}

// TestE17_AKilledCopyGoesOnWithTheVolumeInWork cuts the worker off between two volumes, and in the middle of one.
func TestE17_AKilledCopyGoesOnWithTheVolumeInWork(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 3000)
	c.split(3)
	d := c.start()
	for _, point := range []string{"volume 2", "sent 3"} {
		ctx, cancel := context.WithCancel(t.Context())
		err := deliver(ctx, c.dlv, d, func(at string) {
			if at == point {
				cancel()
			}
		})
		cancel()
		if err == nil || c.latest().State != delivery.Copying && c.latest().State != delivery.Checking {
			t.Fatalf("%s: %v, %s", point, err, c.latest().State)
		}
	}
	var points []string
	var mu sync.Mutex
	c.clock.Set(c.ready.ExpiresAt.Add(time.Hour)) // the window is over; what was asked for in time is completed
	if err := export.Sweep(t.Context(), c.config); err != nil {
		t.Fatal(err)
	}
	err := deliver(t.Context(), c.dlv, d, func(at string) { mu.Lock(); defer mu.Unlock(); points = append(points, at) })
	if err != nil || c.latest().State != delivery.Done || len(c.latest().Names) != 3 {
		t.Fatalf("%v, %+v", err, c.latest())
	}
	if got := strings.Join(points, ", "); strings.Contains(got, "volume 1") || strings.Contains(got, "volume 2") || !strings.Contains(got, "volume 3") {
		t.Errorf("the third attempt went through %s", got)
	}
	if err := export.Sweep(t.Context(), c.config); err != nil {
		t.Fatal(err)
	}
	if left := c.objects(); len(left) != 0 {
		t.Errorf("after the delivery the bucket keeps %v", left)
	}
}

// split makes more volumes of the ready export's one, which is copied as often.
func (c *deliveryWorld) split(n int) {
	c.Helper()
	c.must(`INSERT INTO export_volume (export_id, number, customer_id, attempt, state, object_key, size, sha256, receipt, sealed_at)
		SELECT export_id, g, customer_id, attempt, state, object_key, size, sha256, receipt, sealed_at FROM export_volume, generate_series(2, $2) g WHERE export_id = $1`, c.ready.ID, n)
	c.must(`UPDATE export SET object_size = object_size * $2 WHERE id = $1`, c.ready.ID, n)
	c.ready = c.read(c.ready)
}

func (c *deliveryWorld) must(sql string, args ...any) {
	c.Helper()
	if _, err := c.database.Super(c.T).Exec(c.Context(), sql, args...); err != nil {
		c.Fatal(err)
	}
}

func TestE17_ACancelledCopyStops(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 3000)
	c.split(2)
	d := c.start()
	if _, err := c.svc.Start(t.Context(), c.owner, c.prog, c.ready.ID, c.target); !errors.Is(err, delivery.ErrOtherLive) {
		t.Errorf("a second one: %v", err)
	}
	var once atomic.Bool
	err := deliver(t.Context(), c.dlv, d, func(at string) {
		if at == "volume 2" && once.CompareAndSwap(false, true) {
			if err := c.svc.Cancel(t.Context(), c.owner, c.prog, c.ready.ID); err != nil {
				t.Error(err)
			}
		}
	})
	got := c.latest()
	if err != nil || got.State != delivery.Cancelled || len(got.Names) != 1 {
		t.Errorf("%v, %+v", err, got)
	}
	c.forgotten()
	if err := c.svc.Cancel(t.Context(), c.owner, c.prog, c.ready.ID); err != nil {
		t.Errorf("cancelled twice: %v", err)
	}
}

func TestI01_ATargetIsRefusedBesideItsField(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 1)
	strict, err := delivery.New(c.db, inserter(t, c.db), delivery.Options{Secret: master})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name   string
		change func(*delivery.Target)
		field  string
	}{
		{"plain http", func(*delivery.Target) {}, "endpoint"},
		{"no address", func(x *delivery.Target) { x.Endpoint = "s3.example.com" }, "endpoint"},
		{"user in it", func(x *delivery.Target) { x.Endpoint = "https://a:b@s3.example.com" }, "endpoint"},
		{"path in it", func(x *delivery.Target) { x.Endpoint = "https://s3.example.com/bucket" }, "endpoint"},
		{"another scheme", func(x *delivery.Target) { x.Endpoint = "file:///etc/passwd" }, "endpoint"},
		{"no bucket", func(x *delivery.Target) { x.Endpoint, x.Bucket = "", "" }, "bucket"},
		{"a path as bucket", func(x *delivery.Target) { x.Endpoint, x.Bucket = "", "a/../b" }, "bucket"},
		{"markup", func(x *delivery.Target) { x.Endpoint, x.Prefix = "", "<script>" }, "prefix"},
		{"right to left", func(x *delivery.Target) { x.Endpoint, x.Prefix = "", "a\u202eb" }, "prefix"},
		{"no key", func(x *delivery.Target) { x.Endpoint, x.AccessKey = "", "" }, "access_key"},
		{"a key of two lines", func(x *delivery.Target) { x.Endpoint, x.SecretKey = "", "a\nb" }, "secret_key"},
		{"a region with a dot", func(x *delivery.Target) { x.Endpoint, x.Region = "", "evil.example" }, "region"},
		{"key and role", func(x *delivery.Target) { x.Endpoint, x.Role = "", "arn:aws:iam::123456789012:role/x" }, "role"},
		{"a role without our identity", func(x *delivery.Target) {
			*x = delivery.Target{Bucket: "abc", Role: "arn:aws:iam::123456789012:role/x"}
		}, "role"},
	} {
		target := c.target
		x.change(&target)
		_, err := strict.Start(t.Context(), c.owner, c.prog, c.ready.ID, target)
		if f, ok := fault.As(err); !ok || len(f.Fields) != 1 || f.Fields[0].Name != x.field {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	_, other := c.customer("HZ-2")
	other.Role = migration.Owner
	if _, err := c.svc.Start(t.Context(), other, c.prog, c.ready.ID, c.target); !errors.Is(err, export.ErrNotFound) {
		t.Errorf("another customer: %v", err)
	}
	c.clock.Set(*c.ready.ExpiresAt)
	if _, err := c.svc.Start(t.Context(), c.owner, c.prog, c.ready.ID, c.target); !errors.Is(err, export.ErrExpired) {
		t.Errorf("after the window: %v", err)
	}
}

// TestE17_ARoleIsTakenOnWithTheCustomersExternalID stands in for AWS's service, which hands out the keys of the real S3
// server, and checks what it was asked.
func TestE17_ARoleIsTakenOnWithTheCustomersExternalID(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 3)
	s3 := localtest.S3(t)
	var asked atomic.Pointer[url.Values]
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		asked.Store(&r.PostForm)
		if !strings.Contains(r.Header.Get("Authorization"), "Credential=ours/") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>` + s3.AccessKey +
			`</AccessKeyId><SecretAccessKey>` + s3.SecretKey + `</SecretAccessKey><SessionToken></SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`))
	}))
	t.Cleanup(sts.Close)
	b, err := storage.Open(t.Context(), storage.Config{
		Endpoint: s3.Endpoint, Bucket: c.theirs, PathStyle: true, AccessKey: "ours", SecretKey: "secret", Role: "arn:aws:iam::123456789012:role/x",
		ExternalID: c.svc.ExternalID(c.owner.CustomerID), RoleServer: sts.URL, Dialer: c.dlv.Dialer,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Put(t.Context(), "by-role", []byte("x"), "text/plain"); err != nil {
		t.Error(err)
	}
	if v := *asked.Load(); v.Get("ExternalId") != c.svc.ExternalID(c.owner.CustomerID) || v.Get("RoleArn") != "arn:aws:iam::123456789012:role/x" {
		t.Errorf("asked for %v", v)
	}
	if c.svc.ExternalID("customer-1") == c.svc.ExternalID("customer-2") {
		t.Error("two customers share an external id")
	}
}

// TestH03_ACustomerAsksForSoManyCopiesADay bounds how often a customer can have us call an address of their choice.
func TestH03_ACustomerAsksForSoManyCopiesADay(t *testing.T) {
	t.Parallel()
	c := newDeliveryWorld(t, 1)
	var err error
	c.svc, err = delivery.New(c.db, inserter(t, c.db), delivery.Options{Secret: master, PlainHTTP: true, Daily: 3})
	if err != nil {
		t.Fatal(err)
	}
	c.target.AccessKey = "nobody"
	for range 3 {
		c.clock.Advance(time.Second)
		if err := deliver(t.Context(), c.dlv, c.start(), nil); err == nil {
			t.Fatal("a stranger's key was taken")
		}
	}
	c.clock.Advance(time.Second)
	if _, err := c.svc.Start(t.Context(), c.owner, c.prog, c.ready.ID, c.target); !errors.Is(err, delivery.ErrLimited) {
		t.Errorf("the fourth of a day: %v", err)
	}
	c.clock.Advance(24 * time.Hour)
	if _, err := c.svc.Start(t.Context(), c.owner, c.prog, c.ready.ID, c.target); err != nil {
		t.Errorf("a day later: %v", err)
	}
}
