// Package click keeps which links of a notice were followed, and whether a person did.
//
// Mail gateways and mail programs follow links by themselves, often all of them and at once. A link that was followed therefore
// proves less than a signed-in visit: it never makes a customer count as reached. Only the verdict is kept, never who asked.
package click
