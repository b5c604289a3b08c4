package local

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"offramp/deploy/local/postgres"
	"offramp/deploy/local/smsgateway"
)

// Names of what the stack makes.
const (
	Database      = "offramp"          // the portal's database
	ExportBucket  = "offramp-exports"  // the portal's bucket
	customerLogin = "offramp-portal"   // the portal's client id at the customers' provider
	staffLogin    = "offramp-console"  // and at the staff's
	StripeHook    = "/webhooks/stripe" // where the portal takes the payment provider's events
)

// StackOptions say how to run everything that Offramp needs, and Offramp itself. Dir and Binary are required.
type StackOptions struct {
	Dir       string        // keeps all data; made when missing
	Binary    string        // the product's, built from cmd/offramp
	Address   string        // of the portal; default a free port of this machine, the same in every run
	Shift     time.Duration // how far the portal's clock runs ahead of the machine's
	Throwaway bool          // for tests: speed before safety on disk
	Users     []User        // at the customers' provider
	Staff     []User        // at the staff's provider
	Say       func(string)  // told what is being done; may be nil
	Log       io.Writer     // takes what the processes print; default Dir/offramp.log
}

// Stack is everything on one machine, each part real. Start the parts, prepare them, then start the product's processes.
type Stack struct {
	Postgres *postgres.Server
	S3       *S3
	Customer *OIDC // the retired product's provider
	Staff    *OIDC // the company's provider
	Mail     *Mail
	Hooks    *Webhooks
	Stripe   *Stripe // knows no payments until they are seeded
	Texts    *smsgateway.Gateway

	PortalURL  string
	MetricsURL string
	Env        Environment // for any command of the product; serve signs in to the database apart

	options StackOptions
	log     io.Writer
	ends    []func() error // in the order of starting

	mu        sync.Mutex
	processes []*Offramp
	stopped   bool
}

// StartStack starts the parts and brings the portal's database to its schema. It starts no process of the product yet.
// After an error nothing is left running.
func StartStack(ctx context.Context, o StackOptions) (s *Stack, err error) {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	s = &Stack{options: o, log: o.Log}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
			s = nil
		}
	}()
	if err := os.MkdirAll(o.Dir, 0o755); err != nil { // PostgreSQL runs as another user below it
		return s, fmt.Errorf("make %s: %w", o.Dir, err)
	}
	if s.log == nil {
		f, err := os.OpenFile(filepath.Join(o.Dir, "offramp.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return s, err
		}
		s.log = f
		s.ends = append(s.ends, f.Close)
	}
	for _, start := range []func(context.Context) error{s.startPostgres, s.startS3, s.startMail, s.startHooks, s.choosePortal, s.startProviders, s.startStripe, s.startTexts, s.configure} {
		if err := start(ctx); err != nil {
			return s, err
		}
	}
	o.Say("Bringing the database to its schema ...")
	_, err = s.Run(ctx, "schema", "up")
	return s, err
}

func (s *Stack) startPostgres(ctx context.Context) (err error) {
	s.options.Say("Starting PostgreSQL ...")
	s.Postgres, err = postgres.Start(ctx, postgres.Options{Dir: filepath.Join(s.options.Dir, "postgres"), Throwaway: s.options.Throwaway, Progress: s.options.Say})
	if err != nil {
		return err
	}
	s.ends = append(s.ends, s.Postgres.Stop)
	return s.Postgres.CreateDatabase(ctx, Database)
}

func (s *Stack) startS3(ctx context.Context) error {
	s.options.Say("Starting the S3 server ...")
	secret, err := s.secret("s3-secret")
	if err != nil {
		return err
	}
	port, err := s.port(ctx, "s3")
	if err != nil {
		return err
	}
	if s.S3, err = StartS3(ctx, S3Options{Dir: filepath.Join(s.options.Dir, "s3"), SecretKey: secret, Port: port}); err != nil {
		return err
	}
	s.ends = append(s.ends, s.S3.Stop)
	return s.S3.CreateBucket(ctx, ExportBucket)
}

