package portal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"offramp/export/receipt"
)

func TestE16_AVolumeIsResumedThroughThePortalItself(t *testing.T) {
	w := newDeliveredAs(t, true, 1<<20, 300<<10)
	lead := w.get("owner", w.path("/volumes/2"))
	if lead.status != http.StatusFound || lead.location != w.path("/volumes/2/file") {
		t.Fatalf("%d to %s", lead.status, lead.location)
	}
	all := w.get("owner", w.path("/volumes/2/file"))
	if all.status != 200 || sum([]byte(all.body)) != sum(w.files[1]) || all.header.Get("ETag") != `"`+sum(w.files[1])+`"` {
		t.Fatalf("%d, %d bytes, %v", all.status, len(all.body), all.header)
	}
	if _, p, err := mime.ParseMediaType(all.header.Get("Content-Disposition")); err != nil || p["filename"] != "hezhou-HZ-20418-"+w.export.Reference()+"-02.zip" {
		t.Errorf("the file is called %v, %v", p, err)
	}
	part := func(header http.Header) answer { return w.do("owner", "GET", w.path("/volumes/1/file"), "", header) }
	cut := len(w.files[0]) / 3
	head := part(http.Header{"Range": {fmt.Sprintf("bytes=0-%d", cut-1)}})
	tail := part(http.Header{"Range": {fmt.Sprintf("bytes=%d-", cut)}, "If-Range": {head.header.Get("ETag")}})
	if head.status != 206 || tail.status != 206 || sum([]byte(head.body+tail.body)) != sum(w.files[0]) {
		t.Errorf("%d + %d: %d bytes", head.status, tail.status, len(head.body)+len(tail.body))
	}
	if other := part(http.Header{"Range": {"bytes=5-"}, "If-Range": {`"another"`}}); other.status != 200 || len(other.body) != len(w.files[0]) {
		t.Errorf("another file's range: %d, %d bytes", other.status, len(other.body))
	}
	if beyond := part(http.Header{"Range": {fmt.Sprintf("bytes=%d-", len(w.files[0]))}}); beyond.status != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("beyond the end: %d", beyond.status)
	}
	if h := w.do("owner", "HEAD", w.path("/volumes/1/file"), "", nil); h.status != 200 || h.header.Get("Content-Length") != fmt.Sprint(len(w.files[0])) {
		t.Errorf("HEAD: %d, %v", h.status, h.header)
	}
}

func TestE15_APurgedVolumeIsAClearAnswer(t *testing.T) {
	w := newDeliveredAs(t, true, 100<<10)
	if err := w.bucket.Delete(t.Context(), w.keys[0]); err != nil {
		t.Fatal(err)
	}
	for _, header := range []http.Header{nil, {"Range": {"bytes=100-"}}} {
		a := w.do("owner", "GET", w.path("/volumes/1/file"), "", header)
		if a.status != http.StatusGone || a.header.Get("ETag") != "" || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			t.Errorf("%d %v", a.status, a.header)
		}
	}
	w.at(w.clock.Now().AddDate(0, 0, 8))
	for _, path := range []string{"/volumes/1", "/volumes/1/file"} {
		if a := w.get("owner", w.path(path)); path == "/volumes/1/file" && a.status != http.StatusGone {
			t.Errorf("%s after the end: %d", path, a.status)
		}
	}
}

