package portal_test

import (
	"bytes"
	"image"
	"image/png"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"offramp/migration/refund"
	"offramp/migration/refund/inspect"
)

// paper is a PDF as far as its frame goes.
func paper(text string) string { return "%PDF-1.7\n" + text + "\n%%EOF\n" }

// attached sends a form with a document as a browser does. kind is what the browser says of the file.
func (w *world) attached(who, path string, fields url.Values, name, kind, content string) answer {
	w.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for field, values := range fields {
		for _, v := range values {
			_ = form.WriteField(field, v)
		}
	}
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="document"; filename="` + strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace(name) + `"`}, "Content-Type": {kind},
	})
	if err != nil {
		w.Fatal(err)
	}
	_, _ = part.Write([]byte(content))
	_ = form.Close()
	return w.do(who, "POST", path, body.String(), http.Header{"Content-Type": {form.FormDataContentType()}})
}

var (
	shownDocument = regexp.MustCompile(`href="(/[^"]*/documents/[A-Z0-9]+)"`)
	shownRemoval  = regexp.MustCompile(`action="(/[^"]*/documents/[A-Z0-9]+/remove)"`)
)

func TestDocumentsGoToAndFroBetweenCustomerAndFinance(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	own, theirs := "/refund/"+ref, queue+"/"+ref
	w.shows("owner", own, "There are no documents.", "Attach a document", `enctype="multipart/form-data"`)
	if a := w.attached("owner", own+"/documents", nil, "银行 letter.pdf", "application/pdf", paper("CANARY-paper")); a.status != 303 || a.location != own {
		t.Fatalf("%d to %s\n%s", a.status, a.location, a.body)
	}
	body := w.shows("owner", own, "银行 letter.pdf", "PDF · ", "Your account", "A document was attached", `date__desc">银行 letter.pdf`)
	link := w.found(shownDocument, body)
	a := w.get("owner", link)
	_, disposition, err := mime.ParseMediaType(a.header.Get("Content-Disposition"))
	if a.status != 200 || a.body != paper("CANARY-paper") || err != nil || disposition["filename"] != "银行 letter.pdf" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment;") {
		t.Errorf("the download: %d %v %v", a.status, a.header, err)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/pdf", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "private, no-store",
	} {
		if a.header.Get(name) != want {
			t.Errorf("%s: %q", name, a.header.Get(name))
		}
	}
	w.shows("finance_clerk", theirs, "银行 letter.pdf", "Lin owner", "Customer and finance", "Document attached")
	if a := w.get("finance_approver", theirs+strings.TrimPrefix(link, own)); a.status != 200 || a.body != paper("CANARY-paper") {
		t.Errorf("finance reads: %d", a.status)
	}
	w.shows("finance_clerk", theirs, "Document downloaded", "by identity-finance_approver")

	if a := w.attached("finance_clerk", theirs+"/documents", nil, "check.png", "image/png", grey()); a.status != 303 {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	if a := w.attached("finance_clerk", theirs+"/documents", url.Values{"shown": {"yes"}}, "note.pdf", "application/pdf", paper("note")); a.status != 303 {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	w.hides(w.shows("owner", own, "note.pdf", "Us"), "check.png", "identity-finance_clerk", "fetched")
	body = w.shows("finance_clerk", theirs, "check.png", "Finance only", "Document attached for finance only")
	hidden := regexp.MustCompile(`href="[^"]*(/documents/[A-Z0-9]+)">check.png`).FindStringSubmatch(body)[1]
	there, nowhere := w.get("owner", own+hidden), w.get("owner", own+"/documents/NOTHING")
	if there.status != 404 || plain(there.body, ref) != plain(nowhere.body, ref) {
		t.Errorf("what finance keeps to itself: %d", there.status)
	}
	w.sent("finance_clerk", w.found(shownRemoval, body), nil, 303)
	w.shows("finance_clerk", theirs, "Removed on", "by identity-finance_clerk")

	w.sent("owner", w.found(shownRemoval, w.get("owner", own).body), nil, 303)
	w.hides(w.shows("owner", own, "Removed on", "A document was removed"), `href="`+link)
	if a := w.get("owner", link); a.status != 404 {
		t.Errorf("after its removal: %d", a.status)
	}
	w.speak("owner", "zh-CN")
	w.shows("owner", own, "上传文件", "已于")
	w.speak("finance_clerk", "zh-CN")
	w.shows("finance_clerk", theirs, "仅财务可见", "上传文件")
}

func TestI01_DocumentsAreRefusedBesideTheField(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	big := paper(strings.Repeat("x", refund.MaxDocument))
	for _, one := range []struct {
		who, path string
		fields    url.Values
	}{{"owner", "/refund/" + ref, nil}, {"finance_clerk", queue + "/" + ref, nil}, {"finance_clerk", queue + "/" + ref, url.Values{"shown": {"yes"}}}} {
		for name, tt := range map[string]struct{ file, content, says string }{
			"nothing chosen":       {"", "", "Choose a file"},
			"nothing in it":        {"x.pdf", "", "The file is empty"},
			"a page":               {"x.pdf", "<script>alert(1)</script>", "Choose a PDF"},
			"a drawing":            {"<b>x</b>.png", "<svg onload=alert(1)>", "Choose a PDF"},
			"a page around a PDF":  {"x.pdf", "<html>" + paper("x"), "Choose a PDF"},
			"half a PDF":           {"x.pdf", "%PDF-1.7\n", "did not arrive whole"},
			"somewhat too big":     {"x.pdf", big, "larger than 10 MB"},
			"a page behind a shot": {"x.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x00IEND\xae\x42\x60\x82<p>", "something follows its end"},
		} {
			a := w.attached(one.who, one.path+"/documents", one.fields, tt.file, "application/pdf", tt.content)
			if a.status != 422 || !strings.Contains(a.body, `id="document-error"`) || !strings.Contains(a.body, tt.says) || !strings.Contains(a.body, "<title>Error: ") || strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<b>x") {
				t.Errorf("%s sends %s: %d\n%s", one.who, name, a.status, a.body)
			}
			if checked := strings.Contains(a.body, " checked"); checked != (one.fields != nil) {
				t.Errorf("%s sends %s: who sees it was not kept", one.who, name)
			}
		}
	}
	w.shows("owner", "/refund/"+ref, "There are no documents.")
	if a := w.attached("owner", "/refund/"+ref+"/documents", nil, "x.pdf", "application/pdf", strings.Repeat("x", 17<<20)); a.status != 413 {
		t.Errorf("far too big: %d", a.status)
	}
}