func (s *Stack) startMail(ctx context.Context) error {
	s.options.Say("Starting the mailbox and the webhook receiver ...")
	smtp, err := SteadyAddress(ctx, s.options.Dir, "smtp")
	if err != nil {
		return err
	}
	web, err := SteadyAddress(ctx, s.options.Dir, "mail")
	if err != nil {
		return err
	}
	pop, err := SteadyAddress(ctx, s.options.Dir, "pop")
	if err != nil {
		return err
	}
	if s.Mail, err = StartMail(ctx, MailOptions{SMTPAddress: smtp, WebAddress: web, POPAddress: pop}); err != nil {
		return err
	}
	s.ends = append(s.ends, s.Mail.Close)
	return nil
}

func (s *Stack) startHooks(ctx context.Context) error {
	address, err := SteadyAddress(ctx, s.options.Dir, "webhooks")
	if err != nil {
		return err
	}
	if s.Hooks, err = StartWebhooks(ctx, WebhookOptions{Address: address}); err != nil {
		return err
	}
	s.ends = append(s.ends, s.Hooks.Close)
	return nil
}

// choosePortal settles the portal's address, which the providers must know.
func (s *Stack) choosePortal(ctx context.Context) (err error) {
	if s.options.Address == "" {
		if s.options.Address, err = SteadyAddress(ctx, s.options.Dir, "portal"); err != nil {
			return err
		}
	}
	l, err := listen(ctx, s.options.Address)
	if err != nil {
		return err
	}
	s.options.Address = l.Addr().String() // port 0 has become one
	s.PortalURL = "http://" + s.options.Address
	return l.Close()
}

func (s *Stack) startProviders(ctx context.Context) error {
	s.options.Say("Starting two OpenID providers ...")
	customer := Client{
		ID: customerLogin, Secret: "customers-secret", RedirectURIs: []string{s.PortalURL + "/sign-in/callback"},
		PostLogoutURIs: []string{s.PortalURL + "/signed-out"}, BackChannelURI: s.PortalURL + "/sign-in/back-channel-logout",
	}
	staff := Client{
		ID: staffLogin, Secret: "staff-secret", RedirectURIs: []string{s.PortalURL + "/staff/sign-in/callback"},
		PostLogoutURIs: []string{s.PortalURL + "/signed-out"}, BackChannelURI: s.PortalURL + "/staff/sign-in/back-channel-logout",
	}
	var err error
	if s.Customer, err = s.provider(ctx, "customers", s.options.Users, customer); err != nil {
		return err
	}
	s.Staff, err = s.provider(ctx, "staff", s.options.Staff, staff)
	return err
}

func (s *Stack) provider(ctx context.Context, name string, users []User, client Client) (*OIDC, error) {
	address, err := SteadyAddress(ctx, s.options.Dir, "openid-"+name)
	if err != nil {
		return nil, err
	}
	p, err := StartOIDC(ctx, OIDCOptions{
		Address: address, Name: "Sign-in for " + name, KeyFile: filepath.Join(s.options.Dir, "openid-"+name+".key"),
		Users: users, Clients: []Client{client},
	})
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, p.Close)
	return p, nil
}

// startStripe starts the payment provider. What refunds come to later they come to after some seconds, so that a demonstration
// shows it; in tests, when they are told to.
func (s *Stack) startStripe(ctx context.Context) error {
	address, err := SteadyAddress(ctx, s.options.Dir, "stripe")
	if err != nil {
		return err
	}
	key, err := s.secret("stripe-key")
	if err != nil {
		return err
	}
	signing, err := s.secret("stripe-signing")
	if err != nil {
		return err
	}
	o := StripeOptions{
		Address: address, Key: "sk_test_" + key, Secrets: []string{"whsec_" + signing}, Hook: s.PortalURL + StripeHook,
		File: filepath.Join(s.options.Dir, "stripe.json"), Later: 10 * time.Second, Shift: s.options.Shift,
	}
	if s.options.Throwaway {
		o.Later = 0
	}
	if s.Stripe, err = StartStripe(ctx, o); err != nil {
		return err
	}
	s.ends = append(s.ends, s.Stripe.Close)
	return nil
}

// startTexts starts the gateway for short messages. Receipts come after two seconds, so that a demonstration shows both states.
func (s *Stack) startTexts(ctx context.Context) error {
	address, err := SteadyAddress(ctx, s.options.Dir, "sms")
	if err != nil {
		return err
	}
	key, err := s.secret("sms-secret")
	if err != nil {
		return err
	}
	hook, err := s.secret("sms-hook")
	if err != nil {
		return err
	}
	o := smsgateway.Options{
		Address: address, Secret: key, Hook: s.PortalURL + "/hooks/sms", HookSecret: "whsec_" + base64.StdEncoding.EncodeToString([]byte(hook)),
		Later: 2 * time.Second,
	}
	if s.options.Throwaway {
		o.Later = 0
	}
	if s.Texts, err = smsgateway.Start(ctx, o); err != nil {
		return err
	}
	s.ends = append(s.ends, s.Texts.Close)
	return nil
}

