package main

import (
	"context"
	"strings"
	"testing"
)

// run without a configuration, as anyone may.
func bare(t *testing.T, args ...string) result {
	t.Helper()
	return runWith(t.Context(), t, nil, "", args...)
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	bare(t, "--help").want(t, 0, "serve", "work", "schema up", "schema status", "apply", "import", "verify", "doctor", "version")
	for _, command := range []string{"serve", "work", "schema up", "schema status", "apply", "import", "verify", "doctor", "version"} {
		r := bare(t, append(strings.Fields(command), "--help")...)
		r.want(t, 0, "Usage: offramp "+command, "Example:", "offramp "+strings.Fields(command)[0])
		if r.err != "" {
			t.Errorf("%s --help writes to stderr: %s", command, r.err)
		}
	}
}

func TestMisuseIsStatus2AndTellsWhereHelpIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, says, help string }{
		{"", "expected one of", "offramp --help"},
		{"migrate", "unexpected argument migrate", "offramp --help"},
		{"serve --fast", "unknown flag --fast", "offramp serve --help"},
		{"apply", "missing flags: --file=FILE", "offramp apply --help"},
		{"schema down", "unexpected argument down", "offramp schema --help"},
		{"verify", `expected "<file> ..."`, "offramp verify --help"},
	} {
		r := bare(t, strings.Fields(c.line)...)
		r.want(t, 2, c.says, "Try: "+c.help)
		if r.out != "" {
			t.Errorf("%q writes to stdout: %s", c.line, r.out)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	bare(t, "version").want(t, 0, "offramp ", "commit ", "go1.")
}

func TestServersNameAllProblemsOfTheirConfiguration(t *testing.T) {
	t.Parallel()
	for command, words := range map[string][]string{
		"serve": {
			"OFFRAMP_DATABASE_URL: is not set", "OFFRAMP_WEB_URL: is not set", "OFFRAMP_S3_BUCKET: is not set", "OFFRAMP_CUSTOMER_ISSUER: is not set",
			"OFFRAMP_STAFF_CLIENT_ID: is not set", "OFFRAMP_SESSION_IDLE: is no duration such as 30s", "OFFRAMP_SESION_LIFETIME: is not a setting",
			"OFFRAMP_LOG_LEVEL: is loud",
		},
		"work": {
			"OFFRAMP_DATABASE_URL: is not set", "OFFRAMP_SMTP_HOST: is not set", "OFFRAMP_OUTBOUND_ALLOW: everything is no address range",
			"OFFRAMP_SINK_CRM_URL: is not set", "OFFRAMP_WORK_EXPORTS: is no number", "OFFRAMP_S3_ACCESS_KEY: set both",
		},
	} {
		r := runWith(t.Context(), t, map[string]string{
			"OFFRAMP_SESSION_IDLE": "soon", "OFFRAMP_SESION_LIFETIME": "1h", "OFFRAMP_LOG_LEVEL": "loud", "OFFRAMP_OUTBOUND_ALLOW": "everything",
			"OFFRAMP_SINK_CRM_SECRET": "whsec_c2VjcmV0c2VjcmV0", "OFFRAMP_WORK_EXPORTS": "many", "OFFRAMP_S3_ACCESS_KEY": "only",
		}, "", command)
		r.want(t, 1, words...)
	}
}

func TestServersNameTheAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken := strings.TrimPrefix(w.env["OFFRAMP_S3_ENDPOINT"], "http://")
	w.with("OFFRAMP_WEB_LISTEN", taken).run("serve").want(t, 1, "nothing can listen on "+taken+" (OFFRAMP_WEB_LISTEN)", "address already in use", "mend: stop what listens there, or set")
	w.with("OFFRAMP_WEB_METRICS", taken).run("work").want(t, 1, "nothing can listen on "+taken+" (OFFRAMP_WEB_METRICS)")
}

func TestInterruptedCommandsSayNothingStrange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	runWith(ctx, t, w.env, "", "import", w.file("customers.csv", "ref,name\nA,Anna\n")).want(t, 1, "it was interrupted")
}
