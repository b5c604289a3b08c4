package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/internal/config"
)

func good() map[string]string {
	return map[string]string{
		"OFFRAMP_DATABASE_URL": "postgres://offramp_web@127.0.0.1/offramp", "OFFRAMP_WEB_URL": "https://moving.example.com",
		"OFFRAMP_WEB_SECRET_KEY": strings.Repeat("k", 32), "OFFRAMP_S3_BUCKET": "exports",
		"OFFRAMP_CUSTOMER_ISSUER": "https://login.example.com", "OFFRAMP_CUSTOMER_CLIENT_ID": "portal", "OFFRAMP_CUSTOMER_CLIENT_SECRET": "x",
		"OFFRAMP_STAFF_ISSUER": "https://staff.example.com", "OFFRAMP_STAFF_CLIENT_ID": "portal", "OFFRAMP_STAFF_CLIENT_SECRET": "x",
		"OFFRAMP_STAFF_ROLES": "support:helpdesk,auditor:audit", "OFFRAMP_SMTP_HOST": "smtp.example.com", "OFFRAMP_SMTP_FROM": "a@example.com",
		"OFFRAMP_SOURCE_PRODUCT_URL": "postgres://reader@127.0.0.1/product", "OFFRAMP_SINK_CRM_URL": "https://crm.example.com/", "OFFRAMP_SINK_CRM_SECRET": "whsec_x",
	}
}

func environ(vars map[string]string) []string {
	list := []string{"PATH=/bin"}
	for k, v := range vars {
		list = append(list, k+"="+v)
	}
	return list
}

func TestLoadReadsEverything(t *testing.T) {
	c, err := config.Load(environ(good()), "doctor")
	if err != nil {
		t.Fatal(err)
	}
	if c.Sources["product"] == "" || c.Sinks["crm"].Secret != "whsec_x" || c.Staff.Roles["support"] != "helpdesk" || c.Work.Exports != 2 {
		t.Fatalf("%+v", c)
	}
}

func TestLoadReportsEveryFaultAtOnce(t *testing.T) {
	vars := good()
	delete(vars, "OFFRAMP_S3_BUCKET")
	vars["OFFRAMP_WEB_URL"] = "http://moving.example.com"
	vars["OFFRAMP_WEB_SECRET_KEY"] = "short"
	vars["OFFRAMP_SESSION_IDLE"] = "soon"
	vars["OFFRAMP_SMTP_TLS"] = "none"
	vars["OFFRAMP_STAFF_ROLES"] = "king:all"
	vars["OFFRAMP_OUTBOUND_ALLOW"] = "everything"
	vars["OFFRAMP_WORK_EXPORTS"] = "0"
	vars["OFFRAMP_WORK_LARGE_RATE"] = "-1"
	vars["OFFRAMP_WORK_MAX_ROWS"] = "-1"
	vars["OFFRAMP_WORK_LARGE_FROM"] = "0"
	vars["OFFRAMP_WORK_VOLUME_UNIT"] = "0"
	vars["OFFRAMP_LISTEN"] = ":80"
	vars["OFFRAMP_TRUSTED_PROXIES"] = "10.0.0.0/8,the proxy"
	vars["OFFRAMP_DELIVERY_ALLOW"] = "ours"
	vars["OFFRAMP_DELIVERY_PORTS"] = "443,70000"
	vars["OFFRAMP_DELIVERY_DAILY"] = "0"
	vars["OFFRAMP_LIMIT_ACTS"] = "-1"
	vars["OFFRAMP_SCAN_CLAMD"] = "clamav:3310"
	vars["OFFRAMP_SCAN_ICAP"] = "http://scanner/avscan"
	_, err := config.Load(environ(vars), "doctor")
	var problems config.Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"S3_BUCKET", "WEB_URL", "WEB_SECRET_KEY", "OFFRAMP_SESSION_IDLE", "SMTP_TLS", "STAFF_ROLES", "OUTBOUND_ALLOW", "OFFRAMP_LISTEN",
		"TRUSTED_PROXIES: the proxy is no", "DELIVERY_ALLOW: ours is no", "DELIVERY_PORTS: must be ports", "DELIVERY_DAILY: must be at least", "LIMIT_ACTS: must be 0",
		"SCAN_CLAMD: is neither tcp://host:port nor", "SCAN_ICAP: is no address such as icap://host:1344/service", "SCAN_ICAP: is set beside OFFRAMP_SCAN_CLAMD",
		"WORK_EXPORTS", "WORK_LARGE_RATE: must be 0", "WORK_MAX_ROWS: must be 0", "WORK_LARGE_FROM: must be at least 1", "WORK_VOLUME_UNIT: must be at least 1",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no problem names %s:\n%v", want, err)
		}
	}
}

