CREATE INDEX member_customer ON member (customer_id, id);
CREATE INDEX project_customer ON project (customer_id, id);
CREATE INDEX task_customer ON task (customer_id, id);
ALTER TABLE comment ADD PRIMARY KEY (id);
CREATE INDEX comment_customer ON comment (customer_id, id);
CREATE INDEX attachment_customer ON attachment (customer_id, id);
CREATE INDEX automation_customer ON automation (customer_id, id);
CREATE INDEX invoice_customer ON invoice (customer_id, id);
GRANT SELECT ON customer, member, project, task, comment, attachment, automation, invoice TO hezhou_reader;

