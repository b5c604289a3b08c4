package config

// KMS is the key management service whose key wraps the keys of customers' bank details. Without it they are sealed by
// Web.SecretKey.
type KMS struct {
	Key       string   `env:"KEY" doc:"Id, ARN or alias of the key of AWS KMS, or of a service that speaks its protocol, that wraps the keys of bank details. It needs kms:GenerateDataKey and kms:Decrypt. Empty: bank details are sealed by OFFRAMP_WEB_SECRET_KEY alone." use:"serve, work" example:"alias/offramp-bank-details"`
	OldKeys   []string `env:"OLD_KEYS" doc:"Keys that KEY was earlier, so that what they wrapped still opens." use:"serve, work"`
	Region    string   `env:"REGION" envDefault:"us-east-1" doc:"Region of the key." use:"serve, work"`
	Endpoint  string   `env:"ENDPOINT" doc:"Address of the service. Empty: the region's own at AWS." use:"serve, work" example:"https://kms.example.com"`
	AccessKey string   `env:"ACCESS_KEY" doc:"Access key id. Empty: the usual AWS chain (role, profile)." use:"serve, work"`
	SecretKey string   `env:"SECRET_KEY" doc:"Secret access key." use:"serve, work" secret:"yes"`
}

// Given reports whether there is a key to wrap or to open with.
func (m KMS) Given() bool { return m.Key != "" || len(m.OldKeys) > 0 }

func (c Config) checkKMS(k *checker) {
	m := c.KMS
	if (m.AccessKey == "") != (m.SecretKey == "") {
		k.add("KMS_ACCESS_KEY", "set both KMS_ACCESS_KEY and KMS_SECRET_KEY, or neither")
	}
	if m.Endpoint != "" {
		if u, ok := k.http("KMS_ENDPOINT", m.Endpoint); ok && u.Scheme == "http" && !isLoopback(u.Hostname()) {
			k.add("KMS_ENDPOINT", "must be https: keys travel there")
		}
	}
	if !m.Given() && (m.Endpoint != "" || m.AccessKey != "") {
		k.add("KMS_KEY", "is not set, and nothing else of KMS_ has a use without it")
	}
}
