package local

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/text/language"
)

// browserSession is a browser in which a user has signed in at the provider.
type browserSession struct {
	sid, subject string
	at           time.Time
	clients      map[string]bool // relying parties that took part
}

// loginWords are the sign-in page's words in one language.
type loginWords struct {
	Explain, Email, Password, SignIn, OneClick string
	Wrong, Expired, ExpiredText                string
	SignedOut, SignedOutText                   string
}

var loginLanguages = []struct {
	tag   language.Tag
	words loginWords
}{
	{language.English, loginWords{
		Explain: "A real OpenID provider that runs for the demo only. Its people are made up.",
		Email:   "Email", Password: "Password", SignIn: "Sign in", OneClick: "Or continue with one click as",
		Wrong: "The email or the password is wrong.", Expired: "This sign-in has expired",
		ExpiredText: "Go back to the page that you came from and sign in again.",
		SignedOut:   "You are signed out", SignedOutText: "You can close this page.",
	}},
	{language.SimplifiedChinese, loginWords{
		Explain: "只为演示运行的真实 OpenID 身份服务，其中的人物均为虚构。",
		Email:   "邮箱", Password: "密码", SignIn: "登录", OneClick: "或一键登录为",
		Wrong: "邮箱或密码不正确。", Expired: "本次登录已过期", ExpiredText: "请返回原来的页面，重新登录。",
		SignedOut: "您已退出登录", SignedOutText: "可以关闭此页面。",
	}},
}

// speak picks the language that the relying party or the browser asks for.
func speak(r *http.Request, asked []language.Tag) (string, loginWords) {
	accepted, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	_, i, _ := language.NewMatcher([]language.Tag{loginLanguages[0].tag, loginLanguages[1].tag}).Match(append(asked, accepted...)...)
	return []string{"en", "zh-CN"}[i], loginLanguages[i].words
}

// loginPage is what web/login.html shows.
type loginPage struct {
	Lang, Title, Name, Request, Email, Fault string
	Words                                    loginWords
	Featured                                 []User
}

// noticePage is what web/notice.html shows.
type noticePage struct{ Lang, Title, Text string }

// cookie names the browser session. Browsers share cookies between the ports of a host, so two providers need two names.
func (s *providerState) cookie() string {
	sum := sha256.Sum256([]byte(s.issuer))
	return "sign_in_" + hex.EncodeToString(sum[:4])
}

func (s *providerState) showLogin(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	a := s.open(r)
	known := s.browser(r)
	if a == nil || known == nil || slices.Contains(a.Prompt, oidc.PromptLogin) {
		s.mu.Unlock()
		s.renderLogin(w, r, a, http.StatusOK, "")
		return
	}
	s.finish(a, known)
	s.mu.Unlock()
	http.Redirect(w, r, s.callback(r.Context(), a.id), http.StatusFound)
}

func (s *providerState) takeLogin(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	a := s.open(r)
	u, ok := s.recognise(r)
	if a == nil || !ok {
		s.mu.Unlock()
		s.renderLogin(w, r, a, http.StatusUnauthorized, r.PostFormValue("email"))
		return
	}
	session := &browserSession{sid: rand.Text(), subject: u.Subject, at: time.Now(), clients: map[string]bool{}}
	secret := rand.Text()
	s.sessions[secret] = session
	s.finish(a, session)
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: s.cookie(), Value: secret, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}) // plain http on this machine
	http.Redirect(w, r, s.callback(r.Context(), a.id), http.StatusSeeOther)
}

// open finds the request that the page is for; the caller holds mu.
func (s *providerState) open(r *http.Request) *authRequest {
	return s.requests[r.URL.Query().Get("id")]
}

// browser finds the session of the visiting browser; the caller holds mu.
func (s *providerState) browser(r *http.Request) *browserSession {
	c, err := r.Cookie(s.cookie())
	if err != nil {
		return nil
	}
	session := s.sessions[c.Value]
	if session != nil {
		if _, known := s.users[session.subject]; !known {
			return nil
		}
	}
	return session
}

// recognise checks a password, or a one-click button; the caller holds mu.
func (s *providerState) recognise(r *http.Request) (User, bool) {
	if subject := r.PostFormValue("as"); subject != "" {
		u, ok := s.users[subject]
		return u, ok && u.Featured
	}
	u, ok := s.byEmail(r.PostFormValue("email"))
	return u, ok && u.Password != "" && u.Password == r.PostFormValue("password")
}

// finish completes a request; the caller holds mu.
func (s *providerState) finish(a *authRequest, session *browserSession) {
	a.subject, a.sid, a.at, a.done = session.subject, session.sid, session.at, true
	session.clients[a.ClientID] = true
}

func (s *providerState) renderLogin(w http.ResponseWriter, r *http.Request, a *authRequest, status int, email string) {
	if a == nil {
		lang, words := speak(r, nil)
		servePage(w, http.StatusBadRequest, "notice.html", "", noticePage{Lang: lang, Title: words.Expired, Text: words.ExpiredText})
		return
	}
	lang, words := speak(r, a.UILocales)
	page := loginPage{Lang: lang, Title: words.SignIn + " – " + s.name, Name: s.name, Request: a.id, Email: a.LoginHint, Words: words}
	if status != http.StatusOK {
		page.Fault, page.Email = words.Wrong, email
	}
	s.mu.Lock()
	for _, subject := range s.order {
		if u, ok := s.users[subject]; ok && u.Featured {
			page.Featured = append(page.Featured, u)
		}
	}
	s.mu.Unlock()
	// Browsers apply form-action to where a form's answer redirects to, which is the relying party.
	policy := "form-action 'self'"
	if back, err := url.Parse(a.RedirectURI); err == nil {
		policy += " " + back.Scheme + "://" + back.Host
	}
	servePage(w, status, "login.html", policy, page)
}

func (s *providerState) showSignedOut(w http.ResponseWriter, r *http.Request) {
	lang, words := speak(r, nil)
	servePage(w, http.StatusOK, "notice.html", "", noticePage{Lang: lang, Title: words.SignedOut, Text: words.SignedOutText})
}

// sidKey carries the session of the visiting browser to TerminateSessionFromRequest.
type sidKey struct{}

// withBrowserSession notes whose browser asks to end its session: the relying party need not send a hint.
func (s *providerState) withBrowserSession(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		session := s.browser(r)
		s.mu.Unlock()
		if session != nil {
			r = r.WithContext(context.WithValue(r.Context(), sidKey{}, session.sid))
		}
		next.ServeHTTP(w, r)
	})
}
