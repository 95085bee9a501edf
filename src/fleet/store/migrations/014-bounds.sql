-- How many rows of the ledger each robot began, so that none can begin any number of them: a row costs room for ever.
create table fleet.ledger_growth (
  site text not null,
  robot text not null,
  all_rows bigint not null,
  hour_began timestamptz not null default now(),
  hour_rows bigint not null default 0,
  primary key (robot, site)
);
insert into fleet.ledger_growth (site, robot, all_rows)
select s.site, s.robot, count(*) from fleet.ledger l join fleet.senders s on s.id = l.sender group by s.site, s.robot;

-- Makes the rows that are missing, as many as their robots may begin: the first ones of the arrays.
create function fleet.begin_rows(
  sites text[],
  robots text[],
  nodes text[],
  streams text[],
  boots uuid[],
  boot_counts bigint[],
  -- of one robot, whatever names of detectors it invents
  most_an_hour bigint,
  most_in_all bigint
) returns void
language plpgsql
as $$
declare
  admitted bigint[];
begin
  insert into fleet.ledger_growth (site, robot, all_rows)
  select distinct k.site, k.robot, 0 from unnest(sites, robots) as k (site, robot) order by k.robot, k.site
  on conflict do nothing;
  -- in one order everywhere; statements after it see the rows that other ingestors made
  perform 1 from fleet.ledger_growth g
  where (g.site, g.robot) in (select k.site, k.robot from unnest(sites, robots) as k (site, robot))
  order by g.robot, g.site for update;
  update fleet.ledger_growth g set hour_began = now(), hour_rows = 0
  where (g.site, g.robot) in (select k.site, k.robot from unnest(sites, robots) as k (site, robot))
    and g.hour_began <= now() - interval '1 hour';

  select array_agg(w.place) into admitted from (
    select k.site, k.robot, k.place, row_number() over (partition by k.site, k.robot order by k.place) as turn
    from unnest(sites, robots, nodes, streams, boots) with ordinality as k (site, robot, node, stream, boot, place)
    where not exists (
      select from fleet.senders s join fleet.ledger l on l.sender = s.id
      where s.site = k.site and s.robot = k.robot and s.node = k.node and l.stream = k.stream and l.boot = k.boot)
  ) w join fleet.ledger_growth g on g.site = w.site and g.robot = w.robot
  where w.turn <= least(most_an_hour - g.hour_rows, most_in_all - g.all_rows);

  insert into fleet.senders (site, robot, node)
  select distinct k.site, k.robot, k.node
  from unnest(sites, robots, nodes) with ordinality as k (site, robot, node, place)
  where k.place = any (admitted) order by k.robot, k.site, k.node
  on conflict do nothing;
  insert into fleet.ledger (sender, stream, boot, boot_count)
  select s.id, k.stream, k.boot, k.boot_count
  from unnest(sites, robots, nodes, streams, boots, boot_counts) with ordinality
      as k (site, robot, node, stream, boot, boot_count, place)
    join fleet.senders s on s.site = k.site and s.robot = k.robot and s.node = k.node
  where k.place = any (admitted) order by s.id, k.stream, k.boot
  on conflict do nothing;
  update fleet.ledger_growth g set all_rows = g.all_rows + c.made, hour_rows = g.hour_rows + c.made
  from (
    select k.site, k.robot, count(*) as made from unnest(sites, robots) with ordinality as k (site, robot, place)
    where k.place = any (admitted) group by k.site, k.robot
  ) c where g.site = c.site and g.robot = c.robot;
end
$$;

drop function fleet.store_messages(bigint[], bigint[], bigint[], double precision[], double precision[], boolean[],
  json[], double precision[], bigint[], text[]);

-- As in 008, but a row of the ledger has a bounded number of ranges. If any message would leave more, nothing is
-- stored, and those messages are returned: by their places, or by the rows of which they declare something.
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
  declared_numbers text[],
  -- in each row of the ledger, of stored numbers and of declared ones
  max_ranges bigint
) returns table (id bigint, messages bigint, crowded_place bigint, crowded_declaration bigint)
language plpgsql
as $$
#variable_conflict use_column
declare
  wanted bigint[];
  locked integer;
  counted bigint[];
  crowded bigint[];
  crowded_declarations bigint[];
begin
  select array_agg(distinct w.id) into wanted from unnest(ledgers || declared_ledgers) as w (id);
  -- in one order everywhere: two ingestors never wait for each other in a circle
  perform 1 from fleet.ledger l where l.id = any (wanted) order by l.id for update;
  get diagnostics locked = row_count;
  if locked <> cardinality(wanted) then
    raise exception 'rows of the ledger vanished' using errcode = 'GF001';
  end if;

  -- What continues a range or fills a hole is always taken, so that a robot that delivers comes out of it.
  with full_rows as (
    select l.id, l.stored, n.ranges
    from (select i.ledger, count(*) as messages from unnest(ledgers) as i (ledger) group by i.ledger) a
    join fleet.ledger l on l.id = a.ledger,
    lateral (select count(*) as ranges from unnest(l.stored)) n
    where n.ranges + a.messages > max_ranges
  ), islands as (
    select f.id, r as numbers, f.ranges, row_number() over (partition by f.id order by lower(r)) as turn
    from full_rows f, lateral unnest((
      select range_agg(int8range(i.first_id, i.last_id, '[]')) from unnest(ledgers, firsts, lasts)
        as i (ledger, first_id, last_id) where i.ledger = f.id)) as r
    -- with its neighbors: of a multirange, -|- asks for those of its two ends alone
    where not f.stored && int8range(lower(r) - 1, upper(r) + 1)
  )
  select array_agg(i.place) into crowded
  from unnest(ledgers, firsts, lasts) with ordinality as i (ledger, first_id, last_id, place)
  join islands o on o.id = i.ledger and o.numbers @> int8range(i.first_id, i.last_id, '[]')
  where o.turn > max_ranges - o.ranges;
  select array_agg(l.id) into crowded_declarations
  from unnest(declared_ledgers, declared_numbers) as d (ledger, numbers) join fleet.ledger l on l.id = d.ledger,
    lateral (select count(*) as ranges from unnest(l.declared)) had,
    lateral (select count(*) as ranges from unnest(l.declared + d.numbers::int8multirange)) has
  where has.ranges > greatest(max_ranges, had.ranges);
  if crowded is not null or crowded_declarations is not null then
    return query
      select null::bigint, null::bigint, c.place, null::bigint from unnest(crowded) as c (place)
      union all
      select null::bigint, null::bigint, null::bigint, c.ledger from unnest(crowded_declarations) as c (ledger);
    return;
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
    returning l.id, f.messages, null::bigint, null::bigint;

  if cardinality(declared_ledgers) > 0 then
    update fleet.ledger l set declared = l.declared + d.numbers::int8multirange
    from unnest(declared_ledgers, declared_numbers) as d (ledger, numbers)
    where l.id = d.ledger;
  end if;
end
$$;
