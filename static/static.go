// Package static carries the stylesheet, the scripts and the pictures of the
// pages, under addresses that change with their content, so that a browser may
// keep each of them for ever.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base32"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// FS holds the files as they are in the repository.
//
//go:embed css js img vendor
var FS embed.FS

// Prefix is the path below which Handler answers.
const Prefix = "/static/"

// Names of the files that pages load.
const (
	Stylesheet = "css/app.css"
	Script     = "js/portal.js"
	HTMX       = "vendor/htmx/htmx-4.0.1.min.js"
	Icon       = "img/icon.svg"
)

// sheets are the parts of the stylesheet in the order of the cascade.
var sheets = []string{"tokens", "base", "shell", "components", "forms", "console", "choice", "print"}

// asset is one file, ready to be sent.
type asset struct {
	name, url, kind, tag string
	body, packed         []byte
}

// assets are the files by name and by address. Only what serves pages packs them.
var assets = sync.OnceValues(load)

func load() (byName, byURL map[string]*asset) {
	byName, byURL = map[string]*asset{}, map[string]*asset{}
	add := func(name string, body []byte) {
		a := newAsset(name, body)
		byName[a.name], byURL[a.url] = a, a
	}
	add(Stylesheet, stylesheet())
	err := fs.WalkDir(FS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) == ".css" {
			return err
		}
		body, err := FS.ReadFile(name)
		if err != nil {
			return err
		}
		add(name, body)
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("static: read embedded files: %v", err))
	}
	return byName, byURL
}

// stylesheet joins the parts, so that a page waits for one request.
func stylesheet() []byte {
	var all bytes.Buffer
	for _, sheet := range sheets {
		part, err := FS.ReadFile("css/" + sheet + ".css")
		if err != nil {
			panic(fmt.Sprintf("static: %v", err))
		}
		all.Write(part)
		all.WriteByte('\n')
	}
	return all.Bytes()
}

func newAsset(name string, body []byte) *asset {
	sum := sha256.Sum256(body)
	hash := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:16]
	ext := path.Ext(name)
	a := &asset{
		name: name,
		url:  Prefix + strings.TrimSuffix(name, ext) + "." + hash + ext,
		kind: mime.TypeByExtension(ext),
		tag:  `"` + hash + `"`,
		body: body,
	}
	switch ext {
	case "":
		a.kind = "text/plain; charset=utf-8"
	case ".js":
		a.kind = "text/javascript; charset=utf-8"
	case ".svg":
		a.kind = "image/svg+xml"
	}
	if packed := pack(body); len(packed) < len(body)*9/10 {
		a.packed = packed
	}
	return a
}

func pack(body []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(body); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// URL returns the address of a file with the hash of its content in it:
// css/app.css is at /static/css/app.<hash>.css. The name is a constant of the
// program; an unknown one panics, which the test of every page would meet.
func URL(name string) string {
	byName, _ := assets()
	a, ok := byName[name]
	if !ok {
		panic("static: no file " + name)
	}
	return a.url
}

// Handler answers GET and HEAD for the files. Addresses with a hash may be kept
// for ever; plain names, for use outside the portal, are asked for again each time.
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	byName, byURL := assets()
	a, lasting := byURL[r.URL.Path]
	if !lasting {
		a = byName[strings.TrimPrefix(r.URL.Path, Prefix)]
	}
	if a == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if lasting {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("ETag", a.tag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), a.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Type", a.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	body := a.body
	if a.packed != nil && acceptsGzip(r.Header.Get("Accept-Encoding")) {
		body = a.packed
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // The reader has gone away; there is nobody to tell.
	}
}

// acceptsGzip reads Accept-Encoding as far as it matters here: gzip named, and not with q=0.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q := strings.TrimSpace(weight)
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}
