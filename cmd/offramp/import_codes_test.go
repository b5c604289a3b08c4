package main

import "testing"

func TestImportCodes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := w.file("codes.csv", "\ufeffCode,,\r\nA-1,,\r\n\r\n\"A-\"\"2\",\r\nA-1\r\nB\x07\r\n1.07E+05\r\n,,\r\nX,Y\r\n")
	w.run("import", "--codes", file, "--replacement", "fleet").want(t, 1, "no programme is in effect yet")
	w.with("OFFRAMP_DEMO_SELF_APPROVAL", "yes").run("apply", "-f", w.boatsProgramme("help:\n", `replacements:
  - {key: fleet, name: {en: Fleet, zh-CN: 船队}, offer: {text: {en: Less., zh-CN: 优惠。}, pool: true}}
  - {key: paper, name: {en: Paper, zh-CN: 纸张}}
features:
  - {key: boats, name: {en: Boats, zh-CN: 小船}, source: product, query: "SELECT owner AS customer_ref, count(*) AS count FROM boat GROUP BY owner"}
help:
`), "--by", "one", "--approve-as", "two").want(t, 0, "It is in effect.")
	w.run("import", "--codes", file).want(t, 1, "--codes and --replacement go together")
	w.run("import", "--codes", file, "--replacement", "fleet", "--dry-run").want(t, 1, "--codes takes neither")
	w.run("import", "--codes", file, "--replacement", "paper").want(t, 1, `has no replacement "paper" whose offer has a pool`)
	w.with("OFFRAMP_WEB_SECRET_KEY", "").run("import", "--codes", file, "--replacement", "fleet").want(t, 1, "set OFFRAMP_WEB_SECRET_KEY")
	w.run("import", "--codes", file, "--replacement", "fleet").want(t, 1, "line 6: refused: is longer than 100 bytes or holds a control character", `line 7: refused: "1.07E+05" looks like a number that a spreadsheet shortened`, "line 9: refused: holds more than one value", "6 codes: 2 added, 1 known already, 3 refused.")
	runWith(t.Context(), t, w.env, "A-1\n\"A-\"\"2\"\n", "import", "--codes", "-", "--replacement", "fleet").want(t, 0, "2 codes: 0 added, 2 known already, 0 refused.")
	if n := w.count(`SELECT count(*) FROM offer_code WHERE position('A-' IN sealed) = 0`); n != 2 {
		t.Errorf("%d sealed codes", n)
	}
	broken := w.boatsProgramme("help:\n", `features:
  - {key: boats, name: {en: Boats, zh-CN: 小船}, source: product, query: "SELECT owner, count(*) FROM boat GROUP BY owner"}
help:
`)
	w.run("apply", "-f", broken, "--by", "one").want(t, 1, "features[boats]", "gives the columns customer_ref and count")
}
