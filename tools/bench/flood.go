package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	floodRate  = 500              // posts a second of one customer, some 250 times what one may
	floodFor   = 8 * time.Second  // around the five in which others are measured
	othersRate = 200              // pages a second of the others together
	floodWarm  = time.Second      // until the flood is under way
	floodMost  = 20 * time.Second // for its last answers
)

// benchFlood measures what others notice of one customer who posts without end, with the limits that an installation has by itself.
// The flood and those who measure share the processors with the server: a flood of a bare server beside it shows how much of it is theirs.
func benchFlood(ctx context.Context, rounds int) error {
	g, err := stage(ctx, 1_000, nil)
	defer g.close()
	if err != nil {
		return err
	}
	if err := g.stack.StartPortal(ctx); err != nil {
		return err
	}
	cookies, err := g.signInMany(ctx)
	if err != nil {
		return err
	}
	stop, bare, err := g.startCeiling(ctx)
	if err != nil {
		return err
	}
	defer stop()
	others := target{name: "plan", url: g.stack.PortalURL + "/plan", cookies: cookies[1:]}
	var calm, beside, flooded []time.Duration
	refused, asked := 0, 0
	during := func(at string) (time.Duration, error) {
		wait, err := startFlood(ctx, at, cookies[0])
		if err != nil {
			return 0, err
		}
		time.Sleep(floodWarm)
		p99, err := others.p99(ctx, othersRate)
		r, a, failed := wait()
		if at != bare {
			refused, asked = refused+r, asked+a
		}
		return p99, errors.Join(err, failed)
	}
	for range rounds {
		quiet, err := others.p99(ctx, othersRate)
		if err != nil {
			return err
		}
		elsewhere, err := during(bare)
		if err != nil {
			return err
		}
		here, err := during(g.stack.PortalURL + "/plan/dates")
		if err != nil {
			return err
		}
		calm, beside, flooded = append(calm, quiet), append(beside, elsewhere), append(flooded, here)
	}
	if refused*10 < asked*9 {
		return fmt.Errorf("the flood was let through: %d of %d posts were refused", refused, asked)
	}
	ms := func(d time.Duration) string { return fmt.Sprintf("%.1f ms", d.Seconds()*1000) }
	line(fmt.Sprintf("others' p99 while one customer posts %d times a second", floodRate), ms(median(flooded)), ms(median(calm)), median(flooded).Seconds()/median(calm).Seconds(), "<= 1.50")
	line("the same against a flood of a bare server beside the portal", ms(median(flooded)), ms(median(beside)), median(flooded).Seconds()/median(beside).Seconds(), "")
	return nil
}

// startFlood begins a flood in a process of its own; wait returns how many posts were refused of how many.
func startFlood(ctx context.Context, at, cookie string) (wait func() (refused, asked int, err error), err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, floodFor+floodMost)
	cmd := exec.CommandContext(ctx, self, "flooding", at) // our own words
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(cookie+"\n"), &out, os.Stderr
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	return func() (refused, asked int, err error) {
		defer cancel()
		if err := cmd.Wait(); err != nil {
			return 0, 0, fmt.Errorf("flood: %w", err)
		}
		_, err = fmt.Sscan(out.String(), &refused, &asked)
		return refused, asked, err
	}, nil
}

// flood is that process: it posts again and again, and prints how many posts were refused of how many.
func flood(at string) error {
	cookie, err := bufio.NewReader(os.Stdin).ReadString('\n')
	if err != nil {
		return err
	}
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: connections},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       floodMost,
	}
	many := int(floodFor.Seconds()) * floodRate
	due := make(chan struct{}, many)
	var refused, asked atomic.Int64
	var failed error
	var once sync.Once
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for range due {
				status, err := post(client, at, strings.TrimSpace(cookie))
				if err != nil {
					once.Do(func() { failed = err })
					continue
				}
				asked.Add(1)
				if status == http.StatusTooManyRequests {
					refused.Add(1)
				}
			}
		})
	}
	began := time.Now()
	for n := range many {
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / floodRate)))
		due <- struct{}{}
	}
	close(due)
	group.Wait()
	fmt.Println(refused.Load(), asked.Load())
	return failed
}

func post(client *http.Client, at, cookie string) (status int, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, at, strings.NewReader(""))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Cookie", cookie)
	req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, err
}