func TestI02_FormsWithADocumentHaveOneShape(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	own, theirs := "/refund/"+ref+"/documents", queue+"/"+ref+"/documents"
	for name, a := range map[string]answer{
		"an unknown field":           w.attached("owner", own, url.Values{"customer_id": {w.ids["b"]}}, "x.pdf", "application/pdf", paper("x")),
		"who sees it, by a customer": w.attached("owner", own, url.Values{"shown": {"yes"}}, "x.pdf", "application/pdf", paper("x")),
		"a field twice":              w.attached("finance_clerk", theirs, url.Values{"shown": {"yes", "yes"}}, "x.pdf", "application/pdf", paper("x")),
		"a field in the address":     w.attached("owner", own+"?shown=yes", nil, "x.pdf", "application/pdf", paper("x")),
		"a field without end":        w.attached("finance_clerk", theirs, url.Values{"shown": {strings.Repeat("x", 1<<20)}}, "x.pdf", "application/pdf", paper("x")),
		"no form":                    w.do("owner", "POST", own, paper("x"), http.Header{"Content-Type": {"application/pdf"}}),
		"no boundary":                w.do("owner", "POST", own, "x", http.Header{"Content-Type": {"multipart/form-data"}}),
		"half a part":                w.do("owner", "POST", own, "--b\r\nContent-Dispos", http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}),
	} {
		if a.status != 400 && a.status != 415 {
			t.Errorf("%s: %d\n%s", name, a.status, a.body)
		}
	}
	cut := "--b\r\nContent-Disposition: form-data; name=\"document\"; filename=\"x.pdf\"\r\n\r\n" + paper("x")
	if a := w.do("owner", "POST", own, cut, http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}); a.status != 422 || !strings.Contains(a.body, "did not arrive whole") {
		t.Errorf("half a file: %d", a.status)
	}
	w.shows("owner", "/refund/"+ref, "There are no documents.")
}

func TestI09_HostileNamesOfDocumentsStayNames(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	for i, tt := range []struct{ sent, want string }{
		{`..\..\evil.pdf`, "evil.pdf"},
		{"../../etc/passwd", "passwd.pdf"},
		{"letter\u202efdp.exe", "letterfdp.exe.pdf"},
		{"a\r\nSet-Cookie: x=y.pdf", "a%0D%0ASet-Cookie_ x=y.pdf"},
		{"<img src=x onerror=alert(1)>.pdf", "img src=x onerror=alert(1).pdf"},
		{"=cmd.pdf", "=cmd.pdf"},
	} {
		a := w.attached("owner", "/refund/"+ref+"/documents", nil, tt.sent, "text/html", paper(tt.sent))
		if a.status != 303 {
			t.Fatalf("%q: %d", tt.sent, a.status)
		}
		body, found := w.get("owner", "/refund/"+ref).body, false
		link := shownDocument.FindAllStringSubmatch(body, -1)
		for _, l := range link {
			got := w.get("owner", l[1])
			if _, p, err := mime.ParseMediaType(got.header.Get("Content-Disposition")); err != nil {
				t.Errorf("%q: %v", tt.sent, err)
			} else if p["filename"] == tt.want {
				found = true
			}
			if got.header.Get("Set-Cookie") != "" || got.header.Get("Content-Type") != "application/pdf" {
				t.Errorf("%q: %v", tt.sent, got.header)
			}
		}
		if !found || strings.Contains(body, "<img") || len(link) != i+1 {
			t.Errorf("%q is not %q among %d", tt.sent, tt.want, len(link))
		}
	}
}