func TestZ08_ALinkIsOnlyWhatWasGivenThroughTheServer(t *testing.T) {
	w := newDelivered(t, 1000, 2000)
	lead := w.get("owner", w.path("/volumes/2"))
	if lead.status != http.StatusFound || lead.header.Get("Referrer-Policy") != "same-origin" || lead.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", lead.status, lead.header)
	}
	if got := w.follow(lead, nil); got.status != 200 || got.body != string(w.files[1]) {
		t.Errorf("%d, %d bytes", got.status, len(got.body))
	}
	u, err := url.Parse(lead.location)
	if err != nil {
		t.Fatal(err)
	}
	signature := u.Query().Get("X-Amz-Signature")
	if len(signature) != 64 {
		t.Fatalf("no signature in %s", lead.location)
	}
	q := u.Query()
	q.Set("X-Amz-Expires", "604800")
	for name, address := range map[string]string{
		"longer":         u.Scheme + "://" + u.Host + u.Path + "?" + q.Encode(),
		"another object": strings.Replace(lead.location, w.keys[1], w.keys[0], 1),
		"unsigned":       u.Scheme + "://" + u.Host + u.Path,
	} {
		if got := fetchURL(t, address, nil); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	for path, want := range map[string]int{"/volumes/3": 404, "/volumes/0": 404, "/volumes/-1": 404, "/volumes/01": 404, "/volumes/x": 404} {
		if a := w.get("owner", w.path(path)); a.status != want {
			t.Errorf("%s: %d", path, a.status)
		}
	}
	if a := w.get("other", w.path("/volumes/1")); a.status != 404 {
		t.Errorf("another customer: %d", a.status)
	}
	if a := w.get("member", w.path("/volumes/1")); a.status != 403 {
		t.Errorf("a member: %d", a.status)
	}
	w.at(w.clock.Now().AddDate(0, 0, 7))
	if a := w.get("owner", w.path("/volumes/1")); a.status != http.StatusGone {
		t.Errorf("after the end: %d", a.status)
	}
	if strings.Contains(w.log.String(), signature) || strings.Contains(w.log.String(), w.keys[1]) {
		t.Error("the log holds a link")
	}
}

// secretOf finds the token in a script.
var secretOf = regexp.MustCompile(`token *= *'([0-9a-f]{64})'`)

func (w *delivered) script(kind string) (text, token string) {
	w.Helper()
	a := w.post("owner", w.path("/script"), url.Values{"kind": {kind}})
	if a.status != 200 {
		w.Fatalf("%d\n%s", a.status, a.body)
	}
	m := secretOf.FindStringSubmatch(a.body)
	if m == nil {
		w.Fatalf("no token in\n%s", a.body)
	}
	return strings.ReplaceAll(a.body, "http://portal.example", w.url), m[1]
}

// run runs a script in a folder to its end.
func (w *delivered) run(shell, dir, text string) (out string, status int) {
	w.Helper()
	path := filepath.Join(w.TempDir(), "download.sh")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.Context(), 40*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell, path)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	b, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		w.Fatal(err)
	}
	return string(b), cmd.ProcessState.ExitCode()
}

