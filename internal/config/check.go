package config

import (
	"encoding/base64"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"offramp/internal/mail/inbound"
	"offramp/internal/mail/report"
)

// Roles that staff may have, as they stand in OFFRAMP_STAFF_ROLES.
var staffRoles = []string{"support", "finance_clerk", "finance_approver", "finance_releaser", "programme_manager", "auditor", "operator"}

// Variable documents one variable for the reference.
type Variable struct {
	Name, Default, Doc, Use, Example string
	Secret                           bool

	field string
}

// Variables lists every fixed variable in the order of the struct.
func Variables() []Variable {
	var list []Variable
	walk(reflect.TypeFor[Config](), Prefix, func(v Variable) { list = append(list, v) })
	return append(
		list,
		Variable{Name: Prefix + "SOURCE_<KEY>_URL", Doc: "Address of the source that the programme file names <key>: postgres://..., mysql://..., https://api.example.com/base, file:///folder, or s3+https://ACCESS:SECRET@host/bucket?region=... . See sources.md.", Use: "work, apply, import, doctor", Secret: true},
		Variable{Name: Prefix + "SOURCE_<KEY>_HEADER", Doc: "One header line with which the HTTP API of that key is asked.", Use: "work, apply, doctor", Example: "Authorization: Bearer ...", Secret: true},
		Variable{Name: Prefix + "SINK_<NAME>_URL", Doc: "Address to which status changes are delivered for the sink of that name.", Use: "work", Example: "https://crm.example.com/hooks/offramp"},
		Variable{Name: Prefix + "SINK_<NAME>_SECRET", Doc: "Its signing secret, as Standard Webhooks writes it.", Use: "work", Example: "whsec_...", Secret: true},
		Variable{Name: Prefix + "REPLACEMENT_<KEY>_SECRET", Doc: "Secret with which the replacement of that key signs its reports and redeems hand-overs, as Standard Webhooks writes it; several with spaces between while it is changed. A - in the key is written as _.", Use: "serve", Example: "whsec_...", Secret: true},
	)
}

func walk(t reflect.Type, prefix string, add func(Variable)) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type.Kind() == reflect.Struct {
			walk(f.Type, prefix+f.Tag.Get("envPrefix"), add)
			continue
		}
		if name := f.Tag.Get("env"); name != "-" {
			add(Variable{
				Name: prefix + name, Default: f.Tag.Get("envDefault"), Doc: f.Tag.Get("doc"), Use: f.Tag.Get("use"),
				Example: f.Tag.Get("example"), Secret: f.Tag.Get("secret") != "", field: f.Name,
			})
		}
	}
}

// unknown finds variables that nobody reads: most likely a misspelling.
func unknown(vars map[string]string) Problems {
	known := map[string]bool{}
	for _, v := range Variables() {
		known[v.Name] = true
	}
	var problems Problems
	for name := range vars {
		_, source := between(name, "SOURCE_", "_URL")
		_, header := between(name, "SOURCE_", "_HEADER")
		_, sinkURL := between(name, "SINK_", "_URL")
		_, sinkSecret := between(name, "SINK_", "_SECRET")
		_, replacement := between(name, "REPLACEMENT_", "_SECRET")
		other := strings.HasPrefix(name, Prefix+"DEMO_") || strings.HasPrefix(name, Prefix+"POSTGRES_") || strings.HasPrefix(name, Prefix+"TEST_")
		if !known[name] && !source && !header && !sinkURL && !sinkSecret && !replacement && !other {
			problems = append(problems, Problem{name, "is not a setting of Offramp; see docs/reference/configuration.md"})
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return strings.Compare(a.Name, b.Name) })
	return problems
}

// checker gathers problems.
type checker struct{ problems Problems }

func (k *checker) add(name, message string) {
	k.problems = append(k.problems, Problem{Prefix + name, message})
}

func (k *checker) need(name, value string) bool {
	if value == "" {
		k.add(name, "is not set")
	}
	return value != ""
}

