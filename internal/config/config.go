// Package config reads the whole configuration from environment variables, checks it as a whole and reports every fault
// at once. A variable NAME may be given as NAME_FILE instead: the path of a file that holds the value.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"offramp/internal/sms"
)

// Prefix begins the name of every variable.
const Prefix = "OFFRAMP_"

// Config is everything that an installation sets. The struct's tags are the source of docs/reference/configuration.md:
// env names the variable, doc says what it is, use says which commands need it.
type Config struct {
	Database Database `envPrefix:"DATABASE_"`
	Web      Web      `envPrefix:"WEB_"`
	Storage  Storage  `envPrefix:"S3_"`
	Customer Realm    `envPrefix:"CUSTOMER_"`
	Staff    Realm    `envPrefix:"STAFF_"`
	Session  Session  `envPrefix:"SESSION_"`
	Mail     Mail     `envPrefix:"SMTP_"`
	// SecondMail takes the notices that the first server did not.
	SecondMail SecondMail `envPrefix:"SMTP_SECOND_"`
	Reports    Reports    `envPrefix:"REPORTS_"`
	SMS        SMS        `envPrefix:"SMS_"`
	Work       Work       `envPrefix:"WORK_"`
	Outbound   Outbound   `envPrefix:"OUTBOUND_"`
	Delivery   Delivery   `envPrefix:"DELIVERY_"`
	Limit      Limit      `envPrefix:"LIMIT_"`
	Scan       Scan       `envPrefix:"SCAN_"`
	Trusted    Trusted    `envPrefix:"TRUSTED_"`
	Stripe     Stripe     `envPrefix:"STRIPE_"`
	Bank       Bank       `envPrefix:"BANK_"`
	KMS        KMS        `envPrefix:"KMS_"`
	Erasure    Erasure    `envPrefix:"ERASURE_"`
	Log        Log        `envPrefix:"LOG_"`
	Clock      Clock      `envPrefix:"CLOCK_"`

	Sources map[string]string `env:"-"` // key -> address, from SOURCE_<KEY>_URL
	// SourceHeaders holds, by the same keys, one header line with its secret for each HTTP API, from SOURCE_<KEY>_HEADER.
	SourceHeaders map[string]string `env:"-"`

	Sinks map[string]SinkEnd `env:"-"` // name -> where it lies, from SINK_<NAME>_URL and _SECRET

	Replacements map[string]string `env:"-"` // key, with _ for - -> signing secret, from REPLACEMENT_<KEY>_SECRET
}

// Database is PostgreSQL 15 or later.
type Database struct {
	URL      string `env:"URL" doc:"Address of the database. serve signs in as a member of offramp_serve; work and all other commands as another role, a member of offramp_work." use:"all" example:"postgres://offramp_web:secret@db:5432/offramp" secret:"yes"`
	OwnerURL string `env:"OWNER_URL" doc:"Address as the owner of the schema. Only the schema command needs it; keep it away from serve and work." use:"schema" example:"postgres://offramp_owner:secret@db:5432/offramp" secret:"yes"`
	MaxConns int32  `env:"MAX_CONNS" envDefault:"16" doc:"Most connections that one process holds." use:"serve, work"`
}

// Web is the portal's HTTP side.
type Web struct {
	URL       string        `env:"URL" doc:"Address at which browsers reach the portal. https, but for loopback addresses." use:"serve, work" example:"https://moving.example.com"`
	Listen    string        `env:"LISTEN" envDefault:":8080" doc:"Where serve listens." use:"serve"`
	Metrics   string        `env:"METRICS" envDefault:"127.0.0.1:9090" doc:"Where /metrics, /livez and /readyz listen, for serve and work alike; keep it inside. off: nowhere." use:"serve, work"`
	Grace     time.Duration `env:"GRACE" envDefault:"20s" doc:"How long requests in flight may take after SIGTERM." use:"serve"`
	SecretKey string        `env:"SECRET_KEY" doc:"At least 32 random characters, the same on every replica; derives customers' support codes, the key that signs receipts and the one that seals secrets." use:"serve, work" secret:"yes"`
	Hosts     []string      `env:"HOSTS" doc:"Further host names under which requests are answered, with the port unless it is 443. Requests for hosts other than WEB_URL's and these get 421." use:"serve" example:"moving.internal.example:8443"`
	OldKeys   []string      `env:"OLD_SECRET_KEYS" doc:"What SECRET_KEY was earlier, so that what it sealed still opens and receipts that it signed can still be checked." use:"serve, work" secret:"yes"`
}

