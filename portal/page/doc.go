// Package page is what every console of the portal stands on: it tells a handler who is visiting and in which language
// (Visit), reads forms under strict limits (ReadForm), writes a page from a templ component (Kit.Render) and carries a
// short message over a redirect (Kit.Flash).
//
// A handler reads its input, asks one service, and renders or redirects; it returns every error. The portal's root turns
// errors into pages in one place.
package page
