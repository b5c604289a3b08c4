package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"offramp/internal/fault"
)

var errGone = fault.New(fault.Gone, "export.expired")

func TestCopiesKeepTheirIdentity(t *testing.T) {
	cause := errors.New("disk")
	err := fmt.Errorf("download: %w", errGone.With(map[string]any{"Day": 1}).Wrap(cause).Field("id", "field.unknown", nil))
	if !errors.Is(err, errGone) || !errors.Is(err, cause) {
		t.Fatalf("lost identity or cause: %v", err)
	}
	if errors.Is(err, fault.New(fault.Gone, "export.expired")) {
		t.Fatal("equal text is not the same error")
	}
	if len(errGone.Fields) != 0 || errGone.Args != nil {
		t.Fatal("the declared error was changed")
	}
	e, ok := fault.As(err)
	if !ok || e.Kind != fault.Gone || len(e.Fields) != 1 {
		t.Fatalf("got %+v", e)
	}
}

func TestKindOfForeignErrorIsInternal(t *testing.T) {
	if k := fault.KindOf(errors.New("x")); k != fault.Internal || k.String() != "internal" {
		t.Fatal(k)
	}
	if k := fault.KindOf(errGone); k.String() != "gone" {
		t.Fatal(k)
	}
}