// Storage is the S3 bucket for exports.
type Storage struct {
	Endpoint       string `env:"ENDPOINT" doc:"Address of the S3 API. Empty: the region's own at AWS." use:"serve, work" example:"https://s3.example.com"`
	PublicEndpoint string `env:"PUBLIC_ENDPOINT" doc:"The same API as customers' browsers reach it, for download links. Empty: ENDPOINT." use:"serve"`
	Region         string `env:"REGION" envDefault:"us-east-1" doc:"Region." use:"serve, work"`
	Bucket         string `env:"BUCKET" doc:"Bucket for exports and documents of refunds, private and not shared with anything else." use:"serve, work" example:"offramp-exports"`
	AccessKey      string `env:"ACCESS_KEY" doc:"Access key id. Empty: the usual AWS chain (role, profile)." use:"serve, work"`
	SecretKey      string `env:"SECRET_KEY" doc:"Secret access key." use:"serve, work" secret:"yes"`
	PathStyle      bool   `env:"PATH_STYLE" envDefault:"true" doc:"Bucket in the path rather than in the host name." use:"serve, work"`
	Transfers      int    `env:"PROXY_TRANSFERS" envDefault:"8" doc:"With PROXY: files that one process sends at once. One customer gets one at a time, on all processes together." use:"serve"`
	Proxy          Switch `env:"PROXY" envDefault:"no" doc:"yes: files are sent through the portal, for installations whose bucket browsers cannot reach. no: by links to the bucket." use:"serve"`
}

// Realm is one OpenID provider: the retired product's for customers, the company's for staff.
type Realm struct {
	Issuer        string            `env:"ISSUER" doc:"Issuer of the OpenID provider." use:"serve" example:"https://login.example.com"`
	ClientID      string            `env:"CLIENT_ID" doc:"Client id of the portal there." use:"serve"`
	ClientSecret  string            `env:"CLIENT_SECRET" doc:"Client secret." use:"serve" secret:"yes"`
	Scopes        []string          `env:"SCOPES" envDefault:"openid,profile,email" doc:"Scopes to ask for." use:"serve"`
	CustomerClaim string            `env:"CLAIM" envDefault:"customer" doc:"Customers' provider: claim with the customer's number. Empty: by invitation only." use:"serve"`
	RoleClaim     string            `env:"ROLE_CLAIM" envDefault:"customer_role" doc:"Customers' provider: claim with owner or member, for contacts that were not imported." use:"serve"`
	GroupsClaim   string            `env:"GROUPS_CLAIM" envDefault:"groups" doc:"Staff's provider: claim with the groups." use:"serve"`
	ACR           []string          `env:"ACR" doc:"Kinds of credentials that a sign-in has to be of, strongest first: they are asked for (acr_values), and the token's acr, or one of its amr, has to be among them. Empty: what the provider asks for by itself." use:"serve" example:"urn:example:mfa,mfa,hwk"`
	Roles         map[string]string `env:"ROLES" doc:"Staff's provider: role:group pairs. Roles are support, finance_clerk, finance_approver, finance_releaser, programme_manager, auditor, operator." use:"serve" example:"support:helpdesk,auditor:internal-audit"`
}

// Session bounds sign-ins.
type Session struct {
	Idle     time.Duration `env:"IDLE" envDefault:"30m" doc:"A session without a request for so long is over." use:"serve"`
	Lifetime time.Duration `env:"LIFETIME" envDefault:"12h" doc:"A session is over after so long in any case." use:"serve"`
}

// Mail is the SMTP server.
type Mail struct {
	Host     string `env:"HOST" doc:"SMTP server." use:"work" example:"smtp.example.com"`
	Port     int    `env:"PORT" envDefault:"587" doc:"Its port." use:"work"`
	Username string `env:"USERNAME" doc:"User name. Empty: no sign-in." use:"work"`
	Password string `env:"PASSWORD" doc:"Password." use:"work" secret:"yes"`
	TLS      string `env:"TLS" envDefault:"starttls" doc:"starttls, tls or none (loopback only)." use:"work"`
	From     string `env:"FROM" doc:"Sender of every mail." use:"work" example:"Moving team <moving@example.com>"`
	Bounces  string `env:"BOUNCES" doc:"Where reports about notices come back: a token is put behind a plus sign before the @, so that each proves itself. At most 21 characters before the @. Empty: to the sender, and nobody reads them." use:"serve, work" example:"bounces@example.com"`
}

