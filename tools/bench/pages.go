package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"offramp/deploy/local"
	"offramp/deploy/local/postgres"
)

const (
	visitors    = 64
	connections = 16
	burst       = 6 * time.Second // of each throughput round
	rate        = 1000            // requests a second for the latency at a fixed rate
	calmRate    = 500             // and while an export runs
)

func benchPages(ctx context.Context, g *ground, rounds int) error {
	cookies, err := g.signInMany(ctx)
	if err != nil {
		return err
	}
	stop, ceiling, err := g.startCeiling(ctx)
	if err != nil {
		return err
	}
	defer stop()
	plan := target{name: "plan", url: g.stack.PortalURL + "/plan", cookies: cookies}
	bare := target{name: "bare", url: ceiling}
	var ours, theirs []float64
	for range rounds {
		for _, m := range []struct {
			t    target
			into *[]float64
		}{{bare, &theirs}, {plan, &ours}} {
			perSecond, err := m.t.throughput(ctx, g.dir)
			if err != nil {
				return err
			}
			*m.into = append(*m.into, perSecond)
		}
	}
	line("plan page, signed in, gzip, against echo + one indexed select", fmt.Sprintf("%.0f/s", median(ours)), fmt.Sprintf("%.0f/s", median(theirs)), median(ours)/median(theirs), ">= 0.40")
	var slow, base []time.Duration
	for range rounds {
		b, err := bare.p99(ctx, rate)
		if err != nil {
			return err
		}
		p, err := plan.p99(ctx, rate)
		if err != nil {
			return err
		}
		base, slow = append(base, b), append(slow, p)
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
	line(fmt.Sprintf("its p99 at %d requests/s", rate), ms(median(slow)), ms(median(base)), median(slow).Seconds()/median(base).Seconds(), "<= 1.30")
	return nil
}

// benchReplacements measures the comparison of replacements, with fit, against the plan page in turns of one run.
func benchReplacements(ctx context.Context, g *ground, rounds int) error {
	cookies, err := g.signInMany(ctx)
	if err != nil {
		return err
	}
	if err := g.countUse(ctx); err != nil {
		return err
	}
	plan := target{name: "plan", url: g.stack.PortalURL + "/plan", cookies: cookies}
	compare := target{name: "replacements", url: g.stack.PortalURL + "/replacements", cookies: cookies}
	var ours, theirs []float64
	for range rounds {
		for _, m := range []struct {
			t    target
			into *[]float64
		}{{plan, &theirs}, {compare, &ours}} {
			perSecond, err := m.t.throughput(ctx, g.dir)
			if err != nil {
				return err
			}
			*m.into = append(*m.into, perSecond)
		}
	}
	line("comparison of replacements with fit, against the plan page", fmt.Sprintf("%.0f/s", median(ours)), fmt.Sprintf("%.0f/s", median(theirs)), median(ours)/median(theirs), ">= 0.50")
	return nil
}

// countUse lays down what jobs would have counted: every feature of the programme for every customer.
func (g *ground) countUse(ctx context.Context) error {
	for i, f := range g.programme.Features {
		const counted = `INSERT INTO feature_count (feature, counted_at, tried_at) VALUES ($1, now(), now()) ON CONFLICT (feature) DO UPDATE SET counted_at = now(), tried_at = now(), problem = ''`
		if _, err := g.super.Exec(ctx, counted, f.Key); err != nil {
			return err
		}
		const uses = `INSERT INTO feature_usage (customer_id, feature, uses, counted_at) SELECT id, $1, (hashtext(id || $1) & 63) * $2, now() FROM customer
			ON CONFLICT (customer_id, feature) DO UPDATE SET uses = excluded.uses, counted_at = now()`
		if _, err := g.super.Exec(ctx, uses, f.Key, i%4); err != nil {
			return err
		}
	}
	return nil
}

// signInMany signs customers in through the real provider and returns their cookies.
func (g *ground) signInMany(ctx context.Context) ([]string, error) {
	var cookies []string
	for _, a := range g.accounts {
		if a.Role != "owner" || len(cookies) == visitors {
			continue
		}
		v := local.NewVisitor(g.stack.PortalURL)
		page, err := v.SignIn(ctx, "/sign-in/start?return_to=/plan", a.Email, "bench")
		if err != nil {
			return nil, err
		}
		if page.URL.Path != "/plan" {
			return nil, fmt.Errorf("sign-in of %s led to %s", a.Email, page.URL.Path)
		}
		var pairs []string
		for _, c := range v.Client.Jar.Cookies(page.URL) {
			pairs = append(pairs, c.Name+"="+c.Value)
		}
		cookies = append(cookies, strings.Join(pairs, "; "))
	}
	return cookies, nil
}

// startCeiling runs this program again as the ceiling's server.
func (g *ground) startCeiling(ctx context.Context) (stop func(), url string, err error) {
	if _, err := g.super.Exec(ctx, ceilingTable); err != nil {
		return nil, "", err
	}
	address, err := local.SteadyAddress(ctx, g.dir, "ceiling")
	if err != nil {
		return nil, "", err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	p, err := local.StartOfframp(self, []string{"ceiling", address, g.stack.Postgres.URL(local.Database, postgres.SuperRole)}, os.Environ(), os.Stderr)
	if err != nil {
		return nil, "", err
	}
	return func() { _ = p.Kill() }, "http://" + address + "/?id=7", p.Await(ctx, "http://"+address+"/?id=7")
}

// target is an address to be asked again and again, each time with another of the cookies.
type target struct {
	name, url string
	cookies   []string
}

var perSecond = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)

// throughput asks as fast as wrk can over a fixed number of connections and returns requests a second.
func (t target) throughput(ctx context.Context, dir string) (float64, error) {
	var script strings.Builder
	script.WriteString("local cookies = {\n")
	for _, c := range t.cookies {
		fmt.Fprintf(&script, "%q,\n", c)
	}
	script.WriteString("}\nlocal n = 0\nrequest = function()\n  n = n + 1\n  local h = {[\"Accept-Encoding\"] = \"gzip\"}\n" +
		"  if #cookies > 0 then h[\"Cookie\"] = cookies[n % #cookies + 1] end\n  return wrk.format(\"GET\", nil, h)\nend\n" +
		"done = function(s) if s.errors.status > 0 then io.write(\"FAILED \" .. s.errors.status .. \"\\n\") end end\n")
	path := filepath.Join(dir, t.name+".lua")
	if err := os.WriteFile(path, []byte(script.String()), 0o600); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "wrk", "-t1", "-c"+strconv.Itoa(connections), "-d"+burst.String(), "-s", path, t.url) // our own words
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	if strings.Contains(string(out), "FAILED") {
		return 0, fmt.Errorf("wrk met refusals: %s", out)
	}
	m := perSecond.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("wrk said: %s", out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// p99 asks at a fixed rate for five seconds, from a process of its own: in this one the S3 server would be waited for, too.
func (t target) p99(ctx context.Context, rate int) (time.Duration, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, self, "asking", t.url, strconv.Itoa(rate)) // our own words
	cmd.Stdin, cmd.Stderr = strings.NewReader(strings.Join(t.cookies, "\n")), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("ask %s: %w", t.url, err)
	}
	return time.ParseDuration(strings.TrimSpace(string(out)))
}

