package auth_test

import (
	"testing"

	"offramp/auth"
)

func TestA06_OnlyPlainPathsOfThisSite(t *testing.T) {
	for _, path := range []string{"/", "/plan", "/exports/EX-10001", "/exports?page=2&state=ready", "/calendar/ABC.ics", "/customers/c_1/exports"} {
		if got, ok := auth.LocalPath(path); !ok || got != path {
			t.Errorf("%s is refused", path)
		}
	}
	for _, path := range []string{
		"", "plan", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "/plan\r\nSet-Cookie: a=b", "/plan\n",
		"/@evil.example", "https://evil.example/", "http:evil.example", "javascript:alert(1)", "/%2f%2fevil.example", "/%2Fevil.example", "/%5cevil.example",
		"/plan//x", "/./x", "/../x", "/plan/..", "/plan#x", "/plan?next=https://evil.example", "/plan?a=%0d%0a", "/plan ", " /plan", "/pl\x00an", "/plän",
		"/plan;x", "/plan?a=b?c", "//", "/plan/",
	} {
		if got, ok := auth.LocalPath(path); ok {
			t.Errorf("%q passes as %q", path, got)
		}
	}
}