// configure writes down what the product's processes need to know.
func (s *Stack) configure(ctx context.Context) error {
	key, err := s.secret("secret-key")
	if err != nil {
		return err
	}
	metrics, err := SteadyAddress(ctx, s.options.Dir, "metrics")
	if err != nil {
		return err
	}
	s.MetricsURL = "http://" + metrics + "/metrics"
	host, port, err := net.SplitHostPort(s.Mail.SMTP)
	if err != nil {
		return err
	}
	s.Env = Environment{
		"OFFRAMP_DATABASE_URL": s.Postgres.URL(Database, postgres.WorkRole), "OFFRAMP_DATABASE_OWNER_URL": s.Postgres.URL(Database, postgres.OwnerRole),
		"OFFRAMP_WEB_URL": s.PortalURL, "OFFRAMP_WEB_LISTEN": s.options.Address, "OFFRAMP_WEB_METRICS": metrics, "OFFRAMP_WEB_SECRET_KEY": key,
		"OFFRAMP_S3_ENDPOINT": s.S3.Endpoint, "OFFRAMP_S3_REGION": s.S3.Region, "OFFRAMP_S3_BUCKET": ExportBucket,
		"OFFRAMP_S3_ACCESS_KEY": s.S3.AccessKey, "OFFRAMP_S3_SECRET_KEY": s.S3.SecretKey,
		"OFFRAMP_CUSTOMER_ISSUER": s.Customer.Issuer, "OFFRAMP_CUSTOMER_CLIENT_ID": customerLogin, "OFFRAMP_CUSTOMER_CLIENT_SECRET": "customers-secret",
		"OFFRAMP_STAFF_ISSUER": s.Staff.Issuer, "OFFRAMP_STAFF_CLIENT_ID": staffLogin, "OFFRAMP_STAFF_CLIENT_SECRET": "staff-secret",
		"OFFRAMP_STAFF_ROLES": "support:support,finance_clerk:finance-clerks,finance_approver:finance-approvers,finance_releaser:finance-releasers,programme_manager:programme,auditor:audit,operator:operations",
		"OFFRAMP_SMTP_HOST":   host, "OFFRAMP_SMTP_PORT": port, "OFFRAMP_SMTP_TLS": "none", "OFFRAMP_SMTP_FROM": "moving@hezhou.example",
		"OFFRAMP_SMTP_BOUNCES": "bounces@hezhou.example", "OFFRAMP_REPORTS_MAILBOX": "pop3://" + ReportUser + "@" + s.Mail.POP,
		"OFFRAMP_REPORTS_PASSWORD": ReportPassword, "OFFRAMP_REPORTS_EVERY": "5s",
		"OFFRAMP_SMS_URL": s.Texts.Send, "OFFRAMP_SMS_HEADERS": smsgateway.Headers, "OFFRAMP_SMS_SECRET": s.Texts.Secret, "OFFRAMP_SMS_BODY": smsgateway.Body,
		"OFFRAMP_SMS_ID_FIELD": "id", "OFFRAMP_SMS_CODE_FIELD": "code", "OFFRAMP_SMS_NUMBER_CODES": smsgateway.CodeNumber, "OFFRAMP_SMS_TIMEOUT": "10s",
		"OFFRAMP_SMS_REPORT_SECRETS": s.Texts.HookSecret,
		"OFFRAMP_SINK_CRM_URL":       s.Hooks.Hook, "OFFRAMP_SINK_CRM_SECRET": s.Hooks.Secret, "OFFRAMP_OUTBOUND_ALLOW": "127.0.0.0/8", "OFFRAMP_DELIVERY_ALLOW": "127.0.0.0/8",
		"OFFRAMP_REPLACEMENT_DRIFTBOARD_SECRET": "whsec_" + base64.StdEncoding.EncodeToString([]byte("driftboard "+key)),
		"OFFRAMP_STRIPE_KEY":                    s.Stripe.Key, "OFFRAMP_STRIPE_WEBHOOK_SECRETS": s.Stripe.Secrets[0], "OFFRAMP_STRIPE_URL": s.Stripe.URL,
		"OFFRAMP_BANK_NAME": "河舟软件有限公司", "OFFRAMP_BANK_ACCOUNT": "31050123456789012345", "OFFRAMP_BANK_CNAPS": "102290000017", "OFFRAMP_BANK_UNICODE": "yes",
		"OFFRAMP_DEMO_SELF_APPROVAL": "yes",
		"OFFRAMP_CLOCK_SHIFT":        s.options.Shift.String(), "OFFRAMP_WORK_DRAIN": "5s",
	}
	return nil
}