// askSteadily is that process: it prints the p99. Latency counts from the moment at which a request was due, so that a stall is
// seen by all that it delays.
func askSteadily(url, perSecond string) error {
	rate, err := strconv.Atoi(perSecond)
	if err != nil {
		return err
	}
	cookies, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	t := target{url: url, cookies: strings.Fields(strings.ReplaceAll(string(cookies), "; ", ";"))}
	many := rate * 5
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}}
	due := make(chan int, many)
	took := make([]time.Duration, many)
	var failed error
	var once sync.Once
	var group sync.WaitGroup
	began := time.Now()
	at := func(n int) time.Time { return began.Add(time.Duration(n) * time.Second / time.Duration(rate)) }
	for range connections * 2 {
		group.Go(func() {
			for n := range due {
				if err := t.ask(context.Background(), client, n); err != nil {
					once.Do(func() { failed = err })
				}
				took[n] = time.Since(at(n))
			}
		})
	}
	for n := range many {
		time.Sleep(time.Until(at(n)))
		due <- n
	}
	close(due)
	group.Wait()
	slices.Sort(took)
	fmt.Println(took[many*99/100])
	return failed
}

func (t target) ask(ctx context.Context, client *http.Client, n int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if len(t.cookies) > 0 {
		req.Header.Set("Cookie", t.cookies[n%len(t.cookies)])
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %d", t.name, resp.StatusCode)
	}
	return err
}
