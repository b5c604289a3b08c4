package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Visitor is a person with a browser that keeps cookies, follows redirects and runs no script.
type Visitor struct {
	Portal string
	Client *http.Client
}

// NewVisitor opens a fresh browser.
func NewVisitor(portal string) *Visitor {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	return &Visitor{Portal: portal, Client: &http.Client{Jar: jar}}
}

// Page is what a request was answered with, after redirects.
type Page struct {
	Status int
	URL    *url.URL // after redirects
	Header http.Header
	Body   string
}

// SignIn signs in at the provider behind start, the portal's path such as /sign-in/start, and returns the page that it leads to.
func (v *Visitor) SignIn(ctx context.Context, start, email, password string) (Page, error) {
	login, err := v.Get(ctx, start)
	if err != nil {
		return login, err
	}
	if !strings.Contains(login.Body, `name="password"`) { // the provider knows this browser, or refuses
		return login, nil
	}
	page, err := v.Post(ctx, login.URL.String(), url.Values{"email": {email}, "password": {password}})
	if err == nil && page.Status != http.StatusOK {
		err = fmt.Errorf("sign in as %s: %d at %s", email, page.Status, page.URL.Path)
	}
	return page, err
}

// Get fetches a path of the portal, or a whole address, following redirects.
func (v *Visitor) Get(ctx context.Context, path string) (Page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.address(path), nil)
	if err != nil {
		return Page{}, err
	}
	return v.do(req)
}

// Post sends a form and follows redirects.
func (v *Visitor) Post(ctx context.Context, path string, form url.Values) (Page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.address(path), strings.NewReader(form.Encode()))
	if err != nil {
		return Page{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(req)
}

// Upload sends a file as a form does and follows redirects.
func (v *Visitor) Upload(ctx context.Context, path, field, name string, content []byte) (Page, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, name)
	if err != nil {
		return Page{}, err
	}
	_, _ = part.Write(content) // into memory
	_ = form.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.address(path), &body)
	if err != nil {
		return Page{}, err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return v.do(req)
}

// Download writes what is behind a path to w, following redirects, and returns the final answer's status and header.
func (v *Visitor) Download(ctx context.Context, path string, w io.Writer) (Page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.address(path), nil)
	if err != nil {
		return Page{}, err
	}
	resp, err := v.Client.Do(req)
	if err != nil {
		return Page{}, err
	}
	_, err = io.Copy(w, resp.Body)
	return Page{Status: resp.StatusCode, URL: resp.Request.URL, Header: resp.Header}, errors.Join(err, resp.Body.Close())
}

func (v *Visitor) do(req *http.Request) (Page, error) {
	resp, err := v.Client.Do(req)
	if err != nil {
		return Page{}, err
	}
	body, err := io.ReadAll(resp.Body)
	return Page{Status: resp.StatusCode, URL: resp.Request.URL, Header: resp.Header, Body: string(body)}, errors.Join(err, resp.Body.Close())
}

func (v *Visitor) address(path string) string {
	if strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://") {
		return path
	}
	return v.Portal + path
}