// SecondMail is another SMTP server, which takes a notice where the first is not reached or takes none for the moment.
type SecondMail struct {
	Host     string `env:"HOST" doc:"Second SMTP server for notices, under the same message ids. Empty: none." use:"work" example:"smtp2.example.com"`
	Port     int    `env:"PORT" envDefault:"587" doc:"Its port." use:"work"`
	Username string `env:"USERNAME" doc:"User name. Empty: no sign-in." use:"work"`
	Password string `env:"PASSWORD" doc:"Password." use:"work" secret:"yes"`
	TLS      string `env:"TLS" envDefault:"starttls" doc:"starttls, tls or none (loopback only)." use:"work"`
}

// Reports is how reports about our mails come in: bounces, delays and complaints. Each way works beside the others.
type Reports struct {
	Mailbox  string        `env:"MAILBOX" doc:"Mailbox that SMTP_BOUNCES leads to, by IMAP (nothing is changed in it) or POP3 (what was read is deleted): imaps://USER@HOST/FOLDER or pop3s://USER@HOST. Empty: none is read." use:"work" example:"imaps://bounces@imap.example.com/INBOX"`
	Password string        `env:"PASSWORD" doc:"Its password." use:"work" secret:"yes"`
	Every    time.Duration `env:"EVERY" envDefault:"1m" doc:"How often it is looked into." use:"work"`
	Listen   string        `env:"LISTEN" doc:"Where a worker takes reports that a mail system brings, inside your network. Only return addresses are taken. Empty: nowhere." use:"work" example:":2525"`
	Protocol string        `env:"PROTOCOL" envDefault:"lmtp" doc:"What is spoken there: lmtp or smtp." use:"work"`
	Secrets  []string      `env:"SECRETS" doc:"Secrets with which a mail provider signs what it posts to /hooks/mail, as Standard Webhooks writes them; several while one is changed. Empty: there is no such address." use:"serve" example:"whsec_..." secret:"yes"`
}

// SMS is the gateway for short messages.
type SMS struct {
	URL       string        `env:"URL" doc:"Where the gateway takes a short message. Empty: none are sent, and the next channel of a notice takes over. See notices.md." use:"serve, work" example:"https://sms.example.com/v1/messages"`
	Method    string        `env:"METHOD" envDefault:"POST" doc:"POST or PUT." use:"work"`
	Headers   string        `env:"HEADERS" doc:"Further headers, with a semicolon between them. {secret}, {reference}, {number} and {digits} are filled in." use:"work" example:"Authorization: App {secret}"`
	Username  string        `env:"USERNAME" doc:"User name of HTTP Basic; SMS_SECRET is its password. Empty: none." use:"work"`
	Secret    string        `env:"SECRET" doc:"Secret of the gateway, which {secret} stands for." use:"work" secret:"yes"`
	Format    string        `env:"FORMAT" envDefault:"json" doc:"What SMS_BODY is: json, or form for application/x-www-form-urlencoded." use:"work"`
	Body      string        `env:"BODY" doc:"What is sent, with {number} (+49...) or {digits} (49...), {text} and {reference} (ours, the same in every try)." use:"work" example:"{\"to\": \"{number}\", \"text\": \"{text}\", \"client_reference\": \"{reference}\"}"`
	Status    string        `env:"ACCEPTED_STATUS" envDefault:"200-299" doc:"Status, or range, of an answer that accepts." use:"work"`
	Field     string        `env:"ACCEPTED_FIELD" doc:"Field of a JSON answer that has to hold one of SMS_ACCEPTED_VALUES besides, such as messages.0.status. Empty: the status alone decides." use:"work"`
	Values    []string      `env:"ACCEPTED_VALUES" doc:"Values of that field by which the gateway accepts." use:"work" example:"0"`
	Later     []string      `env:"LATER_CODES" doc:"Values of that field, or codes, by which nothing was taken for the moment: tried again." use:"work" example:"1,5"`
	IDField   string        `env:"ID_FIELD" doc:"Field of the answer that holds the gateway's own id, by which receipts may name a message. Empty: they name our reference." use:"work" example:"messages.0.message-id"`
	CodeField string        `env:"CODE_FIELD" doc:"Field of an answer that refuses, with the gateway's code. Empty: SMS_ACCEPTED_FIELD." use:"work" example:"code"`
	BadNumber []string      `env:"NUMBER_CODES" doc:"Codes that say that there is no such number: nothing is sent there any more." use:"work" example:"21211,21614"`
	Timeout   time.Duration `env:"TIMEOUT" envDefault:"30s" doc:"How long one call may take. Without an answer nobody knows whether the message went out." use:"work"`
	Secrets   []string      `env:"REPORT_SECRETS" doc:"Secrets with which receipts and answers posted to /hooks/sms are signed, as Standard Webhooks writes them; several while one is changed. Empty: there is no such address." use:"serve" example:"whsec_..." secret:"yes"`
}

