package locale

import (
	"regexp"
	"strings"
	"testing"
)

// strays are words for things that have another one in the glossary.
var strays = map[string]map[string]*regexp.Regexp{
	"en": {
		"email":           regexp.MustCompile(`(?i)\be-mails?\b|\b(this|by|a|our|your|each|the) mails?\b`),
		"support code":    regexp.MustCompile(`(?i)support (number|reference)|name the support code`),
		"tier":            regexp.MustCompile(`(?i)customer (class|level|segment)`),
		"end of that day": regexp.MustCompile(`(?i)the programme's own`),
		"do not have to":  regexp.MustCompile(`(?i)\byou need not\b`),
		"again":           regexp.MustCompile(`(?i)\banew\b`),
		"no politeness":   regexp.MustCompile(`(?i)\bplease\b`),
		"to":              regexp.MustCompile(`(?i)\bin order to\b`),
		"someone":         regexp.MustCompile(`(?i)\bsomebody\b|\bwhoever\b|\bwhosoever\b`),
		"up to":           regexp.MustCompile(`(?i)\bmay have up to\b|\b(write|use) at most\b`),
		"waiting for":     regexp.MustCompile(`(?i)\bwaits for (a|an|the|its|another|approval|release|your)\b`),
		"no longer":       regexp.MustCompile(`(?i)\b(not|cannot|n't) (\w+ ){1,4}any more\b`),
	},
	"zh-CN": {
		"支持码":  regexp.MustCompile(`支持编号|客服码|服务码`),
		"凭证":   regexp.MustCompile(`回执|收据`),
		"客户等级": regexp.MustCompile(`层级|客户级别|客户分层`),
		"邮箱":   regexp.MustCompile(`邮箱地址|电子邮箱|电子邮件地址|电邮`),
		"邮件":   regexp.MustCompile(`电子邮件`),
		"时区":   regexp.MustCompile(`项目时区|计划时区`),
		"退市":   regexp.MustCompile(`停运|退市项目`),
		"后台":   regexp.MustCompile(`控制台|工作台`),
		"求助":   regexp.MustCompile(`帮助请求|请求帮助`),
		"计划文件": regexp.MustCompile(`项目文件`),
		"停止服务": regexp.MustCompile(`停服|服务终止|终止服务`),
		"接收系统": regexp.MustCompile(`推送目标|接收器|下游系统`),
		"放款":   regexp.MustCompile(`放行(批次|退款|付款)`),
		"财务经办": regexp.MustCompile(`财务初审`),
		"财务审批": regexp.MustCompile(`财务复核`),
		"审计员":  regexp.MustCompile(`审计人员`),
		"全角标点": regexp.MustCompile(`\p{Han}[,;:!?()]|[,;:!?()]\p{Han}`),
		"不留空格": regexp.MustCompile(`[\p{Han}，。：；！？、（）“”] +[A-Za-z0-9{]|[A-Za-z0-9}] +[\p{Han}，。：；！？、（）“”]`),
	},
}

// TestOneWordForOneThing holds the catalogues against words that stand for a thing which has another one.
func TestOneWordForOneThing(t *testing.T) {
	for tag, list := range strays {
		for id, texts := range catalogue(t, tag) {
			for _, text := range texts {
				for right, stray := range list {
					if found := stray.FindString(text); found != "" {
						t.Errorf("%s: %s says %q where the word is %q: %s", tag, id, found, right, text)
					}
				}
			}
		}
	}
}

// TestTwoThingsShareNoWord holds that the proof of completeness alone is a receipt, and the support code alone a code of support.
func TestTwoThingsShareNoWord(t *testing.T) {
	for tag, words := range map[string]map[string]string{
		"en":    {"receipt": "archive. export. exportjob. engine. delivery. console.failures check. assistance. help. receipt. fault. writeback. mail.export"},
		"zh-CN": {"凭证": "archive. export. exportjob. engine. delivery. console.failures check. assistance. help. receipt. fault. writeback. mail.export"},
	} {
		for id, texts := range catalogue(t, tag) {
			for _, text := range texts {
				for word, homes := range words {
					if strings.Contains(strings.ToLower(text), word) && !within(id, homes) {
						t.Errorf("%s: %s uses %q for something else than an export's: %s", tag, id, word, text)
					}
				}
			}
		}
		code := map[string]string{"en": "support code", "zh-CN": "支持码"}[tag]
		for _, id := range []string{"help.code", "mail.code", "mail.help_text", "help.page.lead"} {
			if text := catalogue(t, tag)[id]["other"]; !strings.Contains(strings.ToLower(text), code) {
				t.Errorf("%s: %s does not call it %q: %s", tag, id, code, text)
			}
		}
	}
}

func within(id, homes string) bool {
	for _, home := range strings.Fields(homes) {
		if strings.HasPrefix(id, home) {
			return true
		}
	}
	return false
}
