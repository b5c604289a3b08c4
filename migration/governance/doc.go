// Package governance runs a retirement as a plan of a company: phases with gates, and a checklist whose items have owners, due
// days and evidence. A plan is started from a template, a YAML file that says which phases, gates and items there are.
//
// A phase is worked on in turn:
//
//	waiting --the gate before it opens--> open --its own gate opens--> done
//	done    --reopened, with every phase behind it--> open
//
// A gate opens when each must-item of its phase is done or waived and each of its facts holds or is waived. It is shut again as soon
// as a waiver that it stands on has ended. Acts that a gate blocks (telling customers, declaring the service's end, erasing) are
// refused while it is shut; the database's function governance_allows is the one judge of that.
//
// An item is done by a person, with evidence where the template asks for it, or by a fact:
//
//	open --done--> done;  open --waived by one, agreed by another, until a day--> waived;  done, waived --reopened--> open
package governance
