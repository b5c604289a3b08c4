package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets this test's program be a worker of the soak, as the soak's own is.
func TestMain(m *testing.M) {
	if order := os.Getenv(orderVariable); order != "" {
		if err := work(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestF06_ShortSoak is the soak of refunds for a few seconds. make soak runs it to 500 killed workers.
func TestF06_ShortSoak(t *testing.T) {
	log := filepath.Join(t.TempDir(), "soak.log")
	err := run(t.Context(), settings{duration: 6 * time.Second, kills: 20, workers: 3, seed: 7, log: log})
	text, _ := os.ReadFile(log)
	if err != nil || !strings.Contains(string(text), "double payments: 0") {
		t.Errorf("%v\n%s", err, text)
	}
}
