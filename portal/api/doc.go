// Package api answers programs: the payment provider's events. There is no session and no page; a signature says who calls.
package api