// Gateway is how the gateway takes a message. ok: one is configured.
func (c Config) Gateway() (g sms.Config, ok bool) {
	s := c.SMS
	return sms.Config{
		URL: s.URL, Method: s.Method, Headers: s.Headers, Username: s.Username, Secret: s.Secret, Format: s.Format, Body: s.Body, Status: s.Status,
		Field: s.Field, Values: s.Values, Later: s.Later, IDField: s.IDField, CodeField: s.CodeField, BadNumber: s.BadNumber, Timeout: s.Timeout,
		Allow: Prefixes(c.Outbound.Allow),
	}, s.URL != ""
}

// Erasure is how customers are erased.
type Erasure struct {
	Ledger     string `env:"LEDGER" doc:"File that orders to erase are appended to, besides the bucket, before anything is deleted: on a disk that no restore of the database reaches. Empty: the bucket alone." use:"serve, work, schema" example:"/var/lib/offramp/erasures.jsonl"`
	BackupDays int    `env:"BACKUP_DAYS" envDefault:"0" doc:"For how many days backups of the database and the bucket are kept; certificates say so. 0: they say that nobody has stated it." use:"work, schema"`
}

// Work bounds the worker process.
type Work struct {
	ID        string        `env:"ID" doc:"Name of this worker, unique among those alive. Empty: host name and process id." use:"work"`
	Exports   int           `env:"EXPORTS" envDefault:"2" doc:"Small exports built at once by one worker." use:"work"`
	Large     int           `env:"LARGE" envDefault:"1" doc:"Files of large exports built at once by one worker." use:"work"`
	Mails     int           `env:"MAILS" envDefault:"4" doc:"Mails sent at once by one worker." use:"work"`
	Drain     time.Duration `env:"DRAIN" envDefault:"25s" doc:"How long running jobs may take after SIGTERM before they are handed back." use:"work"`
	LinkTTL   time.Duration `env:"LINK_TTL" envDefault:"10m" doc:"How long one download link works." use:"serve"`
	Retries   int           `env:"RETRIES" envDefault:"5" doc:"Tries of an export before the customer is told that it failed." use:"work"`
	LargeFrom int64         `env:"LARGE_FROM" envDefault:"256" doc:"MiB of raw data from which an export is a large one, which waits in a queue of its own." use:"work"`
	LargeRate int64         `env:"LARGE_RATE" envDefault:"0" doc:"MiB a second that one file of a large export packs at most, in all its formats, so that the source's database, the store and what else shares a machine with it keep room. 0: as fast as it can." use:"work"`
	Unit      int64         `env:"VOLUME_UNIT" envDefault:"1024" doc:"MiB of what customers know as 1 GiB when they choose the size of files. Less is for trials with little data." use:"work"`
	MaxRows   int64         `env:"MAX_ROWS" envDefault:"0" doc:"Most rows of one dataset in one customer's export; one more and the export fails with a clear cause. 0: no bound." use:"work"`
}

// Limit bounds how often one person, or one address, may ask. Numbers are requests a minute, counted on all replicas together; a
// fourth of each may come at once.
type Limit struct {
	Acts    int `env:"ACTS" envDefault:"120" doc:"What changes something, by person (by address where nobody is signed in), a minute; a fourth at once. 0: no bound." use:"serve"`
	Pages   int `env:"PAGES" envDefault:"600" doc:"Pages and files that are only read, likewise." use:"serve"`
	SignIns int `env:"SIGN_INS" envDefault:"1200" doc:"Ways to the OpenID providers and back, by address, likewise. Raise it when many customers share an address." use:"serve"`
}

// Scan is the scanner of documents that people send.
type Scan struct {
	Clamd string `env:"CLAMD" doc:"Where a ClamAV daemon listens that scans documents of refunds: tcp://host:3310 or unix:///path. Nobody can open a document before it was scanned. Empty, and SCAN_ICAP, too: they are not scanned." use:"serve, work" example:"tcp://clamav:3310"`
	ICAP  string `env:"ICAP" doc:"A service of an ICAP server that scans them instead: icap://host:1344/service, or icaps:// for TLS." use:"serve, work" example:"icap://scanner:1344/avscan"`
}

