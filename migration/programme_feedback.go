package migration

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Feedback is what customers are asked once they are through with it.
type Feedback struct {
	Anonymous bool             `yaml:"anonymous"` // answers bear no name, and nothing leads from them to one
	CalmDays  int              `yaml:"calm_days"` // after the move, and after the last trouble; default 7
	EndDays   int              `yaml:"end_days"`  // after the service end, for whoever has not confirmed the move; default 30
	Questions []FeedbackAsking `yaml:"questions"` // instead of the usual ones, which the feedback package knows
}

// FeedbackAsking is one question.
type FeedbackAsking struct {
	Key  string `yaml:"key"`
	Kind string `yaml:"kind"` // AskText or AskNPS
	Ask  Text   `yaml:"ask"`
}

// Kinds of questions.
const (
	AskText = "text"
	AskNPS  = "nps" // how likely somebody is to recommend the product, 0 to 10
)

const maxAskings = 20

// setDefaults fills in what the block leaves out.
func (f *Feedback) setDefaults() {
	if f == nil {
		return
	}
	if f.CalmDays == 0 {
		f.CalmDays = 7
	}
	if f.EndDays == 0 {
		f.EndDays = 30
	}
}

// feedback checks the block.
func (c *checker) feedback() {
	f := c.p.Feedback
	if f == nil {
		return
	}
	c.daysOf("feedback.calm_days", f.CalmDays)
	c.daysOf("feedback.end_days", f.EndDays)
	if c.has("feedback.questions") && len(f.Questions) == 0 {
		c.errorf("feedback.questions", "is empty; leave it out for the usual questions")
	}
	if n := len(f.Questions); n > maxAskings {
		c.errorf("feedback.questions", "has %d questions; at most %d are asked", n, maxAskings)
		return
	}
	for i := range f.Questions {
		c.asking(f.Questions, i)
	}
}

// daysOf checks a number of days that may be left out.
func (c *checker) daysOf(path string, days int) {
	if (days != 0 || c.has(path)) && (days < 1 || days > 365) {
		c.errorf(path, "must be from 1 to 365")
	}
}

// asking checks one question against those before it.
func (c *checker) asking(list []FeedbackAsking, i int) {
	q, path := list[i], fmt.Sprintf("feedback.questions[%d]", i)
	c.name(path+".key", q.Key, keyPattern)
	if slices.ContainsFunc(list[:i], func(o FeedbackAsking) bool { return o.Key == q.Key && q.Key != "" }) {
		c.errorf(path+".key", "%s is there twice", q.Key)
	}
	switch {
	case q.Kind == AskNPS && slices.ContainsFunc(list[:i], func(o FeedbackAsking) bool { return o.Kind == AskNPS }):
		c.errorf(path+".kind", "there is another question of the kind nps; one score is asked for")
	case q.Kind != AskNPS && q.Kind != AskText:
		c.errorf(path+".kind", "%q is no kind; known: text, nps", q.Kind)
	}
	c.text(path+".ask", q.Ask, true)
	for _, tag := range sortedKeys(q.Ask) {
		if utf8.RuneCountInString(q.Ask[tag]) > maxTitle || strings.Contains(strings.TrimSpace(q.Ask[tag]), "\n") {
			c.errorf(path+".ask."+tag, "must be one line of at most %d characters", maxTitle)
		}
	}
	once(c, path+".ask", q.Ask, list[:i], func(o FeedbackAsking) Text { return o.Ask }, "this question is asked before")
}
