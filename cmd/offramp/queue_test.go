package main

import (
	"strings"
	"testing"
)

func TestAnOperatorPausesAndResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if r := w.run("queue", "pause", "--by", "olga"); r.code != 0 || !strings.Contains(r.out, "export_large: paused") {
		t.Fatalf("%+v", r)
	}
	if r := w.run("queue", "status"); r.code != 0 || strings.Count(r.out, "paused since") != 2 || !strings.Contains(r.out, "workers alive: 0") {
		t.Errorf("%+v", r)
	}
	if r := w.run("queue", "resume", "--queue", "export"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if r := w.run("queue"); strings.Count(r.out, "paused since") != 1 {
		t.Errorf("%+v", r)
	}
	if r := w.run("queue", "pause", "--queue", "mail"); r.code == 0 || !strings.Contains(r.err, "no queue of exports") {
		t.Errorf("%+v", r)
	}
}
