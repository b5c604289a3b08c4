package local

import (
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// registered makes a Client an op.Client: a confidential web application of the demo's.
type registered struct{ Client }

func (c registered) GetID() string                       { return c.ID }
func (c registered) RedirectURIs() []string              { return c.Client.RedirectURIs }
func (c registered) PostLogoutRedirectURIs() []string    { return c.PostLogoutURIs }
func (c registered) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }
func (c registered) AuthMethod() oidc.AuthMethod         { return oidc.AuthMethodBasic }
func (c registered) LoginURL(id string) string           { return "/login?id=" + url.QueryEscape(id) }
func (c registered) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c registered) IDTokenLifetime() time.Duration      { return tokenLifetime }
func (c registered) DevMode() bool                       { return true } // plain http for a web application
func (c registered) IsScopeAllowed(string) bool          { return false }
func (c registered) ClockSkew() time.Duration            { return 0 }

// IDTokenUserinfoClaimsAssertion puts the user's claims into the ID token, where the portal reads them.
func (c registered) IDTokenUserinfoClaimsAssertion() bool { return true }

func (c registered) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c registered) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}

func (c registered) RestrictAdditionalIdTokenScopes() func([]string) []string {
	return slices.Clone[[]string]
}

func (c registered) RestrictAdditionalAccessTokenScopes() func([]string) []string {
	return slices.Clone[[]string]
}
