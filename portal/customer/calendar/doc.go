// Package calendar gives a customer's dates to calendar programs (RFC 5545): as a file, and as a feed behind an
// unguessable address that its owner can renew and stop. The address opens dates and nothing else.
package calendar
