-- Less work for each message.

-- Payloads are kept as they came: to take them apart cost more than all the rest of storing them, and nothing looks for
-- a value in them. Ask payload::jsonb where its operators are needed.
alter table fleet.messages alter column payload type json using payload::text::json;

-- Jobs are found by the rollup that they are for.
drop index fleet.rollup_jobs_senders;
create index rollup_jobs_rollups on fleet.rollup_jobs (sender, bucket, day);

drop function fleet.store_messages(bigint[], bigint[], bigint[], double precision[], double precision[], boolean[],
  jsonb[], bigint[], text[]);

-- As in 004, but the bucket of each message is known to whoever read it, and a rollup that waits is not asked for again.
create function fleet.store_messages(
  ledgers bigint[],
  firsts bigint[],
  lasts bigint[],
  -- milliseconds since the epoch
  ats double precision[],
  receipts double precision[],
  historicals boolean[],
  payloads json[],
  -- the five minutes in which a window began, milliseconds since the epoch; null for other messages
  buckets double precision[],
  declared_ledgers bigint[],
  declared_numbers text[]
) returns table (id bigint, messages bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  wanted bigint[];
  locked integer;
  counted bigint[];
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
    with merged as materialized (
      select i.*, l.sender, l.stored * int8multirange(int8range(i.first_id, i.last_id, '[]')) as had
      from unnest(ledgers, firsts, lasts) with ordinality as i (ledger, first_id, last_id, place)
      join fleet.ledger l on l.id = i.ledger
      where i.first_id < i.last_id
        and l.stored && int8range(i.first_id, i.last_id, '[]')
        and not l.stored @> int8range(i.first_id, i.last_id, '[]')
    ), replaced as (
      delete from fleet.messages m using merged i
      where m.ledger = i.ledger and m.first_id >= i.first_id and m.last_id <= i.last_id
      returning i.sender, m.bucket, m.received_at
    ), marked as (
      insert into fleet.rollup_jobs (sender, bucket, day, ready_at)
      select distinct sender, bucket, (received_at at time zone 'UTC')::date, fleet.due(bucket)
      from replaced where bucket is not null
    )
    -- Numbers whose messages were dropped are in rollups that nobody makes again: they must not count a second time.
    select array_agg(i.place) into counted from merged i
    where not coalesce((
      select range_agg(int8range(m.first_id, m.last_id, '[]')) from fleet.messages m
      where m.ledger = i.ledger and m.last_id >= i.first_id and m.first_id <= i.last_id
    ), '{}') @> i.had;
    for at in 1 .. coalesce(cardinality(counted), 0) loop
      buckets[counted[at]] := null;
    end loop;
  end if;

  return query
    with fresh as materialized (
      select i.*, l.sender, to_timestamp(i.received_ms / 1000) as received_at,
        to_timestamp(i.bucket_ms / 1000) as bucket
      from unnest(ledgers, firsts, lasts, ats, receipts, historicals, payloads, buckets)
        as i (ledger, first_id, last_id, at_ms, received_ms, historical, payload, bucket_ms)
      join fleet.ledger l on l.id = i.ledger
      where not l.stored @> int8range(i.first_id, i.last_id, '[]')
    ), kept as (
      insert into fleet.messages (received_at, ledger, first_id, last_id, at, historical, payload, bucket)
      select received_at, ledger, first_id, last_id, to_timestamp(at_ms / 1000), historical, payload, bucket
      from fresh
    ), asked as materialized (
      select distinct sender, bucket, (received_at at time zone 'UTC')::date as day from fresh where bucket is not null
    ), waiting as materialized (
      -- Locked until this transaction ends, so that nobody takes the job before there is something to see. One that
      -- somebody has taken already is of no use.
      select j.sender, j.bucket, j.day from fleet.rollup_jobs j join asked a using (sender, bucket, day)
      for key share of j skip locked
    ), marked as (
      insert into fleet.rollup_jobs (sender, bucket, day, ready_at)
      select sender, bucket, day, fleet.due(bucket) from asked
      where (sender, bucket, day) not in (select sender, bucket, day from waiting)
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
