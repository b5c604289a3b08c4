package main

import (
	"context"
	"errors"
	"fmt"

	"offramp/internal/secret"
)

// checkKeys has a data key made and unwrapped, as sealing and opening bank details does. Nothing is kept.
func (p *parts) checkKeys(ctx context.Context) (string, error) {
	m := p.config.KMS
	if !m.Given() {
		return ": by OFFRAMP_WEB_SECRET_KEY", nil
	}
	vault, err := p.vault(ctx)
	if err != nil {
		return "", &trouble{what: "no credentials for the key management service were found", mend: "set OFFRAMP_KMS_ACCESS_KEY and OFFRAMP_KMS_SECRET_KEY, or give this machine a role", cause: err}
	}
	if m.Key == "" {
		return fmt.Sprintf(": by OFFRAMP_WEB_SECRET_KEY; %d earlier keys only open", len(m.OldKeys)), nil
	}
	switch err := vault.Check(ctx); {
	case errors.Is(err, secret.ErrOpen):
		return "", &trouble{what: "the key management service does not give back what it wrapped", mend: "look at OFFRAMP_KMS_ENDPOINT: what answers there keeps no keys", cause: err}
	case err != nil:
		return "", &trouble{
			what:  "the key management service does not wrap and unwrap keys for us, so customers cannot give bank details and no bank file is made",
			mend:  "correct OFFRAMP_KMS_KEY, _REGION and _ENDPOINT; the key must be enabled and grant kms:GenerateDataKey and kms:Decrypt",
			cause: err,
		}
	}
	return ": " + m.Key, nil
}