func TestTheScannersAddressIsRead(t *testing.T) {
	type service struct {
		address, path string
		secure        bool
	}
	for given, want := range map[string]service{
		"icap://scanner/avscan":               {"scanner:1344", "avscan", false},
		"icap://scanner:1345/srv/av?mode=a":   {"scanner:1345", "srv/av?mode=a", false},
		"icaps://scanner/avscan":              {"scanner:11344", "avscan", true},
		"icap://[2001:db8::1]:1344/avscan":    {"[2001:db8::1]:1344", "avscan", false},
		"icap://scanner":                      {},
		"icap://scanner/":                     {},
		"icap://somebody:secret@scanner/scan": {},
		"scanner:1344/avscan":                 {},
	} {
		var got service
		if got.address, got.path, got.secure = (config.Scan{ICAP: given}).Service(); got != want {
			t.Errorf("%s: %+v, want %+v", given, got, want)
		}
	}
}

func TestLoadReadsSecretsFromFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := good()
	delete(vars, "OFFRAMP_STAFF_CLIENT_SECRET")
	vars["OFFRAMP_STAFF_CLIENT_SECRET_FILE"] = path
	c, err := config.Load(environ(vars), "serve")
	if err != nil || c.Staff.ClientSecret != "from-file" {
		t.Fatal(c.Staff.ClientSecret, err)
	}
	vars["OFFRAMP_STAFF_CLIENT_SECRET"] = "both"
	if _, err := config.Load(environ(vars), "serve"); err == nil || !strings.Contains(err.Error(), "not both") {
		t.Fatal(err)
	}
}

func TestSchemaNeedsOnlyTheOwner(t *testing.T) {
	if _, err := config.Load([]string{"OFFRAMP_DATABASE_OWNER_URL=postgres://o@127.0.0.1/x"}, "schema"); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(nil, "schema"); err == nil {
		t.Fatal("no owner, no error")
	}
}

func TestEveryVariableIsDocumented(t *testing.T) {
	for _, v := range config.Variables() {
		if v.Doc == "" || v.Use == "" {
			t.Errorf("%s has no doc or use", v.Name)
		}
	}
}

func TestSourceHeadersAreSecretsOfTheirSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("Authorization: Bearer from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	vars := good()
	vars["OFFRAMP_SOURCE_API_URL"] = "https://api.example.com/v1"
	vars["OFFRAMP_SOURCE_API_HEADER_FILE"] = path
	c, err := config.Load(environ(vars), "doctor")
	if err != nil || c.Sources["api"] == "" || c.SourceHeaders["api"] != "Authorization: Bearer from-file" {
		t.Fatal(c.SourceHeaders, err)
	}
	delete(vars, "OFFRAMP_SOURCE_API_HEADER_FILE")
	vars["OFFRAMP_SOURCE_API_HEADER"] = "s3cret"
	vars["OFFRAMP_SOURCE_OTHER_HEADER"] = "X-Key: s3cret"
	_, err = config.Load(environ(vars), "work")
	for _, want := range []string{"OFFRAMP_SOURCE_API_HEADER: is no header line", "OFFRAMP_SOURCE_OTHER_HEADER: has no use without OFFRAMP_SOURCE_OTHER_URL"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q is missing, or a secret is told: %v", want, err)
		}
	}
}

func TestTheGatewayForShortMessagesIsHeldAgainstItself(t *testing.T) {
	vars := good()
	for name, value := range map[string]string{
		"URL": "http://127.0.0.1:1/v1/messages", "HEADERS": "Authorization: Bearer {secret}", "SECRET": "hidden", "BODY": `{"to": "{number}", "text": "{text}", "ref": "{reference}"}`,
		"ID_FIELD": "id", "CODE_FIELD": "code", "NUMBER_CODES": "21211,21614", "TIMEOUT": "10s",
	} {
		vars["OFFRAMP_SMS_"+name] = value
	}
	c, err := config.Load(environ(vars), "doctor")
	if err != nil {
		t.Fatal(err)
	}
	if g, is := c.Gateway(); !is || g.Method != "POST" || g.Status != "200-299" || len(g.BadNumber) != 2 || g.Secret != "hidden" {
		t.Errorf("read as %t %+v", is, g)
	}
	for _, change := range []struct{ name, value, want string }{
		{"BODY", `{"to": "{number}"`, "OFFRAMP_SMS_BODY: is no JSON"},
		{"SECRET", "", "OFFRAMP_SMS_SECRET: is not set"},
		{"URL", "", "OFFRAMP_SMS_URL: is not set, though"},
		{"REPORT_SECRETS", "short", "OFFRAMP_SMS_REPORT_SECRETS: must be whsec_"},
	} {
		bad := good()
		for name, value := range vars {
			bad[name] = value
		}
		bad["OFFRAMP_SMS_"+change.name] = change.value
		if _, err := config.Load(environ(bad), "doctor"); err == nil || !strings.Contains(err.Error(), change.want) {
			t.Errorf("%s %q: %v, want %s", change.name, change.value, err, change.want)
		}
	}
}
