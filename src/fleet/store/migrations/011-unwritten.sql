-- 008 and 010 once changed all stored messages. Databases in which they did come to the same tables.
alter table fleet.messages add column if not exists payload_before jsonb;
alter table fleet.messages alter column payload drop not null;
create table if not exists fleet.drift_backfill (
  ledger bigint primary key references fleet.ledger on delete cascade,
  before timestamptz not null default now(),
  done_id bigint not null default -1
);
