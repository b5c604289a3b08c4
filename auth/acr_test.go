package auth_test

import (
	"errors"
	"testing"

	"offramp/auth"
	"offramp/auth/oidc"
)

func TestStaffNeedTheKindOfCredentialsThatIsAsked(t *testing.T) {
	w := newWorld(t)
	party := oidc.New(oidc.Config{
		Issuer: w.staff.Issuer, ClientID: "portal", ClientSecret: "secret", Scopes: []string{"openid", "profile", "email"}, RedirectURL: origin + "/staff/sign-in/callback",
	})
	w.service = auth.NewService(w.db, auth.Config{
		Secret: []byte("the secret of all replicas, long enough"),
		Staff:  auth.RealmConfig{Provider: party, GroupsClaim: "groups", Roles: map[auth.Role]string{auth.Support: "helpdesk"}, ACR: []string{"phr", "mfa"}},
	})
	for name, c := range map[string]struct {
		claims map[string]any
		enters bool
	}{
		"nothing said": {map[string]any{}, false},
		"a password":   {map[string]any{"factors": []string{"mfa"}, "level": "phr"}, false}, // under other names
	} {
		c.claims["groups"] = []string{"helpdesk"}
		w.staff.SetUser(person("s1", "sam@example.com", true, c.claims))
		_, err := w.signIn(auth.Staff, "sam@example.com")
		if c.enters != (err == nil) || err != nil && !errors.Is(err, auth.ErrTooWeak) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'session.refuse' AND detail->>'reason' = 'auth.too_weak'`); n != 2 {
		t.Errorf("%d refusals are recorded", n)
	}
}
