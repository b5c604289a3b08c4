// Package oidc is the relying party: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0), RP-initiated
// and back-channel logout (OpenID Connect RP-Initiated Logout 1.0, Back-Channel Logout 1.0).
//
// The provider is discovered when it is first needed, not at start, and what was learnt is kept while it does not answer.
// Signing keys are fetched once per rotation: look-ups of an unknown key share one request, and no stream of forged tokens
// makes more than a few.
package oidc
