// Package outbound makes the calls that leave for addresses which someone configured: webhooks, gateways. It is the one
// way out, and it cannot be talked into reaching what lies behind the firewall (server-side request forgery, OWASP API7).
//
// The address is checked where the socket is connected, after every resolution, so that neither a name that changes its
// answer between check and use nor an unusual spelling of an address gets through. Redirects are not followed, proxies
// from the environment are not used, and time and size are bounded.
package outbound
