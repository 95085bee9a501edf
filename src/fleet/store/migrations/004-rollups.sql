-- The five minutes in which a window began, by the robot's clock; null for messages that are not windows. Together with
-- the day of receipt it says which rollup a message belongs to.
alter table fleet.messages add column bucket timestamptz;
create index messages_buckets on fleet.messages (ledger, bucket) where bucket is not null;

-- Years before 1000 come from clocks that were never set; PostgreSQL does not read all of them.
create function fleet.bucket_of(payload jsonb) returns timestamptz
language sql stable parallel safe
return case when left(payload #>> '{window,start}', 1) between '1' and '9'
  then date_bin('5 min', (payload #>> '{window,start}')::timestamptz, 'epoch') end;

-- Rollups that are not what their messages say. Rows are only ever added and taken away, so that whoever stores never
-- waits for whoever rolls up; there may be many for one rollup.
create table fleet.rollup_jobs (
  id bigint generated always as identity primary key,
  sender integer not null references fleet.senders on delete cascade,
  bucket timestamptz not null,
  -- of receipt, UTC
  day date not null,
  -- by the clock of the database; not earlier, so that a rollup is not made for each of its messages
  ready_at timestamptz not null
);
create index rollup_jobs_ready on fleet.rollup_jobs (ready_at);
create index rollup_jobs_senders on fleet.rollup_jobs (sender, ready_at);
create index rollup_jobs_days on fleet.rollup_jobs (day);

-- When a rollup is due: soon after its five minutes are over, or ten seconds after a message that is late. A robot's
-- clock may run ahead, so the clock of the database has the last word.
create function fleet.due(bucket timestamptz) returns timestamptz
language sql stable parallel safe
return least(greatest(bucket + interval '330 s', now() + interval '10 s'), now() + interval '330 s');

-- What one camera of a detector did in five minutes, as far as it was received on one day. It is a function of the
-- messages of that day alone: once their partition is dropped, nothing changes it any more.
create table fleet.cameras_5m (
  sender integer not null references fleet.senders on delete cascade,
  camera text not null,
  bucket timestamptz not null,
  day date not null,
  -- the end of its last window, and the length of all windows
  until timestamptz not null,
  covered_ms bigint not null,
  received bigint not null,
  published bigint not null,
  -- by reason
  drops jsonb not null,
  -- counts between the edges of docs/asyncapi.json, and the sum of all latencies
  latency integer[] not null,
  latency_sum_ms double precision not null,
  primary key (sender, bucket, camera, day)
) partition by range (day);

-- The machine of a detector: for each value its weight (milliseconds), weighted sum, minimum and maximum.
create table fleet.hosts_5m (
  sender integer not null references fleet.senders on delete cascade,
  bucket timestamptz not null,
  day date not null,
  until timestamptz not null,
  covered_ms bigint not null,
  "values" jsonb not null,
  primary key (sender, bucket, day)
) partition by range (day);

-- The same in hours.
create table fleet.cameras_1h (like fleet.cameras_5m including all,
  foreign key (sender) references fleet.senders on delete cascade) partition by range (day);
create table fleet.hosts_1h (like fleet.hosts_5m including all,
  foreign key (sender) references fleet.senders on delete cascade) partition by range (day);

-- How far back each table goes, once its oldest partitions were dropped.
create table fleet.retention (
  kept text primary key,
  dropped_before date not null
);

-- As in 002, and what is stored or taken away is rolled up again.
create or replace function fleet.store_messages(
  ledgers bigint[],
  firsts bigint[],
  lasts bigint[],
  -- milliseconds since the epoch
  ats double precision[],
  receipts double precision[],
  historicals boolean[],
  payloads jsonb[],
  declared_ledgers bigint[],
  declared_numbers text[]
) returns table (id bigint, messages bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  wanted bigint[];
  locked integer;
begin
  select array_agg(distinct w.id) into wanted from unnest(ledgers || declared_ledgers) as w (id);
  -- in one order everywhere: two ingestors never wait for each other in a circle
  perform 1 from fleet.ledger l where l.id = any (wanted) order by l.id for update;
  get diagnostics locked = row_count;
  if locked <> cardinality(wanted) then
    raise exception 'rows of the ledger vanished' using errcode = 'GF001';
  end if;

  -- A merged message replaces what was stored of it before it was merged.
  if firsts <> lasts then
    with replaced as (
      delete from fleet.messages m
      using unnest(ledgers, firsts, lasts) as i (ledger, first_id, last_id)
      join fleet.ledger l on l.id = i.ledger
      where i.first_id < i.last_id
        and l.stored && int8range(i.first_id, i.last_id, '[]')
        and not l.stored @> int8range(i.first_id, i.last_id, '[]')
        and m.ledger = i.ledger and m.first_id >= i.first_id and m.last_id <= i.last_id
      returning l.sender, m.bucket, m.received_at
    )
    insert into fleet.rollup_jobs (sender, bucket, day, ready_at)
    select distinct sender, bucket, (received_at at time zone 'UTC')::date, fleet.due(bucket)
    from replaced where bucket is not null;
  end if;

  return query
    with fresh as materialized (
      select i.*, l.sender, case when l.stream = 'metrics' then fleet.bucket_of(i.payload) end as bucket
      from unnest(ledgers, firsts, lasts, ats, receipts, historicals, payloads)
        as i (ledger, first_id, last_id, at_ms, received_ms, historical, payload)
      join fleet.ledger l on l.id = i.ledger
      where not l.stored @> int8range(i.first_id, i.last_id, '[]')
    ), kept as (
      insert into fleet.messages (received_at, ledger, first_id, last_id, at, historical, payload, bucket)
      select to_timestamp(received_ms / 1000), ledger, first_id, last_id, to_timestamp(at_ms / 1000), historical,
        payload, bucket
      from fresh
    ), marked as (
      insert into fleet.rollup_jobs (sender, bucket, day, ready_at)
      select distinct sender, bucket, (to_timestamp(received_ms / 1000) at time zone 'UTC')::date, fleet.due(bucket)
      from fresh where bucket is not null
    )
    update fleet.ledger l set
      stored = l.stored + f.numbers,
      last_received = greatest(l.last_received, to_timestamp(f.received_ms / 1000)),
      last_at = case when f.last_id >= coalesce(upper(l.stored), 0) then to_timestamp(f.at_ms / 1000)
        else l.last_at end
    from (
      select ledger, count(*) as messages, range_agg(int8range(first_id, last_id, '[]')) as numbers,
        max(received_ms) as received_ms, max(last_id) as last_id,
        (array_agg(at_ms order by last_id desc))[1] as at_ms
      from fresh group by ledger
    ) f
    where l.id = f.ledger
    returning l.id, f.messages;

  if cardinality(declared_ledgers) > 0 then
    update fleet.ledger l set declared = l.declared + d.numbers::int8multirange
    from unnest(declared_ledgers, declared_numbers) as d (ledger, numbers)
    where l.id = d.ledger;
  end if;
end
$$;

-- Windows that were stored before there were rollups.
update fleet.messages m set bucket = fleet.bucket_of(m.payload)
from fleet.ledger l where l.id = m.ledger and l.stream = 'metrics';
insert into fleet.rollup_jobs (sender, bucket, day, ready_at)
select distinct l.sender, m.bucket, (m.received_at at time zone 'UTC')::date, now()
from fleet.messages m join fleet.ledger l on l.id = m.ledger where m.bucket is not null;