func (c Config) check(command string) Problems {
	k := &checker{}
	if command == "schema" {
		k.need("DATABASE_OWNER_URL", c.Database.OwnerURL)
		return k.problems
	}
	if c.Erasure.BackupDays < 0 {
		k.add("ERASURE_BACKUP_DAYS", "must be zero or more days")
	}
	if command == "replay" { // schema replay-erasures
		k.need("DATABASE_OWNER_URL", c.Database.OwnerURL)
		k.need("WEB_SECRET_KEY", c.Web.SecretKey)
		c.checkStorage(k)
		return k.problems
	}
	if k.need("DATABASE_URL", c.Database.URL) {
		k.postgres("DATABASE_URL", c.Database.URL)
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		k.add("LOG_LEVEL", "is "+c.Log.Level+"; it must be debug, info, warn or error")
	}
	switch command {
	case "serve":
		c.checkServe(k)
	case "work":
		c.checkWork(k)
	case "doctor":
		c.checkServe(k)
		c.checkWork(k)
	}
	if command == "serve" || command == "work" || command == "doctor" {
		c.checkStripe(k, command == "doctor")
		c.checkBank(k)
		c.checkKMS(k)
	}
	return dedupe(k.problems)
}

func (c Config) checkServe(k *checker) {
	c.checkWeb(k)
	c.checkStorage(k)
	c.checkRealm(k, "CUSTOMER_", c.Customer)
	c.checkRealm(k, "STAFF_", c.Staff)
	for role := range c.Staff.Roles {
		if !slices.Contains(staffRoles, role) {
			k.add("STAFF_ROLES", "names the role "+role+"; roles are "+strings.Join(staffRoles, ", "))
		}
	}
	c.checkReplacements(k)
	c.checkBounces(k)
	k.webhookSecrets("REPORTS_SECRETS", c.Reports.Secrets)
	k.webhookSecrets("SMS_REPORT_SECRETS", c.SMS.Secrets)
	c.checkLimits(k)
	c.checkPorts(k)
	if c.Session.Idle <= 0 || c.Session.Lifetime < c.Session.Idle {
		k.add("SESSION_LIFETIME", "must be at least SESSION_IDLE, and both above zero")
	}
}

// checkReplacements holds each secret against the form that Standard Webhooks gives them.
func (c Config) checkReplacements(k *checker) {
	for key, value := range c.Replacements {
		for _, one := range strings.Fields(value) {
			raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one, "whsec_"))
			if err != nil || len(raw) < 24 {
				k.add("REPLACEMENT_"+strings.ToUpper(key)+"_SECRET", "must be whsec_ and at least 24 random bytes in base64 (echo whsec_$(openssl rand -base64 32))")
			}
		}
	}
}

// webhookSecrets holds secrets against the form that Standard Webhooks gives them.
func (k *checker) webhookSecrets(name string, secrets []string) {
	for _, one := range secrets {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one, "whsec_"))
		if err != nil || len(raw) < 24 {
			k.add(name, "must be whsec_ and at least 24 random bytes in base64 (echo whsec_$(openssl rand -base64 32))")
		}
	}
}

func (c Config) checkBounces(k *checker) {
	if c.Mail.Bounces == "" {
		return
	}
	if wrong := report.CheckReturn(c.Mail.Bounces); wrong != "" {
		k.add("SMTP_BOUNCES", wrong)
	}
}

// checkReports holds each way in which reports come against what it needs.
func (c Config) checkReports(k *checker) {
	r := c.Reports
	if r.Mailbox != "" {
		if _, err := inbound.Parse(r.Mailbox, r.Password); err != nil {
			k.add("REPORTS_MAILBOX", err.Error())
		}
		k.need("REPORTS_PASSWORD", r.Password)
		if r.Every < time.Second {
			k.add("REPORTS_EVERY", "must be at least 1s")
		}
	}
	if (r.Mailbox != "" || r.Listen != "") && c.Mail.Bounces == "" {
		k.add("SMTP_BOUNCES", "is not set; reports would come to nobody")
	}
	if r.Protocol != "lmtp" && r.Protocol != "smtp" {
		k.add("REPORTS_PROTOCOL", "is "+r.Protocol+"; it must be lmtp or smtp")
	}
}

