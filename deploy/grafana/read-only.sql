-- A role for Grafana, which reads what dashboards show, and no tokens. Run it once as the owner of the database, after
-- "goshawk fleet serve" has made its tables, and set a password: alter role goshawk_grafana password '...'.
create role goshawk_grafana login;
grant usage on schema fleet to goshawk_grafana;
grant select on fleet.senders, fleet.ledger, fleet.ledger_health, fleet.ledger_sums, fleet.cameras_5m,
  fleet.hosts_5m, fleet.quarantine, fleet.robot_settings, fleet.audit to goshawk_grafana;
alter role goshawk_grafana set default_transaction_read_only = on;
alter role goshawk_grafana set statement_timeout = '30s';
