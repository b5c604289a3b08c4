package portal

import "net/http"

// policy lets pages load from the portal alone, run nothing inline, be framed by nobody and post nowhere else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// headers stand on every answer. The slices are shared: they are set, never appended to.
var headers = http.Header{
	"Content-Security-Policy":      {policy},
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"same-origin"}, // with no-referrer an old browser's own forms would come from "null"
	"Permissions-Policy":           {"accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Cache-Control":                {"no-store"},
}

// transport tells browsers to come over TLS only (RFC 6797).
var transport = []string{"max-age=63072000"}

func (s *Server) setHeaders(h http.Header) {
	for name, values := range headers {
		h[name] = values
	}
	if s.kit.Secure() {
		h["Strict-Transport-Security"] = transport
	}
}
