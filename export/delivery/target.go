package delivery

import (
	"errors"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"offramp/export/storage"
	"offramp/internal/outbound"
)

// Target is a customer's own bucket.
type Target struct {
	Endpoint  string // such as https://s3.example.com; empty: AWS
	Region    string
	Bucket    string
	Prefix    string // of the objects' names; empty, or with a slash at the end
	AccessKey string // with SecretKey; both empty: by role
	SecretKey string // empty in what is read
	Role      string // ARN of a role that lets our AWS identity in
}

// The rules of names. Sources: Amazon S3 User Guide, "Bucket naming rules" (other servers take less, none takes more);
// AWS Security Token Service API Reference, "AssumeRole" (RoleArn).
var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)
	keyName    = regexp.MustCompile(`^[!-~]{3,128}$`)
	roleName   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$`)
	prefixName = regexp.MustCompile(`^[A-Za-z0-9_./-]*$`) // the characters that need no care anywhere
)

const defaultRegion = "us-east-1"

// checkTarget returns the target in one canonical form, or names every field that is wrong. What only the bucket itself
// can tell, a worker finds out.
func (d *Service) checkTarget(t Target) (Target, error) {
	refusal, faults := ErrTarget, 0
	bad := func(field, key string) {
		if key != "" {
			refusal, faults = refusal.Field(field, key, nil), faults+1
		}
	}
	bad("endpoint", d.checkEndpoint(&t))
	if t.Region == "" {
		t.Region = defaultRegion
	}
	if !regionName.MatchString(t.Region) {
		bad("region", "delivery.region.bad")
	}
	if !bucketName.MatchString(t.Bucket) || strings.Contains(t.Bucket, "..") {
		bad("bucket", "delivery.bucket.bad")
	}
	bad("prefix", checkPrefix(&t))
	d.checkAccess(t, bad)
	if faults > 0 {
		return t, refusal
	}
	return t, nil
}

// checkPrefix returns the message key of what is wrong with the folder.
func checkPrefix(t *Target) string {
	clean := path.Clean("/" + t.Prefix)
	switch {
	case !prefixName.MatchString(t.Prefix) || len(t.Prefix) > 200:
		return "delivery.prefix.bad"
	case clean == "/":
		t.Prefix = ""
	default:
		t.Prefix = clean[1:] + "/"
	}
	return ""
}

// checkAccess tells bad what is wrong with the keys or the role.
func (d *Service) checkAccess(t Target, bad func(field, key string)) {
	if t.Role == "" {
		if !keyName.MatchString(t.AccessKey) {
			bad("access_key", "delivery.access_key.bad")
		}
		if !keyName.MatchString(t.SecretKey) {
			bad("secret_key", "delivery.secret_key.bad")
		}
		return
	}
	switch {
	case t.AccessKey != "" || t.SecretKey != "":
		bad("role", "delivery.role.both")
	case d.opts.Principal == "":
		bad("role", "delivery.role.unavailable")
	case t.Endpoint != "":
		bad("role", "delivery.role.aws_only")
	case !roleName.MatchString(t.Role):
		bad("role", "delivery.role.bad")
	}
}

// checkEndpoint returns the message key of what is wrong with the endpoint.
func (d *Service) checkEndpoint(t *Target) string {
	if t.Endpoint == "" {
		return ""
	}
	u, err := url.Parse(t.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "delivery.endpoint.bad"
	case u.User != nil:
		return "delivery.endpoint.user"
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "delivery.endpoint.path"
	case u.Scheme == "http" && !d.opts.PlainHTTP:
		return "delivery.endpoint.https"
	case !d.portMayBe(u):
		return "delivery.endpoint.port"
	}
	t.Endpoint = u.Scheme + "://" + u.Host
	return ""
}

// portMayBe reports whether buckets may answer at an address's port.
func (d *Service) portMayBe(u *url.URL) bool {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return len(d.opts.Ports) == 0 || slices.ContainsFunc(d.opts.Ports, func(p int) bool { return strconv.Itoa(p) == port })
}

// config is how the bucket is reached: through the dialler that knows what must not be reached, and never by way of our
// own environment's credentials.
func (t Target) config(dialer storage.Dialer) storage.Config {
	return storage.Config{
		Endpoint: t.Endpoint, Region: t.Region, Bucket: t.Bucket, AccessKey: t.AccessKey, SecretKey: t.SecretKey,
		PathStyle: t.Endpoint != "", Dialer: dialer, Attempts: 3,
	}
}

// obstacle is why a delivery does not go on.
type obstacle struct {
	field   string // of the form; empty: nothing that the customer could mend there
	problem string // message key for the customer
	cause   string // for support
	final   bool   // trying again would not help
}

// diagnose tells what a customer can mend from what passes. step names what was tried: "write" or "read".
func diagnose(err error, step string) obstacle {
	o := obstacle{field: "endpoint", problem: "delivery.problem.unreachable", cause: err.Error()}
	final := func(field, key string) obstacle {
		o.field, o.problem, o.final = field, "delivery.problem."+key, true
		return o
	}
	var dns *net.DNSError
	switch {
	case errors.Is(err, outbound.ErrBlocked), errors.As(err, &dns) && dns.IsNotFound:
		return final("endpoint", "unknown_host") // one answer for both: it must not tell which names our own network has
	}
	if storage.RoleRefused(err) && storage.Code(err) != "" {
		return final("role", "role")
	}
	switch storage.Code(err) {
	case "InvalidAccessKeyId", "XAdminUserNotFound", "InvalidToken", "ExpiredToken":
		return final("access_key", "access_key")
	case "SignatureDoesNotMatch":
		return final("secret_key", "secret_key")
	case "NoSuchBucket":
		return final("bucket", "bucket")
	case "RequestTimeTooSkewed", "RequestExpired":
		return final("endpoint", "clock")
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "TemporaryRedirect", "InvalidRegion":
		return final("region", "region")
	case "AccessDenied", "AllAccessDisabled", "AccountProblem", "MethodNotAllowed":
		return final("bucket", "denied_"+step)
	}
	switch storage.KindOf(err) {
	case storage.Denied:
		return final("bucket", "denied_"+step)
	case storage.Invalid, storage.NotFound, storage.Changed:
		return final("endpoint", "not_s3")
	}
	return o
}
