package migration_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"offramp/migration"
)

const announced = `programme: boats
product: {name: {en: Boats, zh-CN: 小船}, company: {en: Boat Works, zh-CN: 船厂}, kind: business}
locales: [en, zh-CN]
zone: Asia/Shanghai
thanks: {en: Thank you., zh-CN: 谢谢。}
reason: {en: We stop., zh-CN: 我们停止。}
milestones:
  - {key: announcement, day: 2026-06-01}
  - {key: sales_stop, day: 2026-08-01}
  - {key: service_end, day: 2027-01-31}
  - {key: export_deadline, day: 2027-03-02}
tiers:
  - {key: core, name: {en: Core, zh-CN: 核心}, core: true, spoken_to: 2026-05-20, rule: 'ref.startsWith("K-")'}
  - {key: standard, name: {en: Standard, zh-CN: 标准}, rule: "true"}
datasets:
  - {key: boats, name: {en: Boats, zh-CN: 小船}, source: product, query: "select :customer_id::text as id", row_key: id}
replacements:
  - {key: paper, name: {en: Paper, zh-CN: 纸张}}
help: {email: help@boats.example}
notices:
  briefing:
    voice:
      why: {en: We build ferries now., zh-CN: 我们改造渡轮。}
      say: {en: "Until {date:service_end}.", zh-CN: "到{date:service_end}。"}
      never: {en: Perhaps., zh-CN: 也许。}
    questions:
      - topic: {en: Why, zh-CN: 原因}
        question: {en: Why do you stop?, zh-CN: 为什么停止？}
        answer: {en: "Since {reason}", zh-CN: "因为{reason}"}
      - topic: {en: Data, zh-CN: 数据}
        question: {en: Is my data safe?, zh-CN: 数据安全吗？}
        answer: {en: "[Export it]({link:export}).", zh-CN: "[导出]({link:export})。"}
    role_play:
      - title: {en: An angry captain, zh-CN: 愤怒的船长}
        situation: {en: Rings at night., zh-CN: 半夜来电。}
        customer: {en: My boat!, zh-CN: 我的船！}
        say: {en: "Let us look together.", zh-CN: 我们一起看。}
        never: {en: Not my job., zh-CN: 不归我管。}
  list:
    - key: announcement
      kind: public
      on: {milestone: announcement}
      channels: [email, sms, call]
      words:
        - title:
            en: "{product} closes on {date:service_end}"
            zh-CN: "{product}将于{date:service_end}停止服务"
          opening:
            en: "{thanks} {reason}"
            zh-CN: "{thanks}{reason}"
          next:
            en: "See [your plan]({link:plan}); we suggest {replacements}."
            zh-CN: "请看[您的计划]({link:plan})，推荐{replacements}。"
          sms: {en: "{product} closes.", zh-CN: "{product}停止服务。"}
          script: {en: "Say it.", zh-CN: "请说明。"}
    - key: export
      kind: reminder
      step: export
      on: {milestone: export_deadline, days: [-30, -7]}
      audience: tier == "core"
      channels: [email]
      words:
        - title: {en: "{days:export_deadline} left", zh-CN: "还剩{days:export_deadline}"}
          next: {en: "[Export]({link:export}).", zh-CN: "[导出]({link:export})。"}
`

