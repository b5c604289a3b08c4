package find_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"offramp/deploy/local/localtest"
	"offramp/internal/db"
	"offramp/internal/fault"
	"offramp/migration/find"
)

type house struct {
	*testing.T
	db   *db.DB
	find *find.Service
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, db: localtest.DB(t, db.Options{MaxConns: 4})}
	h.find = find.New(h.db)
	return h
}

func (h *house) exec(sql string, args ...any) {
	h.Helper()
	err := h.db.InTx(h.Context(), db.SystemScope("test"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(h.Context(), sql, args...)
		return err
	})
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) customer(id, ref, name, person, address string) {
	h.Helper()
	h.exec(`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at) VALUES ($1, $2, $3, 'team', 'en', 'UTC', now(), now())`, id, ref, name)
	h.exec(`INSERT INTO contact (id, customer_id, email, name, role, imported_at, updated_at) VALUES ('k-' || $1, $1, $3, $2, 'owner', now(), now())`, id, person, address)
}

// finds is who a text finds, best first.
func (h *house) finds(text string) string {
	h.Helper()
	r, err := h.find.Search(h.Context(), "staff", text, nil, 0, 20)
	if err != nil {
		h.Fatalf("%s: %v", text, err)
	}
	var ids []string
	for _, hit := range r.Hits {
		ids = append(ids, hit.ID)
	}
	found := strings.Join(ids, " ")
	if r.Near {
		found = "near: " + found
	}
	return found
}

func TestTheShapeOfWhatIsTypedDecidesWhatIsSearched(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.customer("a", "HZ-20418", "远岸设计工作室", "林晓", "lin@farshore.example")
	h.customer("b", "HZ-20500", "北京禾舟科技有限公司", "Wang Mei", "mei@hezhou.example")
	h.customer("c", "KD-7", "禾舟", "Lin Other", "other@canary.example")
	h.customer("d", "KD-20418", "Ｃａｎａｒｙ Works 360", "Jörg Straße", "lin@canary.example")
	h.exec(`INSERT INTO contact_phone (contact_id, customer_id, number, origin, changed_at) VALUES ('k-a', 'a', '+8613800001234', 'import', now())`)
	for text, want := range map[string]string{
		"禾舟": "c b", "设计": "a", "hzkj": "b", "YASJ": "a", "HZ-20418": "a", "hz20418": "a", "20418": "a d", "204": "a d", "ＫＤ－２０４１８": "d",
		"canary works": "d", "works canary": "d", "CANARY": "d c", "strasse": "d", "JÖRG": "d", "lin other": "c", "lin@canary.example": "d", "lin@": "a d",
		"@canary.example": "c d", "canary.example": "c d", "138 0000 1234": "a", "0086 13800001234": "a", "+86 138-0000-1234": "a", "13900001234": "", "360": "d", "nothing": "",
		"100%": "", "北京禾周科技有限公司": "near: b", "远岸设汁工作室": "near: a",
	} {
		if got := h.finds(text); got != want {
			t.Errorf("%s finds %q, want %q", text, got, want)
		}
	}
	h.exec(`UPDATE customer SET name = 'Renamed Ltd' WHERE id = 'a'`)
	h.exec(`UPDATE contact SET email = 'new@renamed.example' WHERE id = 'k-a'`)
	for text, want := range map[string]string{"设计": "", "renamed": "a", "new@renamed.example": "a", "lin@farshore.example": ""} {
		if got := h.finds(text); got != want {
			t.Errorf("after a change %s finds %q, want %q", text, got, want)
		}
	}
	if _, err := h.find.Search(t.Context(), "staff", "a", nil, 0, 20); fault.KindOf(err) != fault.Invalid {
		t.Errorf("one letter: %v", err)
	}
}

