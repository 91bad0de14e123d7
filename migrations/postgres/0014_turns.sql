-- Claims take tenants in turn: the oldest waiting job of the next tenant.
DROP INDEX jobs_by_status;
CREATE INDEX jobs_by_status ON jobs (status, tenant, sequence);