// TestN08_AnIncompleteNoticeIsRefusedAtItsLine leaves out each element, language and variable in turn. What is refused here is
// never proposed, so that nobody can approve it.
func TestN08_AnIncompleteNoticeIsRefusedAtItsLine(t *testing.T) {
	if _, err := migration.ReadProgramme([]byte(announced)); err != nil {
		t.Fatal(migration.FindingsOf(err))
	}
	const title, opening, next = `en: "{product} closes on {date:service_end}"`, `en: "{thanks} {reason}"`, `en: "See [your plan]({link:plan}); we suggest {replacements}."`
	for _, c := range []struct{ old, new, at, says string }{
		// the elements, by language
		{title, `en: "It closes on {date:service_end}"`, "notices.list[0].words[0].title.en", "the product is missing; use {product}"},
		{title, `en: "{product} closes soon"`, "notices.list[0].words[0].title.en", "the date is missing; use {date:MILESTONE}"},
		{opening, `en: "{reason}"`, "notices.list[0].words[0].opening.en", "a word of thanks is missing; use {thanks}"},
		{opening, `en: "{thanks}"`, "notices.list[0].words[0].opening.en", "the reason is missing; use {reason}"},
		{`zh-CN: "{thanks}{reason}"`, `zh-CN: "{thanks}"`, "notices.list[0].words[0].opening.zh-CN", "the reason is missing"},
		{next, `en: "We suggest {replacements}."`, "notices.list[0].words[0].next.en", "where customers begin is missing; use {link:plan}"},
		{next, `en: "See [your plan]({link:plan})."`, "notices.list[0].words[0].next.en", "what replaces the product is missing"},
		{"help: {email: help@boats.example}\n", "help: {}\n", "help.email", "is missing"},
		{"thanks: {en: Thank you., zh-CN: 谢谢。}\n", "thanks: {en: Thank you.}\n", "thanks.zh-CN", "is missing"},
		// half a translation
		{`            zh-CN: "{product}将于{date:service_end}停止服务"` + "\n", "", "notices.list[0].words[0].title.zh-CN", "is missing"},
		{`sms: {en: "{product} closes.", zh-CN: "{product}停止服务。"}`, `sms: {en: "{product} closes."}`, "notices.list[0].words[0].sms.zh-CN", "is missing"},
		{`script: {en: "Say it.", zh-CN: "请说明。"}`, `script: {zh-CN: "请说明。"}`, "notices.list[0].words[0].script.en", "is missing"},
		{`next: {en: "[Export]({link:export}).", zh-CN: "[导出]({link:export})。"}`, `next: {en: "[Export]({link:export})."}`, "notices.list[1].words[0].next.zh-CN", "is missing"},
		// variables
		{"{days:export_deadline} left", "{days:export_dedline} left", "notices.list[1].words[0].title.en", `"export_dedline" is no milestone`},
		{"[Export]({link:export}).", "[Export]({link:exports}).", "notices.list[1].words[0].next.en", "{link:exports}"},
		{"Say it.", "Say {custmer}.", "notices.list[0].words[0].script.en", "{custmer}"},
		// tiers
		{"        - title: {en: \"{days", "        - tier: gold\n          title: {en: \"{days", "notices.list[1].words[0].tier", `"gold" is no tier`},
		{"        - title: {en: \"{days", "        - tier: core\n          title: {en: \"{days", "notices.list[1].words", "tier standard has no words"},
		// rules and days
		{`audience: tier == "core"`, `audience: tier == `, "notices.list[1].audience", "Syntax error"},
		{`audience: tier == "core"`, `audience: uses.sails > 1`, "notices.list[1].audience", "sails"},
		{"days: [-30, -7]", "days: [-30, 7]", "notices.list[1].on.days[1]", "after the last day"},
		{"days: [-30, -7]", "days: [-30, -30]", "notices.list[1].on.days[1]", "listed twice"},
		{"on: {milestone: announcement}", "on: {day: 2026-06-02}", "notices.list[0].on", "on the day of the announcement"},
		{"channels: [email]", "channels: [email, fax]", "notices.list[1].channels[1]", `"fax" is no channel`},
		{"step: export\n", "step: exports\n", "notices.list[1].step", "must name the step"},
		{"kind: public", "kind: news", "notices.list", "holds no public notice"},
	} {
		src := strings.Replace(announced, c.old, c.new, 1)
		if src == announced {
			t.Errorf("%s: the case changes nothing", c.at)
			continue
		}
		_, err := migration.ReadProgramme([]byte(src))
		found := false
		for _, f := range migration.FindingsOf(err) {
			first, last := linesOf(src, c.new, c.at)
			found = found || f.Path == c.at && strings.Contains(f.Message, c.says) && first <= f.Line && f.Line <= last
		}
		if !errors.Is(err, migration.ErrBadProgramme) || !found {
			t.Errorf("want %s: %s\ngot  %v", c.at, c.says, migration.FindingsOf(err))
		}
	}
}

