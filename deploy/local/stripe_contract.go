package local

import (
	"fmt"
	"maps"
	"net/http"
	"sync"

	"github.com/lestrrat-go/jsval"
	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/param"
	"github.com/stripe/stripe-mock/param/coercer"
	"github.com/stripe/stripe-mock/server"
	"github.com/stripe/stripe-mock/spec"
)

// stripeContract is Stripe's own description of its interface, as stripe-mock carries it: each request is held against it,
// and each answer begins as its example. stripe-mock's server is not used, since it prints every request and keeps no state.
type stripeContract struct {
	refund, intent, charge map[string]any // examples of the objects
	routes                 map[string]stripeRoute
}

type stripeRoute struct {
	schema    *spec.Schema
	validator *jsval.JSVal
}

// The description is large and the same for everyone.
var loadStripeContract = sync.OnceValues(func() (*stripeContract, error) {
	fixtures, err := server.LoadFixtures(embedded.OpenAPIFixtures, "")
	if err != nil {
		return nil, err
	}
	description, err := server.LoadSpec(embedded.OpenAPISpec, "")
	if err != nil {
		return nil, err
	}
	c := &stripeContract{routes: map[string]stripeRoute{}}
	for name, example := range map[spec.ResourceID]*map[string]any{"refund": &c.refund, "payment_intent": &c.intent, "charge": &c.charge} {
		var ok bool
		if *example, ok = fixtures.Resources[name].(map[string]any); !ok {
			return nil, fmt.Errorf("stripe-mock has no example of a %s", name)
		}
	}
	components := spec.GetComponentsForValidation(&description.Components)
	for _, path := range []string{"/v1/refunds", "/v1/refunds/{refund}", "/v1/payment_intents/{intent}", "/v1/charges/{charge}"} {
		for verb, operation := range description.Paths[spec.Path(path)] {
			schema, parts := spec.BuildQuerySchema(operation), (*spec.ComponentsForValidation)(nil)
			if verb != "get" {
				body, ok := operation.RequestBody.Content["application/x-www-form-urlencoded"]
				if !ok {
					continue
				}
				schema, parts = body.Schema, components
			}
			validator, err := spec.GetValidatorForOpenAPI3Schema(schema, parts)
			if err != nil {
				return nil, fmt.Errorf("read Stripe's description of %s %s: %w", verb, path, err)
			}
			c.routes[string(verb)+" "+path] = stripeRoute{schema, validator}
		}
	}
	return c, nil
})

// check reads the request's parameters and holds them against Stripe's description of the route, such as "post /v1/refunds".
func (c *stripeContract) check(route string, r *http.Request) (map[string]any, error) {
	expected, ok := c.routes[route]
	if !ok {
		return nil, fmt.Errorf("no description of %s", route)
	}
	data, err := param.ParseParams(r)
	if err != nil {
		return nil, err
	}
	if err := coercer.CoerceParams(expected.schema, data); err != nil {
		return nil, err
	}
	return data, expected.validator.Validate(data)
}

// with returns an example with some fields set.
func with(example, fields map[string]any) map[string]any {
	object := maps.Clone(example)
	maps.Copy(object, fields)
	return object
}