func (w *delivered) wantFiles(dir string) {
	w.Helper()
	left, err := os.ReadDir(dir)
	if err != nil {
		w.Fatal(err)
	}
	if len(left) != len(w.files) {
		w.Errorf("the folder holds %v", left)
	}
	for i, f := range w.files {
		name := fmt.Sprintf("hezhou-HZ-20418-%s-%02d.zip", w.export.Reference(), i+1)
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || sum(got) != sum(f) {
			w.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestE16_TheScriptResumesAndProvesEveryFile(t *testing.T) {
	w := newDelivered(t, 3<<20, 700<<10, 10)
	text, token := w.script("sh")
	dir := t.TempDir()
	w.front.disturb(func(rw io.Writer, body io.Reader) error { // the connection breaks
		_, _ = io.CopyN(rw, body, 1<<20)
		return io.ErrUnexpectedEOF
	})
	out, status := w.run("bash", dir, text)
	if status != 0 || !strings.Contains(out, "All files are here and complete: 3/3") || !strings.Contains(out, "interrupted; resuming (1/10)") {
		t.Fatalf("exit %d\n%s", status, out)
	}
	w.wantFiles(dir)
	if heard := w.front.heard(); strings.Contains(heard, token) || strings.Contains(heard, "Bearer") || !strings.Contains(heard, "Range:[bytes=1") {
		t.Errorf("the store heard\n%s", heard)
	}
	before := w.front.count
	if out, status := w.run("dash", dir, text); status != 0 || strings.Count(out, "already here and complete") != 3 || w.front.count != before {
		t.Errorf("again: exit %d\n%s", status, out)
	}
	damaged := filepath.Join(dir, fmt.Sprintf("hezhou-HZ-20418-%s-02.zip", w.export.Reference()))
	if err := os.WriteFile(damaged, bytes.Repeat([]byte("x"), 700<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, status := w.run("dash", dir, text); status != 0 || w.front.count != before+1 {
		t.Errorf("a damaged file: exit %d, %d transfers\n%s", status, w.front.count-before, out)
	}
	w.wantFiles(dir)
	if strings.Contains(w.log.String(), token) {
		t.Error("the log holds the token")
	}
	w.storedNowhere(token)
}

// storedNowhere looks for a text in every table.
func (w *world) storedNowhere(text string) {
	w.Helper()
	const sql = `SELECT tablename FROM pg_tables WHERE schemaname = 'public'
		AND query_to_xml(format('SELECT * FROM %I', tablename), true, false, '')::text LIKE '%' || $1 || '%'`
	rows, err := w.super.Super(w.T).Query(w.Context(), sql, text)
	if err != nil {
		w.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		if err := rows.Scan(&table); err != nil {
			w.Fatal(err)
		}
		w.Errorf("the table %s holds it", table)
	}
}

// TestE16_AKilledScriptGoesOn kills the script and its children in the middle of a file, looks at what others on that machine
// could see of them before, and runs it again.
func TestE16_AKilledScriptGoesOn(t *testing.T) {
	w := newDelivered(t, 2<<20)
	text, token := w.script("sh")
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "download.sh")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	half, release := make(chan struct{}), make(chan struct{})
	w.front.disturb(func(rw io.Writer, body io.Reader) error {
		_, err := io.CopyN(rw, body, 1<<20)
		rw.(http.Flusher).Flush()
		close(half)
		<-release
		return err
	})
	cmd := exec.CommandContext(t.Context(), "sh", path)
	cmd.Dir, cmd.SysProcAttr = dir, &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-half
	part := filepath.Join(dir, "hezhou-HZ-20418-"+w.export.Reference()+".zip.part")
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		if info, err := os.Stat(part); err == nil && info.Size() > 0 || time.Now().After(deadline) {
			break
		}
	}
	lines, curl := commandLines(t, cmd.Process.Pid)
	if !curl || strings.Contains(lines, token) || strings.Contains(lines, "X-Amz-Signature") {
		t.Errorf("command lines (curl among them: %t):\n%s", curl, lines)
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	close(release)
	if out, status := w.run("sh", dir, text); status != 0 {
		t.Fatalf("exit %d\n%s", status, out)
	}
	got, err := os.ReadFile(strings.TrimSuffix(part, ".part"))
	if err != nil || sum(got) != sum(w.files[0]) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if !strings.Contains(w.front.heard(), "Range:[bytes=") {
		t.Error("the file was fetched anew from its beginning")
	}
}

// commandLines reads what everybody on the machine sees of a group of processes.
func commandLines(t *testing.T, group int) (text string, curl bool) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		stat, err := os.ReadFile(p + "/stat")
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(rest); len(f) < 3 || f[2] != fmt.Sprint(group) {
			continue
		}
		line, _ := os.ReadFile(p + "/cmdline")
		environment, _ := os.ReadFile(p + "/environ")
		text += strings.ReplaceAll(string(line), "\x00", " ") + string(environment) + "\n"
		curl = curl || strings.HasPrefix(string(line), "curl")
	}
	return text, curl
}

func TestZ08_ATokenOpensOneExportForAsLongAsItMay(t *testing.T) {
	w := newDelivered(t, 1000)
	text, token := w.script("sh")
	ask := func(secret, path string) answer {
		w.Helper()
		return fetchURL(t, w.url+path, http.Header{"Authorization": {"Bearer " + secret}, "Accept-Language": {"en"}})
	}
	good := "/download/" + w.id + "/1"
	if a := ask(token, good); a.status != http.StatusFound || w.follow(a, nil).body != string(w.files[0]) {
		t.Fatalf("%d %s", a.status, a.body)
	}
	theirs := w.requestExport("other", "b")
	for name, c := range map[string]struct {
		secret, path string
		status       int
	}{
		"no such token":      {strings.Repeat("0", 64), good, 401},
		"nothing":            {"", good, 401},
		"no such volume":     {token, "/download/" + w.id + "/2", 404},
		"no number":          {token, "/download/" + w.id + "/one", 404},
		"another's export":   {token, "/download/" + theirs.ID + "/1", 404},
		"no such export":     {token, "/download/nope/1", 404},
		"token in the query": {"", good + "?token=" + token, 401},
	} {
		a := ask(c.secret, c.path)
		if a.status != c.status || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") || strings.Count(a.body, "\n") != 1 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if a, b := ask(token, "/download/"+theirs.ID+"/1"), ask(token, "/download/nope/1"); a.body != b.body {
		t.Error("another's export looks different from none")
	}
	w.exec(`UPDATE contact SET role = 'member' WHERE id = $1`, w.ids["owner"])
	if a := ask(token, good); a.status != 403 {
		t.Errorf("of somebody who may not export any more: %d", a.status)
	}
	w.exec(`UPDATE contact SET role = 'owner', state = 'disabled' WHERE id = $1`, w.ids["owner"])
	if a := ask(token, good); a.status != 401 {
		t.Errorf("of somebody disabled: %d", a.status)
	}
	w.exec(`UPDATE contact SET state = 'active' WHERE id = $1`, w.ids["owner"])
	_, second := w.script("ps1")
	if a := ask(token, good); a.status != 401 {
		t.Errorf("replaced: %d", a.status)
	}
	w.shows("owner", w.path("/deliver"), "Script made on", "Not used yet", "Stop the script")
	if a := ask(second, good); a.status != 302 {
		t.Errorf("the second: %d", a.status)
	}
	if a := w.post("owner", w.path("/script/revoke"), nil); a.status != 303 {
		t.Errorf("revoke: %d", a.status)
	}
	if a := ask(second, good); a.status != 401 || !strings.Contains(a.body, "make a new one") {
		t.Errorf("revoked: %d %s", a.status, a.body)
	}
	dir := t.TempDir()
	if out, status := w.run("sh", dir, text); status != 1 || !strings.Contains(out, "Not all files are here: 0/1") || !strings.Contains(out, "make a new script") {
		t.Errorf("a stopped script: exit %d\n%s", status, out)
	}
	_, third := w.script("sh")
	w.at(w.clock.Now().Add(72 * time.Hour))
	if a := ask(third, good); a.status != 401 {
		t.Errorf("after its time: %d", a.status)
	}
	w.at(w.clock.Now().Add(72 * time.Hour))
	_, last := w.script("sh")
	w.at(day.AddDate(0, 0, 7).Add(-time.Second))
	if a := ask(last, good); a.status != 302 {
		t.Errorf("a second before the files go: %d", a.status)
	}
	w.at(day.AddDate(0, 0, 7))
	if a := ask(last, good); a.status != 401 && a.status != 410 {
		t.Errorf("when the files have gone: %d", a.status)
	}
	if a := w.post("owner", w.path("/script"), url.Values{"kind": {"sh"}}); a.status != 410 {
		t.Errorf("a script for files that have gone: %d", a.status)
	}
}

func TestI09_HostileNamesStayNamesInScripts(t *testing.T) {
	w := newDelivered(t, 500, 600)
	canary := filepath.Join(t.TempDir(), "canary")
	ref := `../-rf $(touch ` + canary + ")`touch " + canary + "`'; touch " + canary + "; '\"\u2019; \u202egpj.exe|a"
	w.exec(`UPDATE customer SET ref = $2 WHERE id = $1`, w.ids["a"], ref)
	w.programme.p.Product.Name["en"] = "Acme '; touch " + canary + "\n touch " + canary + " \u2028x"
	dir := t.TempDir()
	text, _ := w.script("sh")
	for _, shell := range []string{"bash", "dash"} {
		if out, status := w.run(shell, dir, text); status != 0 {
			t.Errorf("%s: exit %d\n%s\n%s", shell, status, out, text)
		}
	}
	if _, err := os.Stat(canary); err == nil {
		t.Error("a name became a command")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%v, %v", left, err)
	}
	windows, _ := w.script("ps1")
	if !strings.HasPrefix(windows, "\xef\xbb\xbf# ") || strings.Contains(strings.ReplaceAll(windows, "\r\n", ""), "\n") {
		t.Error("the script for Windows lacks its byte order mark or its line ends")
	}
	for line := range strings.SplitSeq(windows, "\r\n") {
		if code := outsideQuotes(line); strings.Contains(code, canary) && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "\xef\xbb\xbf#") {
			t.Errorf("a name is outside of quotes: %s", line)
		}
	}
	a := w.post("owner", w.path("/script"), url.Values{"kind": {"sh"}})
	if _, p, err := mime.ParseMediaType(a.header.Get("Content-Disposition")); err != nil || p["filename"] != "download-"+w.export.Reference()+".sh" {
		t.Errorf("%v, %v", p, err)
	}
	for _, kind := range []string{"", "exe", "sh\x00", strings.Repeat("x", 100)} {
		if a := w.post("owner", w.path("/script"), url.Values{"kind": {kind}}); a.status != 422 && a.status != 400 {
			t.Errorf("kind %q: %d", kind, a.status)
		}
	}
}

// outsideQuotes leaves of a line of PowerShell what is not within single quotes, typographic ones included.
func outsideQuotes(line string) string {
	var b strings.Builder
	quoted, runes := false, []rune(line)
	for i := 0; i < len(runes); i++ {
		quote := strings.ContainsRune("'\u2018\u2019\u201a\u201b", runes[i])
		switch {
		case quote && quoted && i+1 < len(runes) && strings.ContainsRune("'\u2018\u2019\u201a\u201b", runes[i+1]):
			i++
		case quote:
			quoted = !quoted
		case !quoted:
			b.WriteRune(runes[i])
		}
	}
	return b.String()
}

func TestASignedReceiptIsTheReceiptOnThePage(t *testing.T) {
	w := newDelivered(t, 1000, 2000)
	plain, signed := w.get("owner", w.path("/receipt.json")), w.get("owner", w.path("/receipt.jws"))
	keys := w.get("anonymous", "/receipt-keys.json")
	if plain.status != 200 || signed.status != 200 || keys.status != 200 || !strings.Contains(keys.header.Get("Cache-Control"), "max-age") {
		t.Fatalf("%d, %d, %d", plain.status, signed.status, keys.status)
	}
	payload, err := receipt.Verify([]byte(signed.body), []byte(keys.body))
	if err != nil || string(payload) != plain.body {
		t.Errorf("%s, %v", payload, err)
	}
	var r struct {
		Complete bool
		Volumes  []struct {
			Number int
			Size   int64
			SHA256 string
		}
	}
	if err := json.Unmarshal(payload, &r); err != nil || !r.Complete || len(r.Volumes) != 2 || r.Volumes[1].SHA256 != sum(w.files[1]) || r.Volumes[1].Size != 2000 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, path := range []string{"/receipt.json", "/receipt.jws"} {
		if a := w.get("other", w.path(path)); a.status != 404 {
			t.Errorf("%s for another customer: %d", path, a.status)
		}
	}
}