// TestN08_AnIncompleteBriefingIsRefusedAtItsLine does the same to what colleagues read first.
func TestN08_AnIncompleteBriefingIsRefusedAtItsLine(t *testing.T) {
	const at, voice = "notices.briefing", "      why: {en: We build ferries now., zh-CN: 我们改造渡轮。}\n"
	questions := announced[strings.Index(announced, "    questions:"):strings.Index(announced, "    role_play:")]
	scenarios := announced[strings.Index(announced, "    role_play:"):strings.Index(announced, "  list:")]
	for _, c := range []struct{ old, new, at, says string }{
		{voice, "", at + ".voice.why", "is missing"},
		{questions, "", at + ".questions", "is missing"},
		{scenarios, "", at + ".role_play", "is missing"},
		{questions + scenarios, "    questions: []\n    role_play: []\n", at + ".questions", "is missing"},
		{"never: {en: Perhaps., zh-CN: 也许。}", "never: {en: Perhaps.}", at + ".voice.never.zh-CN", "is missing"},
		{"zh-CN: \"因为{reason}\"", "zh-CN: \" \"", at + ".questions[0].answer.zh-CN", "is missing"},
		{"topic: {en: Data, zh-CN: 数据}", "topic: {zh-CN: 数据}", at + ".questions[1].topic.en", "is missing"},
		{"{date:service_end}.", "{date:servce_end}.", at + ".voice.say.en", `"servce_end" is no milestone`},
		{"Let us look together.", "Let us look, {customr}.", at + ".role_play[0].say.en", "{customr}: unknown"},
		{"Let us look together.", "Let us look, {contact}.", at + ".role_play[0].say.en", "no one customer to name"},
		{"[Export it]({link:export})", "[Export it]({link:exports})", at + ".questions[1].answer.en", "{link:exports}"},
		{"We build ferries now.", strings.Repeat("We build ferries. ", 17), at + ".voice.why.en", "at most 300 characters"},
		{"en: Why do you stop?", "en: " + strings.Repeat("why", 51), at + ".questions[0].question.en", "at most 150 characters"},
		{"en: Is my data safe?", `en: " why DO you  stop?"`, at + ".questions[1].question.en", "answered before"},
		{"    voice:\n", "    audience: [support, captain]\n    voice:\n", at + ".audience[1]", `"captain" is no role of staff`},
		{"    voice:\n", "    audience: [support, support]\n    voice:\n", at + ".audience[1]", "listed twice"},
		{"    voice:\n", "    audience: []\n    voice:\n", at + ".audience", "is empty"},
		{"    voice:\n", "    mood: good\n    voice:\n", at + ".mood", "unknown"},
		{"{en: Not my job., zh-CN: 不归我管。}", "{en: " + strings.Repeat("No. ", 1001) + ", zh-CN: 不归我管。}", at + ".role_play[0].never.en", "at most 4000"},
	} {
		src := strings.Replace(announced, c.old, c.new, 1)
		if src == announced {
			t.Errorf("%s: the case changes nothing", c.at)
			continue
		}
		_, err := migration.ReadProgramme([]byte(src))
		found := false
		for _, f := range migration.FindingsOf(err) {
			found = found || f.Path == c.at && strings.Contains(f.Message, c.says) && f.Line > 0
		}
		if !errors.Is(err, migration.ErrBadProgramme) || !found {
			t.Errorf("want %s: %s\ngot  %v", c.at, c.says, migration.FindingsOf(err))
		}
	}
	p, err := migration.ReadProgramme([]byte(announced))
	if err != nil || !slices.Equal(p.Notices.Briefing.Audience, migration.BriefingAudience) {
		t.Errorf("the audience by itself: %v, %v", p.Notices.Briefing.Audience, err)
	}
}

// linesOf are the lines on which a fault may be told: those of the part that has it, or, of what is missing, all.
func linesOf(src, part, path string) (first, last int) {
	if part == "" || strings.HasSuffix(path, "list") || strings.HasSuffix(path, "].words") {
		return 1, strings.Count(src, "\n")
	}
	before, _, _ := strings.Cut(src, part)
	first = strings.Count(before, "\n") + 1
	return first, first + strings.Count(part, "\n")
}