// Run runs a command of the product to its end and returns what it printed.
func (s *Stack) Run(ctx context.Context, arguments ...string) (string, error) {
	return RunOfframp(ctx, s.options.Binary, arguments, s.Env.List())
}

// StartPortal starts the web side and waits until it answers.
func (s *Stack) StartPortal(ctx context.Context) error {
	s.options.Say("Starting the portal ...")
	web, err := s.start("serve", s.Env)
	if err != nil {
		return err
	}
	return web.Await(ctx, s.MetricsURL[:len(s.MetricsURL)-len("metrics")]+"readyz")
}

// StartWorker starts one worker of the given name.
func (s *Stack) StartWorker(name string) (*Offramp, error) {
	s.options.Say("Starting worker " + name + " ...")
	return s.start("work", s.Env.With(map[string]string{"OFFRAMP_WORK_ID": name, "OFFRAMP_WEB_METRICS": "off"}))
}

// StartWith starts a process of the product with an environment of the caller's choice.
func (s *Stack) StartWith(command string, env Environment) (*Offramp, error) {
	return s.start(command, env)
}

// RestartS3 ends the S3 server at once and starts it again on the same port with the same objects, after a pause.
func (s *Stack) RestartS3(ctx context.Context, pause time.Duration) error {
	at, err := url.Parse(s.S3.Endpoint)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		return err
	}
	if err := s.S3.Stop(); err != nil {
		return err
	}
	select {
	case <-ctx.Done(): // it is started all the same: whoever breaks off needs it whole
	case <-time.After(pause):
	}
	again, err := StartS3(context.WithoutCancel(ctx), S3Options{Dir: filepath.Join(s.options.Dir, "s3"), AccessKey: s.S3.AccessKey, SecretKey: s.S3.SecretKey, Port: port})
	if err != nil {
		return err
	}
	*s.S3 = *again
	return nil
}

func (s *Stack) start(command string, env Environment) (*Offramp, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil, errors.New("the stack has been stopped")
	}
	if command == "serve" {
		env = env.With(map[string]string{"OFFRAMP_DATABASE_URL": s.Postgres.URL(Database, postgres.WebRole)})
	}
	p, err := StartOfframp(s.options.Binary, []string{command}, env.List(), s.log)
	if err == nil {
		s.processes = append(s.processes, p)
	}
	return p, err
}

// Stop ends the product's processes, then the parts, the last started first.
func (s *Stack) Stop() error {
	var errs []error
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for _, p := range s.processes {
		_ = p.child.Cmd.Process.Signal(os.Interrupt) // all at once; the loop below waits for each
	}
	for _, p := range s.processes {
		errs = append(errs, p.Stop(15*time.Second))
	}
	s.processes = nil
	for i := len(s.ends) - 1; i >= 0; i-- {
		errs = append(errs, s.ends[i]())
	}
	s.ends = nil
	return errors.Join(errs...)
}

// secret returns a random text that is kept in Dir between runs.
func (s *Stack) secret(name string) (string, error) {
	path := filepath.Join(s.options.Dir, name)
	if kept, err := os.ReadFile(path); err == nil && len(kept) > 0 { // our own directory
		return string(kept), nil
	}
	fresh := rand.Text() + rand.Text()
	return fresh, os.WriteFile(path, []byte(fresh), 0o600)
}

func (s *Stack) port(ctx context.Context, name string) (int, error) {
	address, err := SteadyAddress(ctx, s.options.Dir, name)
	if err != nil {
		return 0, err
	}
	var port int
	_, digits, err := net.SplitHostPort(address)
	if err == nil {
		_, err = fmt.Sscan(cmp.Or(digits, "0"), &port)
	}
	return port, err
}