// Service is the ICAP server's address and the path of its service; empty: there is none.
func (s Scan) Service() (address, path string, secure bool) {
	u, err := url.Parse(s.ICAP)
	if err != nil || u.Scheme != "icap" && u.Scheme != "icaps" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") == "" {
		return "", "", false
	}
	secure = u.Scheme == "icaps"
	port := u.Port()
	switch {
	case port != "":
	case secure:
		port = "11344"
	default:
		port = "1344"
	}
	return net.JoinHostPort(u.Hostname(), port), strings.TrimPrefix(u.RequestURI(), "/"), secure
}

// Way is the network and the address of the daemon; empty: there is none.
func (s Scan) Way() (network, address string) {
	switch network, address, _ = strings.Cut(s.Clamd, "://"); {
	case network == "tcp" && strings.Contains(address, ":"), network == "unix" && strings.HasPrefix(address, "/"):
		return network, address
	}
	return "", ""
}

// Trusted says whom we believe.
type Trusted struct {
	Proxies []string `env:"PROXIES" doc:"Address ranges of the proxies before the portal, in CIDR notation. Only what comes from them is believed about where a request comes from (X-Forwarded-For). Empty: nobody is, and the address is the connection's." use:"serve" example:"10.0.0.0/8"`
}

// Outbound limits calls to other systems.
type Outbound struct {
	Allow []string `env:"ALLOW" doc:"Private address ranges that sinks and sources may lie in, in CIDR notation. Without it only public addresses are called. Buckets that customers name are bound by DELIVERY_ALLOW." use:"work" example:"10.20.0.0/16"`
}

// Delivery is the copying of exports into customers' own buckets.
type Delivery struct {
	Copies    int      `env:"COPIES" envDefault:"1" doc:"Copies into customers' buckets made at once by one worker." use:"work"`
	Allow     []string `env:"ALLOW" doc:"Private address ranges that buckets which customers name may lie in, in CIDR notation. Empty: public addresses only." use:"work" example:"10.30.0.0/24"`
	Ports     []int    `env:"PORTS" envDefault:"443" doc:"Ports at which such buckets may answer." use:"serve, work"`
	Daily     int      `env:"DAILY" envDefault:"20" doc:"Copies that one customer may ask for within 24 hours, refused ones included." use:"serve"`
	Principal string   `env:"PRINCIPAL" doc:"ARN of the AWS identity with which workers take on customers' roles. Empty: customers can give keys only." use:"serve" example:"arn:aws:iam::123456789012:role/offramp"`
	PlainHTTP Switch   `env:"PLAIN_HTTP" envDefault:"no" doc:"yes: customers may name S3 services without TLS. For demonstrations only." use:"serve"`
}

// Switch is yes or no.
type Switch bool

// UnmarshalText reads yes or no.
func (s *Switch) UnmarshalText(text []byte) error {
	switch string(text) {
	case "yes", "true":
		*s = true
	case "no", "false":
		*s = false
	default:
		return errors.New("must be yes or no")
	}
	return nil
}

// Log is what the processes print.
type Log struct {
	Level string `env:"LEVEL" envDefault:"info" doc:"debug, info, warn or error." use:"all"`
}

// Clock is for demonstrations.
type Clock struct {
	Shift time.Duration `env:"SHIFT" doc:"Runs the portal ahead of the real time by so much (behind it, when negative). For demonstrations only." use:"all" example:"240h"`
}

// SinkEnd is where status changes are delivered.
type SinkEnd struct {
	URL    string
	Secret string // whsec_..., as Standard Webhooks writes it
}

// Problem is one fault of one variable.
type Problem struct {
	Name    string // variable
	Message string // what is wrong and what to set
}

// Problems is every fault found, in the order of the reference.
type Problems []Problem

// Error lists one fault a line.
func (p Problems) Error() string {
	lines := make([]string, 0, len(p)+1)
	lines = append(lines, fmt.Sprintf("the configuration has %d problem(s):", len(p)))
	for _, x := range p {
		lines = append(lines, "  "+x.Name+": "+x.Message)
	}
	return strings.Join(lines, "\n")
}

