package console_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"offramp/export"
	"offramp/migration"
	"offramp/migration/assistance"
	"offramp/migration/refund"
	"offramp/migration/replacement"
	"offramp/portal/console"
	"offramp/portal/ui"
)

// TestEveryStateHasItsTurn holds that no state of anything is without a colour.
func TestEveryStateHasItsTurn(t *testing.T) {
	turns := map[string]ui.Tone{}
	for _, s := range refund.States {
		turns["refund "+string(s)] = console.RefundTurn(s)
	}
	for _, s := range []refund.BatchState{refund.BatchCreated, refund.BatchReleased, refund.BatchDiscarded} {
		turns["batch "+string(s)] = console.BatchTurn(s)
	}
	for _, s := range []export.VolumeState{export.VolumeWaiting, export.VolumeBuilding, export.VolumeSealed} {
		turns["volume "+string(s)] = console.VolumeTurn(s)
	}
	for _, s := range []assistance.State{assistance.Open, assistance.Answered, assistance.Closed} {
		turns["help "+string(s)] = console.HelpTurn(s)
	}
	for _, s := range []migration.Status{
		migration.NotStarted, migration.InProgress, migration.ActionNeeded, migration.Problem, migration.Completed, migration.CannotStart, migration.NotNeeded,
	} {
		turns["step "+string(s)] = console.StepTurn(s)
	}
	for _, s := range []replacement.State{
		replacement.Made, replacement.Accepted, replacement.Importing, replacement.Moved, replacement.Failed, replacement.Withdrawn, replacement.Undone, replacement.Replaced,
	} {
		turns["choice "+string(s)] = console.ChoiceTurn(s)
	}
	for _, s := range []string{migration.VersionProposed, migration.VersionActive, migration.VersionSuperseded, migration.VersionWithdrawn} {
		turns["version "+s] = console.VersionTurn(s)
	}
	for what, tone := range turns {
		switch tone {
		case console.Ours, console.Theirs, console.Done, console.Problem, console.Over:
		default:
			t.Errorf("%s has the tone %q", what, tone)
		}
	}
}

// TestStaffsBadgesFollowTheOneRule reads the source of staff's pages: a colour is named by whose turn it is, never by itself.
func TestStaffsBadgesFollowTheOneRule(t *testing.T) {
	read := 0
	for _, folder := range []string{"support", "finance", "manager", "notices", "briefing", "ops", "audit"} {
		paths, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, source, 0)
			if err != nil {
				t.Fatal(err)
			}
			read++
			ast.Inspect(file, func(n ast.Node) bool {
				x, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				of, _ := x.X.(*ast.Ident)
				if of == nil {
					return true
				}
				if name := of.Name + "." + x.Sel.Name; strings.HasPrefix(name, "ui.Tone") && name != "ui.Tone" ||
					name == "ui.Status" || name == "customer.ExportTag" || name == "customer.ChoiceTone" || name == "settle.Tone" {
					t.Errorf("%s colours a badge by %s: the rule is in console/badge.go", path, name)
				}
				return true
			})
		}
	}
	if read < 40 {
		t.Errorf("%d files read", read)
	}
}