// TestZ02_TheIndexIsForStaffAlone asks the functions in other scopes.
func TestZ02_TheIndexIsForStaffAlone(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, scope := range map[string]db.Scope{"nobody": db.NoScope(), "a customer": db.CustomerScope("a"), "the system": db.SystemScope("x")} {
		err := h.db.InTx(t.Context(), scope, func(tx *db.Tx) error {
			_, err := tx.Pgx.Exec(t.Context(), `SELECT * FROM customer_search_find('{ab}', '{}', 'ab')`)
			return err
		})
		if err == nil {
			t.Errorf("%s finds customers", name)
		}
	}
	err := h.db.InTx(t.Context(), db.StaffScope("staff"), func(tx *db.Tx) error {
		_, err := tx.Pgx.Exec(t.Context(), `SELECT customer_search_write('a', 'x', 'x', '{x}')`)
		return err
	})
	if err == nil {
		t.Error("staff write the index")
	}
}

// TestQ01_TwoChineseCharactersFindOneAmongManyByTheIndex fills the index by the thousand (OFFRAMP_TEST_CUSTOMERS; 1,000,000 for the whole
// measure) and has the server itself say that no table was read from end to end.
func TestQ01_TwoChineseCharactersFindOneAmongManyByTheIndex(t *testing.T) {
	many := 50_000
	if n, err := strconv.Atoi(os.Getenv("OFFRAMP_TEST_CUSTOMERS")); err == nil {
		many = n
	}
	base := localtest.Database(t)
	h := &house{T: t, db: base.Open(t, db.Options{MaxConns: 4})}
	h.find = find.New(h.db)
	super := base.Super(t)
	ctx := context.Background()
	for _, sql := range []string{
		`ALTER TABLE customer DISABLE TRIGGER USER`,
		`INSERT INTO customer (id, ref, name, tier, locale, zone, imported_at, updated_at)
			SELECT 'm' || n, 'M-' || n, chr(19968 + n % 997) || chr(22000 + n % 1009) || chr(26000 + n % 1013) || '公司', 'team', 'zh-CN', 'UTC', now(), now() FROM generate_series(1, ` + strconv.Itoa(many) + `) n`,
		`ALTER TABLE customer ENABLE TRIGGER USER`,
		`INSERT INTO customer_search (customer_id, name, folded, terms)
			SELECT id, name, name || E'\n' || ref, ARRAY(SELECT substr(name, i, 2) FROM generate_series(1, length(name) - 1) i) || ARRAY['#' || replace(ref, '-', '')] FROM customer`,
		`ANALYZE customer`, `ANALYZE customer_search`,
	} {
		if _, err := super.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	h.customer("rare", "HZ-1", "龘靐科技", "林", "lin@rare.example")
	for _, text := range []string{"龘靐", "公司", "M12345", "lin@rare.example", "gongsi", "龘靐科枝有限公司"} {
		h.finds(text) // indexes, and warms
		var scans int64
		begun := time.Now()
		err := h.db.InTx(ctx, db.StaffScope("staff"), func(tx *db.Tx) error {
			if _, err := tx.Pgx.Exec(ctx, `SELECT count(*) FROM customer_search_find($1, '{}', $2)`, find.Wanted(text), text); err != nil {
				return err
			}
			return tx.Pgx.QueryRow(ctx, `SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_xact_user_tables WHERE relname IN ('customer', 'customer_search', 'contact')`).Scan(&scans)
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s", text, time.Since(begun))
		if scans != 0 {
			t.Errorf("%s reads %d tables from end to end", text, scans)
		}
	}
	var scans int64
	err := h.db.InTx(ctx, db.StaffScope("staff"), func(tx *db.Tx) error {
		if err := find.SearchIn(ctx, tx, "龘靐"); err != nil {
			return err
		}
		return tx.Pgx.QueryRow(ctx, `SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_xact_user_tables WHERE relname IN ('customer', 'customer_search', 'contact', 'journey')`).Scan(&scans)
	})
	if err != nil || scans != 0 {
		t.Errorf("the whole search reads %d tables from end to end, %v", scans, err)
	}
	if got := h.finds("龘靐"); got != "rare" {
		t.Errorf("two characters find %q", got)
	}
}
