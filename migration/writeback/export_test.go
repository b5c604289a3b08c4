package writeback

import "time"

// Remind tells at which instants of a span, looked at step by step, something that lasts is spoken of.
func Remind(span, step time.Duration) (said []time.Duration) {
	var r reminder
	began := time.Now()
	for at := time.Duration(0); at < span; at += step {
		if r.due("sink", "secret", began.Add(at)) {
			said = append(said, at)
		}
	}
	return said
}
