-- +goose Up

-- Finance finds refunds by a contact's address, which belongs to any customer.
CREATE INDEX contact_by_email ON contact (lower(email));

-- +goose Down
SELECT 'forward only';
