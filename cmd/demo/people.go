package main

import (
	"offramp/deploy/local"
	"offramp/deploy/local/product"
)

// password opens every account of the demonstration.
const password = "demo"

// account is one line of the ready file and of the printed block.
type account struct {
	Role     string `json:"role"`
	Email    string `json:"email"`
	Password string `json:"password"`
	Customer string `json:"customer"`

	name  string // what the printed block says beside it
	click bool   // has a button on the sign-in page
}

// staff are the company's people, one for each role, a second programme manager, since a change takes two, and a second approver, since
// a large refund takes two of them.
var staff = []struct{ role, name, group string }{
	{"support", "王磊 Wang Lei", "support"},
	{"finance_clerk", "周敏 Zhou Min", "finance-clerks"},
	{"finance_approver", "陈立 Chen Li", "finance-approvers"},
	{"finance_approver", "许诺 Xu Nuo", "finance-approvers"},
	{"finance_releaser", "赵静 Zhao Jing", "finance-releasers"},
	{"programme_manager", "吴桐 Wu Tong", "programme"},
	{"programme_manager", "孙可 Sun Ke", "programme"},
	{"auditor", "何清 He Qing", "audit"},
	{"operator", "秦岭 Qin Ling", "operations"},
}

func staffUsers() ([]local.User, []account) {
	var users []local.User
	var accounts []account
	for i, s := range staff {
		email := s.role + "@company.example"
		if i > 0 && staff[i-1].role == s.role {
			email = "second-" + email
		}
		users = append(users, local.User{
			Subject: email, Email: email, Name: s.name, Password: password, EmailVerified: true, Featured: true, Note: s.role,
			Claims: map[string]any{"groups": []string{s.group}},
		})
		accounts = append(accounts, account{Role: s.role, Email: email, Password: password, name: s.name, click: true})
	}
	return users, accounts
}

// customerUsers are people at the retired product's provider. The first few have one-click buttons.
func customerUsers(people []product.Account) ([]local.User, []account) {
	var users []local.User
	var accounts []account
	featured := map[string]bool{}
	for i, p := range people {
		show := i < 2 || len(featured) < 4 && (p.Locale == "en" || i < 4) && p.Role == "owner"
		if show {
			featured[p.Customer] = true
		}
		users = append(users, local.User{
			Subject: "hezhou|" + p.Email, Email: p.Email, Name: p.Name, Password: password, EmailVerified: true,
			Featured: show, Note: p.CustomerName + " · " + p.Role,
			Claims: map[string]any{"customer": p.Customer, "customer_role": p.Role, "locale": p.Locale},
		})
		accounts = append(accounts, account{
			Role: "customer_" + p.Role, Email: p.Email, Password: password, Customer: p.Customer, name: p.CustomerName, click: show,
		})
	}
	return users, accounts
}
