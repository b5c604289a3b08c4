// Package signin holds the pages of coming and going: signing in through a provider, signing out, and the account page
// with one's language, zone and sessions. Consoles for customers and staff share them; the realm decides the provider.
//
// A sign-in starts with a link and not with a form: browsers hold a form's redirects against the content security policy,
// which names no other site. Signing out is a form, as it has an effect; its answer is a page of ours, which then leads on
// to the provider.
package signin
