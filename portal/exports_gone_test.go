package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"offramp/export/storage"
)

// TestAnArchiveThatIsLostIsOfferedAnew removes the object behind our back. The reader gets our page, never the store's.
func TestAnArchiveThatIsLostIsOfferedAnew(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	w.seal(e, "a", whole)
	if err := w.bucket.Delete(t.Context(), "key-of-the-archive"); err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{path + "/download", path + "/volumes/1"} {
		a := w.get("owner", link)
		if a.status != http.StatusGone || strings.Contains(a.body, "<?xml") || !strings.Contains(a.body, `href="`+path+`"`) || !strings.Contains(a.body, "The file is missing") {
			t.Errorf("%s: %d %s", link, a.status, a.location)
		}
	}
	body := w.shows("owner", path, "The file is missing", "This is our fault", "Build it again", path+"/again", "Missing")
	w.hides(body, path+"/download", "offramp verify")
	if n := strings.Count(body, "btn--primary"); n != 1 {
		t.Errorf("%d primary buttons", n)
	}
	w.speak("owner", "zh-CN")
	w.shows("owner", path, "文件已不存在", "重新生成")
	w.speak("owner", "en")

	w.put("key-of-the-archive") // somebody brought it back
	if a := w.get("owner", path+"/download"); a.status != http.StatusFound {
		t.Errorf("found again: %d", a.status)
	}
	w.hides(w.shows("owner", path, "Your export is ready"), "The file is missing")

	if err := w.bucket.Delete(t.Context(), "key-of-the-archive"); err != nil {
		t.Fatal(err)
	}
	w.get("owner", path+"/download")
	a := w.post("owner", path+"/again", nil)
	if a.status != http.StatusSeeOther || a.location == path || !strings.HasPrefix(a.location, "/exports/") {
		t.Fatalf("%d to %s", a.status, a.location)
	}
	w.shows("owner", a.location, "EX-10002", "Waiting to start", "CSV")
	if n := w.count(`SELECT count(*) FROM audit WHERE act IN ('export.lost', 'export.found') AND object = 'export EX-10001'`); n != 3 {
		t.Errorf("%d audit entries of what was lost and found", n)
	}
}

// TestAnOwnerDeletesAnExport: the object is gone at once, the act is recorded, and what was true of the export stays.
func TestAnOwnerDeletesAnExport(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	if a := w.post("owner", path+"/delete", nil); a.status != http.StatusConflict {
		t.Errorf("one that is being built: %d", a.status)
	}
	w.seal(e, "a", whole)
	w.exec(`INSERT INTO export_object (key, export_id, customer_id, attempt, volume, state, created_at)
		SELECT 'key-of-the-archive', id, customer_id, attempt, 1, 'sealed', ready_at FROM export WHERE id = $1`, e.ID)
	w.shows("owner", path, "Delete export", path+"/delete")
	w.shows("owner", path+"/delete", "Delete EX-10001?", "This cannot be undone.", "Your data in the product is not touched.", "Keep it")
	for who, want := range map[string]int{"member": http.StatusForbidden, "stranger": http.StatusNotFound} {
		if w.ids[who] == "" {
			continue
		}
		if a := w.post(who, path+"/delete", nil); a.status != want {
			t.Errorf("%s: %d", who, a.status)
		}
	}
	if a := w.post("owner", path+"/delete", nil); a.status != http.StatusSeeOther || a.location != path {
		t.Fatalf("%d to %s", a.status, a.location)
	}
	if _, err := w.bucket.Describe(t.Context(), "key-of-the-archive"); storage.KindOf(err) != storage.NotFound {
		t.Errorf("the object is still there: %v", err)
	}
	body := w.shows("owner", path, "You deleted this export", "Copies that you downloaded before stay valid.", "Build it again", "Everything is there")
	w.hides(body, path+"/download", path+"/delete", "The download has expired")
	if a := w.get("owner", path+"/download"); a.status != http.StatusGone {
		t.Errorf("download after it: %d", a.status)
	}
	if a := w.post("owner", path+"/delete", nil); a.status != http.StatusSeeOther {
		t.Errorf("again: %d", a.status)
	}
	if n := w.count(`SELECT count(*) FROM audit WHERE act = 'export.delete' AND object = 'export EX-10001'`); n != 1 {
		t.Errorf("%d audit entries", n)
	}
	w.speak("owner", "zh-CN")
	w.shows("owner", path, "此导出已删除")
}

// TestThePageMovesOnAfterTheDownload polls as the page does.
func TestThePageMovesOnAfterTheDownload(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	w.seal(e, "a", whole)
	watch := path + "/progress?seen=ready"
	w.shows("owner", path, `hx-get="`+watch+`"`, "click delay:2s", "This page moves on")
	if a := w.get("owner", watch); a.status != http.StatusNoContent {
		t.Errorf("before the download: %d", a.status)
	}
	w.get("owner", path+"/download")
	w.hides(w.shows("owner", watch, "Now check the file", path+"/check", `role="status"`), "hx-get", "<html")
	w.hides(w.shows("owner", path, "Check and confirm"), "hx-get")
}

// TestWhatAFormatCannotHoldIsNamed: the rows are named with their format, and what building again can and cannot do is said.
func TestWhatAFormatCannotHoldIsNamed(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	w.seal(e, "a", `{"complete": false, "as_of": "2026-11-21T00:00:00Z", "datasets": [{"dataset": "projects", "source": 100, "exported": 100, "failed": 0,
		"lacking": [{"format": "parquet", "rows": 2, "failures": [{"item": "17", "column": "size", "reason": "out_of_range"}, {"item": "40", "column": "size", "reason": "out_of_range"}]}]}],
		"attachments": []}`)
	body := w.shows("owner", path, "Everything is there, but 2 rows are not in the Parquet files.", "Projects: rows that are not in the Parquet files",
		"Row 17, size: Parquet cannot hold this value", "Row 40, size", "rebuilding cannot change that", "The files in the other formats have these rows.")
	w.hides(body, path+"/repair", "items are missing")
	if a := w.post("owner", path+"/repair", nil); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a rebuild that can bring nothing: %d", a.status)
	}
}

// TestWhatCanBeDoneIsSaidForEachReason names cold files, files that we may not read, and files that are gone.
func TestWhatCanBeDoneIsSaidForEachReason(t *testing.T) {
	w := newWorld(t)
	e := w.requestExport("owner", "a")
	path := "/exports/" + e.ID
	w.seal(e, "a", `{"complete": false, "as_of": "2026-11-21T00:00:00Z", "datasets": [], "attachments": [{"dataset": "tasks", "source": 9, "exported": 6, "failed": 3, "failures": [
		{"item": "a", "name": "old.mp4", "reason": "archived"}, {"item": "b", "name": "locked.pdf", "reason": "no_key"}, {"item": "c", "name": "gone.pdf", "reason": "missing"}]}]}`)
	w.shows("owner", path, "3 items are missing.", "old.mp4: in cold storage", "locked.pdf: encrypted with a key", "ask us to restore them", "Once we have access",
		"rebuilding cannot bring them back", path+"/repair")
	w.speak("owner", "zh-CN")
	w.shows("owner", path, "缺少3项内容", "位于冷存储中", "请联系我们恢复")
}
