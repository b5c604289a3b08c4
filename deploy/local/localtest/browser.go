package localtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// stepLimit bounds one step of a browser on a busy machine.
const stepLimit = 30 * time.Second

// chromium starts this process's browser.
var chromium = sync.OnceValues(func() (context.Context, error) {
	program, err := findChromium()
	if err != nil {
		return nil, err
	}
	dir, err := scratch()
	if err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.DisableGPU, chromedp.UserDataDir(filepath.Join(dir, "chromium")), chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true),
		chromedp.Flag("lang", "en-US"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...) // the browser lives as long as the process
	ctx, _ := chromedp.NewContext(allocator)
	return ctx, chromedp.Do(ctx)
})

func findChromium() (string, error) {
	for _, name := range []string{os.Getenv("OFFRAMP_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium on this machine: install it with: sudo apt-get install -y chromium fonts-noto-cjk, or set OFFRAMP_CHROMIUM to its program")
}

// Tab is one page of a browser profile of its own: no cookies, no cache. Its methods end the test when a step fails.
type Tab struct {
	// Ctx is chromedp's context, for steps that have no method here.
	Ctx context.Context

	t        testing.TB
	mu       sync.Mutex
	allowed  []string
	problems []string
	drained  chan struct{}
}

// lastWords is what a tab says to mark the end of its console.
const lastWords = "localtest: the test has ended"

// Browser opens a tab until the test ends, 1280 by 900. The test fails if any page wrote an error to the console, threw an
// exception, or broke its content security policy.
func Browser(t testing.TB) *Tab {
	t.Helper()
	browser, err := chromium()
	if err != nil {
		t.Fatalf("start browser: %v", err)
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	tab := &Tab{Ctx: ctx, t: t, drained: make(chan struct{})}
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		t.Fatalf("open tab: %v", err)
	}
	go tab.watch()
	t.Cleanup(func() {
		tab.finish()
		cancel()
	})
	return tab
}

// watch collects what is wrong until the tab's last words.
func (b *Tab) watch() {
	defer close(b.drained)
	for m, err := range chromedp.Console(b.Ctx) {
		if err != nil || m.Text == lastWords {
			return
		}
		serious := m.Type == chromedp.ConsoleError || m.Type == chromedp.ConsoleException || m.Type == "assert"
		if serious || strings.Contains(m.Text, "Content Security Policy") {
			b.mu.Lock()
			b.problems = append(b.problems, strings.TrimSpace(m.String()+" "+m.URL))
			b.mu.Unlock()
		}
	}
}

func (b *Tab) finish() {
	ctx, cancel := context.WithTimeout(b.Ctx, stepLimit)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](`console.debug("`+lastWords+`")`)); err != nil {
		b.t.Logf("close tab: %v", err)
		return
	}
	select {
	case <-b.drained:
	case <-ctx.Done():
	}
	for _, p := range b.Problems() {
		b.t.Errorf("browser: %s", p)
	}
}

// Allow accepts console messages that contain text, such as the browser's own note on a 404 that the test provokes.
func (b *Tab) Allow(text string) { b.allowed = append(b.allowed, text) }

// Problems lists what is wrong so far and not allowed.
func (b *Tab) Problems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for _, p := range b.problems {
		ok := false
		for _, a := range b.allowed {
			ok = ok || strings.Contains(p, a)
		}
		if !ok {
			found = append(found, p)
		}
	}
	return found
}

// Do runs steps one after another.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, stepLimit)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("browser at %s: %v", b.where(), err)
	}
}

// get runs a step that has a result.
func get[T any](b *Tab, step chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, stepLimit)
	defer cancel()
	got, err := chromedp.Run(ctx, step)
	if err != nil {
		b.t.Fatalf("browser at %s: %v", b.where(), err)
	}
	return got
}

func (b *Tab) where() string {
	ctx, cancel := context.WithTimeout(b.Ctx, time.Second)
	defer cancel()
	at, _ := chromedp.Run(ctx, chromedp.Location())
	return at
}

// Open loads an address and returns the status.
func (b *Tab) Open(address string) int {
	b.t.Helper()
	res := get(b, chromedp.NavigateResponse(address))
	if res == nil {
		return 0
	}
	return int(res.Status)
}

// Click clicks on an element that stays on the page or changes it.
func (b *Tab) Click(css string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible))
}

// Follow clicks on a link or button that leads to another page, waits until that has loaded, and returns the status.
func (b *Tab) Follow(css string) int {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.Ctx, stepLimit)
	defer cancel()
	res, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(css), chromedp.NodeVisible))
	if err != nil {
		b.t.Fatalf("follow %s at %s: %v", css, b.where(), err)
	}
	return int(res.Status)
}

// Fill replaces what a field holds.
func (b *Tab) Fill(css, text string) {
	b.t.Helper()
	b.Do(chromedp.Clear(chromedp.CSS(css)), chromedp.SendKeys(chromedp.CSS(css), text))
}

// Press types keys wherever the focus is.
func (b *Tab) Press(keys string) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// Wait waits until an element is visible.
func (b *Tab) Wait(css string) {
	b.t.Helper()
	b.Do(chromedp.WaitVisible(chromedp.CSS(css)))
}

// Text is what an element shows, as soon as it is there.
func (b *Tab) Text(css string) string {
	b.t.Helper()
	return strings.TrimSpace(get(b, chromedp.Text(chromedp.CSS(css))))
}

// Count counts the elements that are there now.
func (b *Tab) Count(css string) int {
	b.t.Helper()
	return Eval[int](b, "document.querySelectorAll("+quoteJS(css)+").length")
}

// Address is where the tab is.
func (b *Tab) Address() string {
	b.t.Helper()
	return get(b, chromedp.Location())
}

// Eval evaluates an expression in the page.
func Eval[T any](b *Tab, expression string) T {
	b.t.Helper()
	return get(b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Size sets the page's size in CSS pixels.
func (b *Tab) Size(width, height int) {
	b.t.Helper()
	b.Do(chromedp.EmulateViewport(int64(width), int64(height)))
}

// Overflow says by how many pixels the page is wider than the window.
func (b *Tab) Overflow() int {
	b.t.Helper()
	return Eval[int](b, "document.documentElement.scrollWidth - document.documentElement.clientWidth")
}

// Theme makes the system prefer "light" or "dark".
func (b *Tab) Theme(scheme string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// Scripts allows or forbids the page's scripts, from the next load on.
func (b *Tab) Scripts(allowed bool) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allowed})
		return err
	}))
}

// Screenshot writes the whole page as a PNG.
func (b *Tab) Screenshot(file string) {
	b.t.Helper()
	png := get(b, chromedp.FullScreenshot(100))
	if err := os.WriteFile(file, png, 0o644); err != nil { // a picture to look at
		b.t.Fatal(err)
	}
}

// Print prints the page to a PDF on A4, as a browser's own dialogue does without headers of the browser's.
func (b *Tab) Print() []byte {
	b.t.Helper()
	return get(b, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
}

// Media makes the page look as it does on "screen" or in "print".
func (b *Tab) Media(media string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media})
		return err
	}))
}