func TestZ01_DocumentsAreForThoseWhoMay(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	own, theirs := "/refund/"+ref, queue+"/"+ref
	w.attached("owner", own+"/documents", nil, "letter.pdf", "application/pdf", paper("CANARY-paper"))
	link := w.found(shownDocument, w.get("owner", own).body)
	for who, want := range map[string]int{"member": 403, "other": 404, "support": 403, "auditor": 403, "programme_manager": 403, "operator": 403, "anonymous": 303, "finance_clerk": 403} {
		for path, post := range map[string]bool{link: false, link + "/remove": true} {
			a := w.get(who, path)
			if post {
				a = w.post(who, path, nil)
			}
			if a.status != want || strings.Contains(a.body, "CANARY-paper") {
				t.Errorf("%s at %s: %d", who, path, a.status)
			}
		}
		if a := w.attached(who, own+"/documents", nil, "x.pdf", "application/pdf", paper("x")); a.status != want {
			t.Errorf("%s attaches: %d", who, a.status)
		}
		if who == "finance_clerk" {
			continue
		}
		if a := w.attached(who, theirs+"/documents", nil, "x.pdf", "application/pdf", paper("x")); a.status != 403 && a.status != 303 {
			t.Errorf("%s attaches as finance: %d", who, a.status)
		}
		if a := w.get(who, theirs+strings.TrimPrefix(link, own)); a.status != 403 && a.status != 303 {
			t.Errorf("%s fetches as finance: %d", who, a.status)
		}
	}
	w.hides(w.shows("member", own, "Received"), "letter.pdf\"", link, "Attach a document")
	w.shows("owner", own, "letter.pdf")
}

func TestADocumentComesWithTheAnswer(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	own := "/refund/" + ref
	w.decided("finance_clerk", ref, "question", url.Values{"question": {"Which account?"}})
	version := w.found(shownVersion, w.shows("owner", own, "Document to send with the answer", `id="answer-document"`))
	a := w.attached("owner", own+"/answer", url.Values{"version": {version}}, "x.pdf", "application/pdf", paper("x"))
	if a.status != 422 || !strings.Contains(a.body, `id="answer-error"`) {
		t.Errorf("without words: %d", a.status)
	}
	a = w.attached("owner", own+"/answer", url.Values{"version": {version}, "answer": {"This one."}}, "x.pdf", "application/pdf", "<p>")
	if a.status != 422 || !strings.Contains(a.body, `id="answer-document-error"`) || !strings.Contains(a.body, ">This one.</textarea>") {
		t.Errorf("with a page: %d\n%s", a.status, a.body)
	}
	w.shows("owner", own, "There are no documents.", "We have a question")
	if a = w.attached("owner", own+"/answer", url.Values{"version": {version}, "answer": {"This one."}}, "x.pdf", "application/pdf", paper("x")); a.status != 303 {
		t.Fatalf("%d\n%s", a.status, a.body)
	}
	w.shows("finance_clerk", queue+"/"+ref, "This one.", "x.pdf")
	a = w.attached("owner", own+"/answer", url.Values{"version": {version}, "answer": {"Again."}}, "y.pdf", "application/pdf", paper("y"))
	w.shownIn(a.body, "Your request has changed since you opened this page")
	w.hides(w.get("owner", own).body, "y.pdf")

	w.decided("finance_clerk", ref, "question", url.Values{"question": {"And the other?"}})
	version = w.found(shownVersion, w.get("owner", own).body)
	a = w.attached("owner", own+"/answer", url.Values{"version": {version}, "answer": {"None."}}, "", "application/octet-stream", "") // no file was chosen
	if a.status != 303 {
		t.Errorf("without a document: %d", a.status)
	}
}