// checkSMS holds the gateway's settings against each other.
func (c Config) checkSMS(k *checker) {
	g, is := c.Gateway()
	if !is {
		if c.SMS.Body != "" || c.SMS.Secret != "" {
			k.add("SMS_URL", "is not set, though other settings of the gateway are")
		}
		return
	}
	for _, f := range g.Check() {
		k.add("SMS_"+f.Name, f.Message)
	}
}

// check holds a worker's numbers to what they can be: one that means nothing must not be read as another.
func (w Work) check(k *checker) {
	if w.Exports < 1 || w.Large < 1 || w.Mails < 1 || w.Retries < 1 {
		k.add("WORK_EXPORTS", "WORK_EXPORTS, WORK_LARGE, WORK_MAILS and WORK_RETRIES must be at least 1")
	}
	for name, value := range map[string]int64{"WORK_LARGE_RATE": w.LargeRate, "WORK_MAX_ROWS": w.MaxRows} {
		if value < 0 {
			k.add(name, "must be 0 (no bound) or more")
		}
	}
	for name, value := range map[string]int64{"WORK_LARGE_FROM": w.LargeFrom, "WORK_VOLUME_UNIT": w.Unit} {
		if value < 1 {
			k.add(name, "must be at least 1")
		}
	}
}

func (c Config) checkWork(k *checker) {
	c.checkWeb(k)
	c.checkStorage(k)
	k.need("SMTP_HOST", c.Mail.Host)
	k.need("SMTP_FROM", c.Mail.From)
	if !slices.Contains([]string{"starttls", "tls", "none"}, c.Mail.TLS) {
		k.add("SMTP_TLS", "is "+c.Mail.TLS+"; it must be starttls, tls or none")
	}
	if c.Mail.TLS == "none" && !isLoopback(c.Mail.Host) {
		k.add("SMTP_TLS", "none is for a server on this machine only; use starttls or tls")
	}
	if s := c.SecondMail; s.Host != "" {
		if !slices.Contains([]string{"starttls", "tls", "none"}, s.TLS) {
			k.add("SMTP_SECOND_TLS", "is "+s.TLS+"; it must be starttls, tls or none")
		}
		if s.TLS == "none" && !isLoopback(s.Host) {
			k.add("SMTP_SECOND_TLS", "none is for a server on this machine only; use starttls or tls")
		}
	}
	c.checkBounces(k)
	c.checkReports(k)
	c.checkSMS(k)
	c.Work.check(k)
	if c.Delivery.Copies < 1 {
		k.add("DELIVERY_COPIES", "must be at least 1")
	}
	k.ranges("OUTBOUND_ALLOW", c.Outbound.Allow)
	k.ranges("DELIVERY_ALLOW", c.Delivery.Allow)
	c.checkPorts(k)
	c.checkSources(k)
	for name, end := range c.Sinks {
		upper := strings.ToUpper(name)
		if k.need("SINK_"+upper+"_URL", end.URL) {
			k.http("SINK_"+upper+"_URL", end.URL)
		}
		k.need("SINK_"+upper+"_SECRET", end.Secret)
	}
}

func (c Config) checkSources(k *checker) {
	for key, line := range c.SourceHeaders {
		name, value, ok := strings.Cut(line, ":")
		if variable := "SOURCE_" + strings.ToUpper(key); c.Sources[key] == "" {
			k.add(variable+"_HEADER", "has no use without "+Prefix+variable+"_URL")
		} else if !ok || strings.TrimSpace(name) == "" || strings.TrimSpace(value) == "" {
			k.add(variable+"_HEADER", "is no header line such as Authorization: Bearer ...")
		}
	}
}

