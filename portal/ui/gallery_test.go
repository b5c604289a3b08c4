package ui

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/a-h/templ"

	"offramp/internal/locale"
)

// within gives a component its children, as a templ file would.
func within(parent templ.Component, children ...templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return parent.Render(templ.WithChildren(ctx, templ.Join(children...)), w)
	})
}

func words(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, "<p>"+templ.EscapeString(text)+"</p>")
		return err
	})
}

func shanghai(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// both returns the text of the page's language; programmes bring such texts with them.
func both(l *locale.Locale, en, zh string) string {
	return l.Pick(map[string]string{"en": en, "zh-CN": zh})
}

func galleryPage(l *locale.Locale) Page {
	return Page{
		Locale: l, Title: both(l, "Gallery", "组件一览"), Path: "/plan?from=mail",
		ProductName: both(l, "Hezhou Teamwork", "禾舟协作"), CompanyName: both(l, "Hezhou Technology", "禾舟科技"), Year: 2026,
		Nav: []NavItem{
			{Key: "plan", Label: l.T("nav.plan"), URL: "/plan"},
			{Key: "exports", Label: l.T("nav.exports"), URL: "/exports"},
			{Key: "messages", Label: l.T("nav.messages"), URL: "/messages", Badge: "2"},
		},
		Active:      "plan",
		Account:     &Account{Name: both(l, "Lin Xiaowen", "林晓雯"), Detail: both(l, "Farshore Design Studio", "远岸设计工作室"), Links: []Link{{Label: l.T("nav.help"), URL: "/support"}}},
		FooterLinks: []Link{{Label: l.T("foot.privacy"), URL: "/privacy"}, {Label: l.T("foot.terms"), URL: "/terms"}},
		Flash:       &Banner{Tone: "ok", Title: both(l, "Your choice is saved", "您的选择已保存")},
		HTMX:        true, NoIndex: true,
	}
}

// customerGallery shows what customers' pages are made of.
func customerGallery(l *locale.Locale, zone *time.Location) templ.Component {
	now := time.Date(2026, 11, 21, 2, 24, 0, 0, time.UTC)
	stop, erase := now.AddDate(0, 0, 71), now.AddDate(0, 0, 131)
	return within(Shell(galleryPage(l)),
		within(PageHead(Heading{Eyebrow: "HZ-20418", Title: both(l, "Your migration plan", "您的迁移计划"), Lead: both(l, "Thank you for your trust in Hezhou. Five steps take most teams about 40 minutes in total; you can stop and come back at any time.", "感谢您一直以来对Hezhou的信任。请按以下五步完成迁移：多数团队共需约40分钟，可随时中断，稍后继续。")})),
		CountdownBox(Countdown{
			Locale: l, Days: 71, Until: both(l, "until the service stops", "停止服务"), Zone: zone,
			Dates: []CountdownDate{{both(l, "Service stops", "停止服务"), stop, l.FullDate(stop, zone), ""}, {both(l, "Data permanently deleted", "永久删除数据"), erase, l.FullDate(erase, zone), l.N("time.days_left", 131)}},
			Next:  &NextStep{both(l, "Export your data", "导出您的数据"), Link{Label: both(l, "Data export", "数据导出"), URL: "/exports", Icon: IconArrow}},
			Track: &Track{Now: 0.4, Marks: []TrackMark{{0.2, "past"}, {0.7, "next"}, {1, "future"}}},
		}),
		galleryTasks(l),
		within(CardSection(Card{ID: "export", Title: both(l, "Data export", "数据导出"), Aside: Status(l, "export-st", "in_progress")}),
			ProgressBar(Progress{ID: "bar", Label: both(l, "ZIP \u2013 stage 3 of 4", "ZIP（第3步，共4步）"), Percent: 62, Meta: []string{l.ETA(6 * time.Minute)}, Live: Poll("/exports/1/progress", 4*time.Second)}),
			Live("export-live"),
			Copyable(l, "9f2c71b4e0aa5d13", both(l, "SHA-256 checksum", "SHA-256校验值")),
			PostAction(Action{URL: "/exports/1/cancel", Button: Button{Label: both(l, "Cancel export", "取消导出"), Kind: Quiet}, Hidden: []Pair{{"version", "3"}}}),
		),
		KeyDatesCard(KeyDates{
			Locale: l, Title: both(l, "Key dates", "关键日期"), Zone: zone, At: now,
			Items: []KeyDate{
				{At: now.AddDate(0, -2, 0), When: l.T("dates.since", "Day", l.Date(now.AddDate(0, -2, 0), zone)), What: both(l, "New sign-ups closed", "停止新用户注册"), State: "past"},
				{At: stop, When: l.Date(stop, zone), What: both(l, "Service stops", "停止服务"), Effect: both(l, "Everything becomes read-only; nobody can edit.", "全部内容转为只读，所有成员不能再编辑。"), State: "next", Days: 71},
				{At: erase, When: l.Date(erase, zone), What: both(l, "Data permanently deleted", "永久删除数据"), State: "future", Days: 131},
			},
			Links: []Link{{Label: l.T("ui.dates.calendar"), URL: "/calendar.ics", Icon: IconCalendar, Download: true}},
		}),
		within(EmptyState(Empty{ID: "none", Title: both(l, "You have not exported your data yet", "您还没有导出过数据"), Text: both(l, "We pack all your data in open formats and email you when it is done.", "我们会以开放格式打包您的全部数据，完成后发邮件通知您。"), Action: &Link{Label: both(l, "Start export", "开始导出"), URL: "/exports/new"}})),
		HelpCard(Help{Locale: l, FAQURL: "/faq", Email: "moving@hezhou.example", Phone: "400 000 0000", PhoneNumber: "+864000000000", Hours: "09:00–18:00", Lang: "en", Code: "7429 51"}),
	)
}

func galleryTasks(l *locale.Locale) templ.Component {
	tasks := TaskList{Locale: l, Title: both(l, "Five steps to move", "五步完成迁移")}
	for i, status := range []string{"completed", "in_progress", "action_needed", "problem", "not_started", "not_needed", "cannot_start"} {
		task := Task{Name: both(l, "Export your data", "导出您的数据"), Hint: both(l, "A full copy in open formats: CSV, JSON and your original files", "完整副本，开放格式：CSV、JSON与原始文件"), Status: status, URL: "/step"}
		if i == 6 {
			task.URL = ""
		}
		tasks.Tasks = append(tasks.Tasks, task)
	}
	return TaskCard(tasks)
}

// formGallery shows a form that came back with errors, and what follows a good one.
func formGallery(l *locale.Locale) templ.Component {
	page := galleryPage(l)
	page.Errors, page.Narrow, page.Flash, page.Account = true, true, nil, nil
	wrong := both(l, "Select how you want to be paid", "请选择退款方式")
	options := []Option{{Value: "bank", Label: both(l, "Bank account", "对公账户"), Hint: both(l, "15 working days", "15个工作日内到账")}, {Value: "credit", Label: both(l, "Credit", "余额"), Selected: true}}
	field := func(id, label string) Field { return Field{Locale: l, ID: id, Label: label} }
	bad := field("method", both(l, "How do you want to be paid?", "您希望如何收到这笔款项？"))
	bad.Error, bad.Hint = wrong, both(l, "You can change this later", "之后可以更改")
	name := field("name", both(l, "Account name", "户名"))
	name.Error, name.Optional = both(l, "Enter a name", "请输入户名"), true
	return within(Shell(page),
		BackLink(l, "/refund"),
		ErrorSummary(l, []FieldError{{"method", "", wrong}, {"name", name.Label, name.Error}, {"", "", both(l, "The amount has changed", "金额已变更")}}),
		RadioGroup(Choices{Field: bad, Options: options, Question: true}),
		CheckboxGroup(Choices{Field: field("formats", both(l, "Formats", "格式")), Options: options}),
		TextInput(Input{Field: name, Value: `a"b<c>`, Autocomplete: "organization", MaxLength: 80}),
		TextInput(Input{Field: field("phone", both(l, "Phone", "手机号")), Type: "tel", InputMode: "tel", Autocomplete: "tel", Width: "medium"}),
		TextArea(Area{Field: field("reason", both(l, "Reason", "原因")), Value: "</textarea>", MaxLength: 500}),
		Select(Selection{Field: field("zone", both(l, "Time zone", "时区")), Options: options, Width: "medium"}),
		Summary(l, []SummaryRow{{Key: both(l, "Plan", "套餐"), Value: "Team", ChangeURL: "/refund/plan"}, {Key: both(l, "Paid until", "已付费至")}, {Key: both(l, "Estimated refund", "预计退款"), Value: l.Money(443836, "CNY"), Total: true}}),
		within(Disclosure(both(l, "How we calculated this", "金额如何计算")), words(both(l, "Unused after the service stops", "停止服务后未使用"))),
		Submit(Button{Label: l.T("ui.continue"), Kind: Primary, Name: "step", Value: "next"}),
	)
}

func confirmationGallery(l *locale.Locale) templ.Component {
	page := galleryPage(l)
	page.Narrow = true
	page.Strip = &Banner{Tone: "warn", Title: l.T("shell.view_as"), Link: &Link{Label: l.T("ui.back"), URL: "/console"}}
	page.Flash = &Banner{Tone: "bad", Title: both(l, "The payment came back", "款项被退回"), Text: both(l, "Check the account", "请核对账号")}
	return within(Shell(page),
		ConfirmationPanel(Confirmation{Locale: l, Title: both(l, "Refund request submitted", "退款申请已提交"), Reference: "RF-2026-000318"}),
		LinkButton(Primary, Link{Label: l.T("nav.plan"), URL: "/plan"}),
	)
}

// consoleGallery shows what staff pages are made of.
func consoleGallery(l *locale.Locale, zone *time.Location) templ.Component {
	page := galleryPage(l)
	at := time.Date(2026, 11, 21, 2, 24, 0, 0, time.UTC)
	tier, amount := both(l, "Tier", "客户等级"), both(l, "Amount (CNY)", "金额（CNY）")
	steps := []Task{{Name: both(l, "Check your key dates", "了解关键日期"), Status: "completed"}, {Name: both(l, "Export your data", "导出您的数据"), Status: "in_progress"}, {Name: both(l, "Settle your refund or credit", "办理退款或抵扣"), Status: "problem"}, {Name: both(l, "Choose a replacement", "选择替代产品"), Status: "not_started"}, {Name: both(l, "Confirm that you have moved", "确认已完成迁移"), Status: "cannot_start"}}
	return within(ConsoleShell(page),
		within(PageHead(Heading{Title: both(l, "Refund review", "退款审核")}), LinkButton(Plain, Link{Label: "CSV", URL: "/r.csv", Download: true})),
		Stats([]Stat{{both(l, "To review", "待初审"), "12", l.Money(3821450, "CNY")}, {both(l, "To approve", "待复核"), "8", ""}, {both(l, "Refunds", "退款"), l.MoneyWhole(128493000, "CNY"), ""}}),
		StepStrip(l, both(l, "Five steps to move", "五步完成迁移"), steps),
		within(Filters(l, "/console/finance/refunds", []Link{{Label: "XLSX", URL: "/r.xlsx"}}),
			TextInput(Input{Field: Field{Locale: l, ID: "q", Label: both(l, "Customer", "客户")}, Type: "search"})),
		DataTable(Table{
			ID: "queue", Caption: both(l, "Refund requests", "退款申请"),
			Columns: []Column{{Label: both(l, "Select", "选择"), Hidden: true}, {Label: both(l, "Reference", "编号")}, {Label: tier}, {Label: amount, Numeric: true}, {Label: both(l, "Status", "状态")}},
			Rows: []Row{
				{Cells: []Cell{{Body: Check(RowCheck{ID: "c1", Name: "id", Value: "1", Label: "RF-1"})}, {Text: "RF-1", URL: "/r/1"}, {}, {Text: l.Amount(443836, "CNY")}, {Body: Tag("", ToneActionNeeded, both(l, "To approve", "待复核"))}}},
				{Blocked: true, Cells: []Cell{{Body: Check(RowCheck{ID: "c2", Name: "id", Value: "2", Label: "RF-2", Disabled: true, DescribedBy: "why2"})}, {Text: "RF-2", URL: "/r/2"}, {Text: "A"}, {Text: "1.00"}, {ID: "why2", Text: both(l, "You reviewed this", "您已初审")}}},
			},
			Total: []Cell{{Text: both(l, "Total", "合计"), Span: 3}, {Text: l.Amount(443936, "CNY")}, {}},
		}),
		Pagination(Pages{Locale: l, PreviousURL: "?page=1", NextURL: "?page=3", From: 51, To: 100, All: 1240}),
		within(CardSection(Card{ID: "moved", Title: both(l, "Moved", "已迁移"), Meta: "13.6%"}),
			LineChart(Chart{Locale: l, ID: "lc", Title: both(l, "Customers moved", "完成迁移的客户"), Text: both(l, "902 of 1,020", "902家，计划1,020家"), Labels: []string{"09-01", "10-13", "11-21"}, Lines: []Line{{Name: both(l, "Plan", "计划"), Values: []float64{0, 360, 1020}, Plan: true}, {Name: both(l, "Actual", "实际"), Values: []float64{0, 270, 902}}}}),
			DataTable(Table{ID: "tiers", Caption: tier, Plain: true, Columns: []Column{{Label: tier}, {Label: both(l, "Moved", "已迁移")}}, Rows: []Row{{Cells: []Cell{{Text: "A"}, {Body: CellBar(Bar{Locale: l, Part: 44, Whole: 86, Count: true})}}}}}),
			DataTable(Table{ID: "nothing", Caption: both(l, "Nothing", "无"), Plain: true, Columns: []Column{{Label: tier}}, Empty: l.T("ui.table.none")}),
			Facts([]SummaryRow{{Key: l.T("help.mail"), Value: locale.Mask("lin@farshore.example")}, {Key: l.T("help.phone")}}),
			HistoryList(History{Locale: l, Zone: zone, Events: []Event{{At: at, What: both(l, "Start export", "开始导出"), By: both(l, "Wang Lei", "王磊"), Detail: "T-4471"}}}),
		),
	)
}

// galleries are all pages of the gallery by name, for a language.
func galleries(t testing.TB, l *locale.Locale) map[string]string {
	t.Helper()
	zone := shanghai(t)
	pages := map[string]string{}
	for name, page := range map[string]templ.Component{
		"customer": customerGallery(l, zone), "form": formGallery(l),
		"confirmation": confirmationGallery(l), "console": consoleGallery(l, zone),
	} {
		var out bytes.Buffer
		if err := page.Render(t.Context(), &out); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		pages[name] = out.String()
	}
	return pages
}