func TestDocumentsOfAClosedRefundAreReadOnly(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	own := "/refund/" + ref
	w.attached("owner", own+"/documents", nil, "letter.pdf", "application/pdf", paper("x"))
	removal := w.found(shownRemoval, w.get("owner", own).body)
	w.sent("owner", own+"/withdraw", url.Values{"version": {w.found(shownVersion, w.get("owner", own).body)}}, 303)
	w.hides(w.shows("owner", own, "letter.pdf", "Withdrawn"), "Attach a document", removal)
	if a := w.attached("owner", own+"/documents", nil, "y.pdf", "application/pdf", paper("y")); a.status != 409 {
		t.Errorf("attached: %d", a.status)
	}
	if a := w.post("owner", removal, nil); a.status != 409 {
		t.Errorf("removed: %d", a.status)
	}
	for i := range refund.DocumentsLimit {
		if a := w.attached("finance_clerk", queue+"/"+ref+"/documents", nil, "y.pdf", "application/pdf", paper(strings.Repeat("x", i))); a.status != 303 {
			t.Fatalf("document %d of finance's: %d", i+1, a.status)
		}
	}
	if a := w.attached("finance_clerk", queue+"/"+ref+"/documents", nil, "y.pdf", "application/pdf", paper("the twenty-first")); a.status != 422 || !strings.Contains(a.body, "There are already 20 documents") {
		t.Errorf("one too many: %d\n%s", a.status, a.body)
	}
}

// grey is a small picture.
func grey() string {
	var b strings.Builder
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		panic(err)
	}
	return b.String()
}

// scans gives a world a scanner, which has looked at a document when a test says so.
func (w *world) scans() {
	w.scanner = inspect.Clamd{}
	w.serve("http://portal.example")
}

func (w *world) scanned(name, found string) {
	w.Helper()
	w.exec(`UPDATE refund_document SET scan = CASE $2 WHEN '' THEN 'clean' ELSE 'refused' END, scan_found = nullif($2, ''), scanned_at = $3 WHERE name = $1`, name, found, w.clock.Now())
}

func TestADocumentsScanIsSeenOnBothSides(t *testing.T) {
	w := newPrepaid(t)
	ref := w.asked("owner")
	own, theirs := "/refund/"+ref, queue+"/"+ref
	send := func(name string) {
		t.Helper()
		if a := w.attached("owner", own+"/documents", nil, name, "application/pdf", paper(name)); a.status != 303 {
			t.Fatalf("%d\n%s", a.status, a.body)
		}
	}
	send("first.pdf")
	w.shows("owner", own, "first.pdf", "Not scanned")
	link := w.found(shownDocument, w.shows("finance_clerk", theirs, "Not scanned", theirs+"/review"))
	w.clock.Advance(time.Minute)
	w.scans()
	send("second.pdf")
	id := regexp.MustCompile(`/documents/[A-Z0-9]+/remove`).FindAllString(w.shows("owner", own, "Being scanned", "Nobody can open it until the scan is done."), -1)[1]
	second := strings.TrimSuffix(id, "/remove")
	body := w.shows("finance_clerk", theirs, "Being scanned", "A document is being scanned for malware")
	w.hides(body, theirs+second+`"`, theirs+"/review")
	for who, path := range map[string]string{"owner": own + second, "finance_clerk": theirs + second} {
		if a := w.get(who, path); a.status != 409 || !strings.Contains(a.body, "A document is being scanned for malware") || !strings.Contains(a.body, "Try again in a few minutes") {
			t.Errorf("%s opens it while it is scanned: %d\n%s", who, a.status, a.body)
		}
	}
	version := w.found(shownVersion, body)
	if a := w.post("finance_clerk", theirs+"/review", url.Values{"version": {version}}); a.status != 409 || !strings.Contains(a.body, "A document is being scanned for malware") {
		t.Errorf("reviewed while it is scanned: %d", a.status)
	}
	w.hides(w.get("finance_clerk", queue).body, "waiting for the scanner")
	w.clock.Advance(20 * time.Minute)
	w.shows("finance_clerk", queue, "1 document has been waiting for the scanner since", "Tell the person who runs this portal.")

	w.scanned("second.pdf", "Eicar-Signature")
	w.hides(w.shows("owner", own, "We found malware and deleted the file.", "attach another file", `name="document"`), own+second+`"`, "Eicar")
	w.hides(w.shows("finance_clerk", theirs, "Found: Eicar-Signature.", theirs+"/review"), theirs+second+`"`)
	w.hides(w.get("finance_clerk", queue).body, "waiting for the scanner")
	for who, path := range map[string]string{"owner": own + second, "finance_clerk": theirs + second} {
		if a := w.get(who, path); a.status != 410 || !strings.Contains(a.body, "The scanner refused this document") {
			t.Errorf("%s opens what was refused: %d", who, a.status)
		}
	}
	send("third.pdf")
	w.scanned("third.pdf", "")
	w.shows("owner", own, "Nothing found")
	if a := w.get("finance_clerk", link); a.status != 200 {
		t.Errorf("of before there was a scanner: %d", a.status)
	}
	for _, who := range []string{"owner", "finance_clerk"} {
		w.speak(who, "zh-CN")
	}
	w.shows("owner", own, "恶意程序扫描", "未扫描", "未通过扫描", "未发现问题", "请检查文件所在的设备")
	w.shows("finance_clerk", theirs, "发现Eicar-Signature")
}