func (c Config) checkWeb(k *checker) {
	if !k.need("WEB_URL", c.Web.URL) {
		return
	}
	u, ok := k.http("WEB_URL", c.Web.URL)
	if ok && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
		k.add("WEB_URL", "must have no path and no query: the portal has a host name of its own")
	}
	if ok && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		k.add("WEB_URL", "must be https: cookies and data are not safe without it")
	}
	if len(c.Web.SecretKey) < 32 {
		k.add("WEB_SECRET_KEY", "must be set to at least 32 random characters (openssl rand -base64 33)")
	}
}

func (c Config) checkStorage(k *checker) {
	k.need("S3_BUCKET", c.Storage.Bucket)
	for name, value := range map[string]string{"S3_ENDPOINT": c.Storage.Endpoint, "S3_PUBLIC_ENDPOINT": c.Storage.PublicEndpoint} {
		if value != "" {
			k.http(name, value)
		}
	}
	if (c.Storage.AccessKey == "") != (c.Storage.SecretKey == "") {
		k.add("S3_ACCESS_KEY", "set both S3_ACCESS_KEY and S3_SECRET_KEY, or neither")
	}
}

func (c Config) checkRealm(k *checker, prefix string, r Realm) {
	if k.need(prefix+"ISSUER", r.Issuer) {
		u, ok := k.http(prefix+"ISSUER", r.Issuer)
		if ok && u.Scheme == "http" && !isLoopback(u.Hostname()) {
			k.add(prefix+"ISSUER", "must be https")
		}
	}
	k.need(prefix+"CLIENT_ID", r.ClientID)
	k.need(prefix+"CLIENT_SECRET", r.ClientSecret)
	if !slices.Contains(r.Scopes, "openid") {
		k.add(prefix+"SCOPES", "must include openid")
	}
}

// ranges holds a list of address ranges to CIDR notation.
func (k *checker) ranges(name string, list []string) {
	for _, cidr := range list {
		if _, err := netip.ParsePrefix(cidr); err != nil {
			k.add(name, cidr+" is no address range such as 10.20.0.0/16")
		}
	}
}

func (c Config) checkPorts(k *checker) {
	if len(c.Delivery.Ports) == 0 {
		k.add("DELIVERY_PORTS", "must name a port, such as 443")
	}
	for _, port := range c.Delivery.Ports {
		if port < 1 || port > 65535 {
			k.add("DELIVERY_PORTS", "must be ports between 1 and 65535")
		}
	}
}

func (c Config) checkLimits(k *checker) {
	for name, value := range map[string]int{"LIMIT_ACTS": c.Limit.Acts, "LIMIT_PAGES": c.Limit.Pages, "LIMIT_SIGN_INS": c.Limit.SignIns} {
		if value < 0 {
			k.add(name, "must be 0 (no bound) or more")
		}
	}
	for name, value := range map[string]int{"S3_PROXY_TRANSFERS": c.Storage.Transfers, "DELIVERY_DAILY": c.Delivery.Daily} {
		if value < 1 {
			k.add(name, "must be at least 1")
		}
	}
	k.ranges("TRUSTED_PROXIES", c.Trusted.Proxies)
	if network, _ := c.Scan.Way(); network == "" && c.Scan.Clamd != "" {
		k.add("SCAN_CLAMD", "is neither tcp://host:port nor unix:///path")
	}
	if address, _, _ := c.Scan.Service(); address == "" && c.Scan.ICAP != "" {
		k.add("SCAN_ICAP", "is no address such as icap://host:1344/service")
	}
	if c.Scan.Clamd != "" && c.Scan.ICAP != "" {
		k.add("SCAN_ICAP", "is set beside OFFRAMP_SCAN_CLAMD; documents are scanned by one of them")
	}
}

func (k *checker) http(name, value string) (*url.URL, bool) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		k.add(name, "is no address such as https://host.example.com")
		return nil, false
	}
	return u, true
}

func (k *checker) postgres(name, value string) {
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		k.add(name, "is no address such as postgres://user:password@host:5432/database")
	}
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func dedupe(p Problems) Problems {
	seen := map[Problem]bool{}
	return slices.DeleteFunc(p, func(x Problem) bool {
		if seen[x] {
			return true
		}
		seen[x] = true
		return false
	})
}
