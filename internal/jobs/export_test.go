package jobs

// Running counts the attempts that run in this client.
func Running(c *Client) int { return len(c.running.attempts()) }

// Losses counts how often the client's lock was lost.
func Losses(c *Client) int64 { return c.live.losses.Load() }
