package inspect_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"

	"offramp/migration/refund/inspect"
)

func packed(text string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

func stream(dict, body string) string {
	return fmt.Sprintf("%%PDF-1.7\n1 0 obj\n<< %s /Length %d >>\nstream\n%s\nendstream\nendobj\ntrailer << /Root 2 0 R >>\n%%%%EOF\n", dict, len(body), body)
}

func TestPDFsThatActAreRefused(t *testing.T) {
	t.Parallel()
	const head, end = "%PDF-1.7\n1 0 obj\n<< /Type /Catalog ", " >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
	for name, c := range map[string]struct {
		content string
		want    error
	}{
		"a plain page":                        {head + "/Pages 2 0 R /OpenAction [2 0 R /Fit]" + end, nil},
		"what is drawn mentions it by chance": {stream("/Filter /FlateDecode", "\x00/JS \x01"), nil},
		"a script":                            {head + "/OpenAction << /S /JavaScript /JS (app.alert(1)) >>" + end, inspect.ErrActive},
		"a short name alone":                  {head + "/AA << /O << /JS 3 0 R >> >>" + end, inspect.ErrActive},
		"an escaped name":                     {head + "/OpenAction << /S /J#61vaScript /J#53 (x) >>" + end, inspect.ErrActive},
		"a program":                           {head + "/OpenAction << /S /Launch /F (cmd.exe) >>" + end, inspect.ErrActive},
		"a file within":                       {head + "/Names << /EmbeddedFiles 3 0 R >>" + end, inspect.ErrActive},
		"a form of another kind":              {head + "/AcroForm << /XFA 3 0 R >>" + end, inspect.ErrActive},
		"a form that sends":                   {head + "/A << /S /SubmitForm >>" + end, inspect.ErrActive},
		"a script among packed objects":       {stream("/Type /ObjStm /Filter /FlateDecode", packed("1 0 << /S /JavaScript /JS (x) >>")), inspect.ErrActive},
		"packed objects that are plain":       {stream("/Type /ObjStm /Filter /FlateDecode", packed("1 0 << /Type /Page >>")), nil},
		"objects packed twice":                {stream("/Type /ObjStm /Filter [/ASCIIHexDecode /FlateDecode]", "00"), inspect.ErrProtected},
		"a false end hides nothing":           {stream("", "x\nendstream\n<< /S /JavaScript >>"), inspect.ErrActive},
		"a name in what seems a stream":       {head + ">>\nstream\n/JavaScript\nendstream" + end, inspect.ErrActive},
		"encrypted":                           {"%PDF-1.7\ntrailer << /Root 1 0 R /Encrypt 5 0 R >>\n%%EOF\n", inspect.ErrProtected},
		"a stream without an end":             {"%PDF-1.7\n<< >>\nstream\nabc\n%%EOF\n", inspect.ErrBroken},
	} {
		if err := inspect.PDF([]byte(c.content)); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestPDFsThatUnpackWithoutEndAreRefused(t *testing.T) {
	t.Parallel()
	bomb := stream("/Type /ObjStm /Filter /FlateDecode", packed(strings.Repeat(" ", 60<<20)))
	if err := inspect.PDF([]byte(bomb)); !errors.Is(err, inspect.ErrHuge) {
		t.Errorf("%d bytes: %v", len(bomb), err)
	}
}

func TestPicturesHaveToBePictures(t *testing.T) {
	t.Parallel()
	var whole bytes.Buffer
	if err := png.Encode(&whole, image.NewGray(image.Rect(0, 0, 30, 20))); err != nil {
		t.Fatal(err)
	}
	if err := inspect.Picture(whole.Bytes()); err != nil {
		t.Errorf("a picture: %v", err)
	}
	if err := inspect.Picture(whole.Bytes()[:whole.Len()-20]); !errors.Is(err, inspect.ErrBroken) {
		t.Errorf("cut: %v", err)
	}
	huge := bytes.Clone(whole.Bytes())
	copy(huge[16:], []byte{0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff}) // 65,535 by 65,535; its checksum is wrong now, too
	if err := inspect.Picture(huge); err == nil {
		t.Error("four thousand million points")
	}
	if err := inspect.Picture([]byte("GIF89a, or so it says")); !errors.Is(err, inspect.ErrBroken) {
		t.Errorf("another kind: %v", err)
	}
}
