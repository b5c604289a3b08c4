package portal_test

import (
	"fmt"

	"offramp/internal/audit"
	"offramp/migration"
	"offramp/migration/replacement"
)

// offer gives the programme three replacements and what they are compared in, and lets both customers choose.
func (w *world) offer() {
	w.Helper()
	p := w.programme.p
	p.Steps = migration.StepRules{Choose: true}
	p.Choice = migration.ChoiceRules{Seats: "seats", Period: "period"}
	work := both("Work", "工作")
	p.Features = []migration.Feature{
		{Key: "boards", Name: both("Boards", "看板"), Group: work, Attribute: "boards"},
		{Key: "automations", Name: both("Automations", "自动化规则"), Group: work, Attribute: "automations"},
		{Key: "forms", Name: both("Forms", "表单"), Group: both("Collecting", "收集"), Attribute: "forms"},
	}
	all, part, none := migration.MovesAll, migration.MovesPart, migration.MovesNone
	p.Replacements = []migration.Replacement{
		{
			Key: "heguang", Name: both("Heguang Space", "禾光空间"), Kind: migration.KindOwn, Summary: both("Our new product.", "我们的新产品。"),
			Text:  both("## Why\n\nOne place for **everything**.\n\n![a picture](https://heguang.example/p.png)\n\n<script>alert(1)</script>", "## 为什么\n\n一处**全部**。"),
			Price: &migration.Price{Model: migration.PriceSeatMonth, Amount: 9800, Currency: "CNY", Note: both("Storage included.", "含存储空间。")},
			URL:   "https://heguang.example/", Effort: &migration.Effort{Hours: 2, Text: both("We move it for you.", "由我们迁移。")},
			Guide: &migration.Guide{Video: "https://heguang.example/video", Steps: []migration.GuideStep{
				{Key: "invite", Title: both("Invite your colleagues", "邀请同事"), Text: both("Everybody needs an account.\n\n1. Open *Members*\n2. Invite", "每个人都需要账户。")},
				{Key: "import", Title: both("Import the file", "导入文件")},
				{Key: "check", Title: both("Look at your boards", "检查看板")},
			}},
			Datasets: []migration.DatasetMove{{Dataset: "projects", Moves: all}, {Dataset: "tasks", Moves: part, Text: both("Reminders have to be set again.", "提醒需要重新设置。")}},
			Features: []migration.FeatureMove{{Feature: "boards", Has: all}, {Feature: "automations", Has: part, Text: both("Rules are rebuilt by hand.", "规则需要手动重建。")}, {Feature: "forms", Has: all}},
			Limits:   []migration.Limit{{Name: both("Files", "文件"), Value: both("100 GB", "100 GB")}}, Location: both("Shanghai", "上海"), Certifications: []string{"ISO 27001"},
			Offer:   &migration.Offer{Text: both("Half price in the first year", "首年五折"), Discount: 5000, Until: migration.NewDay(2027, 1, 31), Pool: true},
			SignUp:  &migration.SignUp{URL: "https://heguang.example/join", Fields: []string{migration.FieldCustomerName, migration.FieldContactEmail, migration.FieldSeats}},
			Contact: &migration.Reach{Email: "hello@heguang.example", Phone: "400 111 2222"},
		},
		{
			Key: "driftboard", Name: both("Driftboard", "浮板"), Summary: both("A partner's board.", "合作伙伴的看板。"),
			Price:    &migration.Price{Model: migration.PriceFlatYear, Amount: 300000, Currency: "CNY"},
			Datasets: []migration.DatasetMove{{Dataset: "projects", Moves: all}, {Dataset: "tasks", Moves: none, Text: both("Tasks stay behind.", "任务无法带走。")}},
			Features: []migration.FeatureMove{{Feature: "boards", Has: all}, {Feature: "automations", Has: none}, {Feature: "forms", Has: none}},
			Offer:    &migration.Offer{Text: both("Three months free", "免费三个月"), Until: migration.NewDay(2026, 11, 1), Code: "DRIFT-2026"},
			Location: both("Shanghai", "上海"),
		},
		{Key: "self", Name: both("Open formats", "开放格式"), Kind: migration.KindSelf, Summary: both("Keep the files.", "自行保存文件。"), Price: &migration.Price{Model: migration.PriceFree}},
	}
	for _, id := range []string{"a", "b"} {
		w.tell(id, migration.Event{Kind: migration.StepsReconfigure, Actor: "system", Rules: p.Steps})
	}
	w.exec(`UPDATE customer SET attributes = '{"seats": "20", "period": "year"}', imported_at = $2 WHERE id = $1`, w.ids["a"], day.AddDate(0, 0, -7))
	w.exec(`UPDATE customer SET attributes = '{"seats": "7731", "period": "month"}', imported_at = $2 WHERE id = $1`, w.ids["b"], day.AddDate(0, 0, -7))
	for _, feature := range []string{"boards", "automations", "forms"} {
		w.exec(`INSERT INTO feature_count (feature, counted_at, tried_at) VALUES ($1, $2, $2)`, feature, day.AddDate(0, 0, -1))
	}
	w.uses("a", "boards", 3)
	w.uses("a", "automations", 14)
	w.uses("b", "forms", 7732)
}

// uses lays down what a count would.
func (w *world) uses(customer, feature string, n int) {
	w.Helper()
	w.exec(`INSERT INTO feature_usage (customer_id, feature, uses, counted_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (customer_id, feature) DO UPDATE SET uses = EXCLUDED.uses`, w.ids[customer], feature, n, day.AddDate(0, 0, -1))
}

// codes fills the pool of a replacement.
func (w *world) codes(key string, codes ...string) {
	w.Helper()
	lines := make([]replacement.CodeLine, len(codes))
	for i, code := range codes {
		lines[i] = replacement.CodeLine{Line: i + 1, Code: code}
	}
	if _, err := w.choicesOf(w.db).ImportCodes(w.Context(), migration.Actor{ID: "test", Kind: audit.System}, w.programme.p, key, lines); err != nil {
		w.Fatal(err)
	}
}

// choose goes the way of a customer from the form to the choice.
func (w *world) choose(who, key string) answer {
	w.Helper()
	form := hidden(w.get(who, "/replacements/"+key+"/choose").body, "/replacements/"+key+"/check")
	form.Set("accept", "yes")
	check := w.post(who, "/replacements/"+key+"/check", form)
	if check.status != 200 {
		w.Fatalf("check: %d\n%s", check.status, check.body)
	}
	return w.post(who, "/replacements/"+key+"/choose", hidden(check.body, "/replacements/"+key+"/choose"))
}

// choiceOf is the state of the decision that counts, as the database has it.
func (w *world) choiceOf(customer string) string {
	w.Helper()
	var s string
	sql := fmt.Sprintf(`SELECT coalesce((SELECT decision || ' ' || replacement || ' ' || state FROM replacement_choice WHERE customer_id = '%s' AND state NOT IN ('undone', 'replaced')), '')`, w.ids[customer])
	if err := w.super.Super(w.T).QueryRow(w.Context(), sql).Scan(&s); err != nil {
		w.Fatal(err)
	}
	return s
}
