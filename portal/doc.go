// Package portal is the web: one list of routes (routes.go), one table of who may use them (access.go), one place where
// errors become pages (fail.go), and what holds for every request: headers, limits, sessions, the log.
//
// To add a page: write a handler and a templ component in the console's folder, name the handler in routes.go with its
// access, run the tests with -update to see the access table change, and read that change.
package portal