// Load reads environ (as os.Environ gives it) for one command and checks what that command needs.
// The error is Problems.
func Load(environ []string, command string) (Config, error) {
	vars, problems := resolve(environ)
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: vars, Prefix: Prefix}); err != nil {
		problems = append(problems, parseProblems(err, vars)...)
	}
	c.Sources, c.SourceHeaders = keyed(vars, "SOURCE_", "_URL"), keyed(vars, "SOURCE_", "_HEADER")
	c.Sinks = sinks(vars)
	c.Replacements = keyed(vars, "REPLACEMENT_", "_SECRET")
	problems = append(problems, c.check(command)...)
	problems = append(problems, unknown(vars)...)
	if len(problems) > 0 {
		return c, problems
	}
	return c, nil
}

// resolve splits the environment and puts files' contents in the place of NAME_FILE.
func resolve(environ []string) (map[string]string, Problems) {
	vars := map[string]string{}
	var problems Problems
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, Prefix) {
			vars[name] = value
		}
	}
	for name, path := range vars {
		plain, ok := strings.CutSuffix(name, "_FILE")
		if !ok {
			continue
		}
		delete(vars, name)
		if _, both := vars[plain]; both {
			problems = append(problems, Problem{name, "set " + plain + " or " + name + ", not both"})
			continue
		}
		content, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			problems = append(problems, Problem{name, "cannot be read: " + err.Error()})
			continue
		}
		vars[plain] = strings.TrimRight(string(content), "\r\n")
	}
	sort.Slice(problems, func(i, j int) bool { return problems[i].Name < problems[j].Name })
	return vars, problems
}

// parseProblems names the variables behind the library's field errors.
func parseProblems(err error, vars map[string]string) Problems {
	aggregate, ok := err.(env.AggregateError) //nolint:errorlint // the library returns the value itself
	if !ok {
		return Problems{{Prefix + "*", err.Error()}}
	}
	var problems Problems
	for _, e := range aggregate.Errors {
		var parse env.ParseError
		if !errors.As(e, &parse) {
			problems = append(problems, Problem{Prefix + "*", e.Error()})
			continue
		}
		for _, v := range Variables() {
			if _, set := vars[v.Name]; set && v.field == parse.Name {
				problems = append(problems, Problem{v.Name, "is " + kindOf(parse.Type)})
			}
		}
	}
	return problems
}

// kindOf says what a value of this type is not.
func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "no duration such as 30s, 10m or 12h"
	case t == reflect.TypeFor[Switch]():
		return "neither yes nor no"
	case t.Kind() == reflect.Bool:
		return "neither true nor false"
	case t.Kind() == reflect.Map:
		return "no list of pairs such as a:b,c:d"
	}
	return "no number"
}

// keyed collects the variables whose names hold a key of the programme file between prefix and suffix.
func keyed(vars map[string]string, prefix, suffix string) map[string]string {
	found := map[string]string{}
	for name, value := range vars {
		if key, ok := between(name, prefix, suffix); ok {
			found[key] = value
		}
	}
	return found
}

func sinks(vars map[string]string) map[string]SinkEnd {
	ends := map[string]SinkEnd{}
	for name, url := range keyed(vars, "SINK_", "_URL") {
		ends[name] = SinkEnd{URL: url}
	}
	for name, secret := range keyed(vars, "SINK_", "_SECRET") {
		ends[name] = SinkEnd{URL: ends[name].URL, Secret: secret}
	}
	return ends
}

func between(name, prefix, suffix string) (string, bool) {
	s, ok := strings.CutPrefix(name, Prefix+prefix)
	if !ok {
		return "", false
	}
	s, ok = strings.CutSuffix(s, suffix)
	return strings.ToLower(s), ok && s != ""
}

// Secrets are Web.SecretKey and what it was before, as keys are derived from them.
func (w Web) Secrets() (current []byte, before [][]byte) {
	for _, old := range w.OldKeys {
		before = append(before, []byte(old))
	}
	return []byte(w.SecretKey), before
}

// Prefixes parses address ranges. They are valid after Load; others are left out.
func Prefixes(list []string) (ranges []netip.Prefix) {
	for _, cidr := range list {
		if prefix, err := netip.ParsePrefix(cidr); err == nil {
			ranges = append(ranges, prefix)
		}
	}
	return ranges
}

// AllHosts are the hosts for which requests are answered: WEB_URL's, and WEB_HOSTS.
func (c Config) AllHosts() []string { return append([]string{c.BaseURL().Host}, c.Web.Hosts...) }

// BaseURL is Web.URL, parsed. It is valid after Load.
func (c Config) BaseURL() *url.URL {
	u, err := url.Parse(c.Web.URL)
	if err != nil {
		return &url.URL{}
	}
	return u
}
