package auth

// AuthenticatedAt is authenticatedAt, for tests.
var AuthenticatedAt = authenticatedAt
