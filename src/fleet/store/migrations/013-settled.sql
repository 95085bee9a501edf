-- Rows of the ledger that nothing has changed lately are settled: their counts are in fleet.ledger_settled, so that how
-- a detector's ledger stands is the sum over its recent boots, however many it had before. The rows stay with their
-- numbers: a message that comes late is held against them like any other, and its row is open again then.
alter table fleet.ledger add column settled boolean not null default false;
create index ledger_open on fleet.ledger (sender) where not settled;

-- Several rows of one sender and stream add up. Whoever opens a row again adds one with its counts below zero, so that
-- nobody who stores waits for another one.
create table fleet.ledger_settled (
  id bigint generated always as identity primary key,
  sender integer not null references fleet.senders on delete cascade,
  stream text not null,
  boots bigint not null,
  -- numbers of messages; a robot may claim any below 2^53, so their sum may be more than a bigint
  stored numeric not null,
  quarantined numeric not null,
  declared numeric not null,
  holes numeric not null,
  last_received timestamptz
);
create index ledger_settled_senders on fleet.ledger_settled (sender, stream);

-- How many numbers each row of the ledger has of each kind, open or settled.
create view fleet.ledger_counts as
select l.id, l.sender, l.stream, l.settled, l.last_received,
  (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(l.stored) as r) as stored,
  (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(l.quarantined - l.stored) as r) as quarantined,
  (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(l.declared - l.stored - l.quarantined) as r) as declared,
  (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(
    int8multirange(int8range(0, greatest(upper(l.stored), upper(l.quarantined), upper(l.declared), 0)))
      - l.stored - l.quarantined - l.declared) as r) as holes
from fleet.ledger l;

-- What adds up to how the ledger stands: open rows one by one, settled ones together.
create view fleet.ledger_sums as
select sender, stream, 1::bigint as boots, stored, quarantined, declared, holes, last_received
from fleet.ledger_counts where not settled
union all
select sender, stream, boots, stored, quarantined, declared, holes, last_received from fleet.ledger_settled;

create function fleet.reopen_ledger() returns trigger
language plpgsql
as $$
begin
  insert into fleet.ledger_settled (sender, stream, boots, stored, quarantined, declared, holes)
  select sender, stream, -1, -stored, -quarantined, -declared, -holes from fleet.ledger_counts where id = old.id;
  new.settled := false;
  return new;
end
$$;

-- Whatever changes a row: its counts are no longer what was added up.
create trigger ledger_reopened before update on fleet.ledger
  for each row when (old.settled) execute function fleet.reopen_ledger();

-- Settles rows that were not changed since a time, and returns how many.
create function fleet.settle_ledger(before timestamptz, at_most integer) returns bigint
language sql
as $$
  with due as materialized (
    select l.id from fleet.ledger l
    where not l.settled and coalesce(l.last_received, l.first_received) < before
    limit at_most for update skip locked
  ), marked as (
    update fleet.ledger l set settled = true from due where l.id = due.id
    returning l.id, l.sender, l.stream, l.last_received, l.stored, l.quarantined, l.declared
  ), added as (
    insert into fleet.ledger_settled (sender, stream, boots, stored, quarantined, declared, holes, last_received)
    select sender, stream, count(*),
      sum((select coalesce(sum(upper(r) - lower(r)), 0) from unnest(stored) as r)),
      sum((select coalesce(sum(upper(r) - lower(r)), 0) from unnest(quarantined - stored) as r)),
      sum((select coalesce(sum(upper(r) - lower(r)), 0) from unnest(declared - stored - quarantined) as r)),
      sum((select coalesce(sum(upper(r) - lower(r)), 0) from unnest(
        int8multirange(int8range(0, greatest(upper(stored), upper(quarantined), upper(declared), 0)))
          - stored - quarantined - declared) as r)),
      max(last_received)
    from marked group by sender, stream
    returning boots
  )
  select coalesce(sum(boots), 0)::bigint from added
$$;

-- Makes one row of several of a sender and stream. Returns how many rows of the ledger were opened again since the last
-- time: each is counted by one caller.
create function fleet.add_up_settled() returns bigint
language plpgsql
as $$
declare
  opened bigint;
begin
  -- one at a time, and nobody waits; "sett" in ASCII
  if not pg_try_advisory_xact_lock(x'73657474'::integer) then
    return 0;
  end if;
  with several as materialized (
    select sender, stream from fleet.ledger_settled group by sender, stream having count(*) > 1
  ), gone as (
    delete from fleet.ledger_settled s using several t where s.sender = t.sender and s.stream = t.stream
    returning s.*
  ), added as (
    insert into fleet.ledger_settled (sender, stream, boots, stored, quarantined, declared, holes, last_received)
    select sender, stream, sum(boots), sum(stored), sum(quarantined), sum(declared), sum(holes), max(last_received)
    from gone group by sender, stream having sum(boots) <> 0
  )
  select coalesce(-sum(boots) filter (where boots < 0), 0) into opened from gone;
  return opened;
end
$$;
